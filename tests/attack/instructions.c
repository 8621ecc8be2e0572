/* Instructions of a hypervisor's, run by a guest: each is refused by an exception, or does no harm. */
#include "guest/console.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"
#include "tests/attack/trial.h"

#define RFLAGS_FIXED	 2
#define VECTOR_UNDEFINED 6

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

/*
 * By both instructions, with numbers as KVM, Xen and Hyper-V have them and some that are near an end, and the
 * other registers alike. A VM has none of these.
 */
void attack_hypercalls(struct text value)
{
	static const char *const names[] = {"vmcall", "vmmcall"};
	static const u64 numbers[] = {
		0x80000000,	    0xFFFFFFFF,		0x100000000, 0x4B4D564B, 0x564D5868,
		0x8000000000000000, 0xFFFFFFFFFFFFFFFF, 0x5C,	     0x10005,	 0x1005D,
	};
	unsigned count = 0, refused = 0;

	(void)value;
	trial_init();
	for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
		struct text name = text_of(names[n]);
		const struct trial_row *row = trial_find(instruction_table, &name);

		for (u64 i = 0; i < 256 + ARRAY_SIZE(numbers); i++, count++) {
			struct trial trial = {.rflags = RFLAGS_FIXED};
			u64 number = i < 256 ? i : numbers[i - 256];

			for (unsigned reg = 0; reg < ARRAY_SIZE(trial.gpr); reg++)
				trial.gpr[reg] = reg == TRIAL_RAX ? number : number << 4 * reg;
			refused += trial_run(row->code, &trial) == VECTOR_UNDEFINED;
		}
	}
	print("hypercalls: %u, %u of them refused\n", count, refused);
}
