/* Instructions of a hypervisor's, run by a guest: each is refused by an exception, or does no harm. */
#include "guest/console.h"
#include "tests/attack/attack.h"
#include "tests/attack/trial.h"

#define RFLAGS_FIXED 2

extern const struct trial_row instruction_table[];

void attack_instructions(struct text value)
{
	static u8 page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

	(void)value;
	trial_init();
	for (const struct trial_row *row = instruction_table; row->name; row++) {
		struct trial trial = {.rflags = RFLAGS_FIXED};
		u32 end;

		for (unsigned i = 0; i < ARRAY_SIZE(trial.gpr); i++)
			trial.gpr[i] = i == TRIAL_RCX ? 0 : (u64)(uintptr_t)page;
		end = trial_run(row->code, &trial);
		if (end == TRIAL_WENT_ON)
			print("instruction %s went on\n", row->name);
		else
			print("instruction %s: exception %u\n", row->name, end);
	}
}
