/* One-way streets: what a VM can get lost in. Most of them end it. */
#include "guest/console.h"
#include "guest/exit.h"
#include "tests/attack/attack.h"
#include "tests/attack/trial.h"

#define RFLAGS_FIXED 2

extern const struct trial_row fault_table[];

void attack_fault(struct text value)
{
	struct trial trial = {.rflags = RFLAGS_FIXED};
	const struct trial_row *row;
	struct text name;

	if (!text_next(&value, ',', &name) || !(row = trial_find(fault_table, &name)))
		fail(EXIT_BAD_ARGUMENT, "there is no such fault");
	if (value.length)
		read_numbers(value, &trial.gpr[TRIAL_RDI], 1);
	print("fault: %s\n", row->name);
	/* The guest's own handlers are in place, so that an exception outside of any plan is told. */
	print("fault %s went on: %u\n", row->name, trial_run(row->code, &trial));
}
