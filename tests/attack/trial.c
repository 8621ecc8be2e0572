#include "tests/attack/trial.h"

#include "hv/vm/words.h"

#define EXCEPTIONS 32
#define STUB_SIZE  16

extern const u8 trial_stubs[EXCEPTIONS * STUB_SIZE];

struct gate {
	u16 target_low;
	u16 selector;
	u16 attributes;
	u16 target_middle;
	u32 target_high;
	u32 reserved;
};

_Static_assert(sizeof(struct gate) == 16, "SDM vol. 3, 6.14.1");

/* Where the CPU finds its interrupt table. */
static struct gate *gates(void)
{
	struct [[gnu::packed]] {
		u16 limit;
		u64 base;
	} pointer;

	__asm__ volatile("sidt %0" : "=m"(pointer));
	return (struct gate *)(uintptr_t)pointer.base;
}

void trial_set_gate(unsigned vector, const void *handler)
{
	struct gate *gate = &gates()[vector];
	u64 target = (u64)(uintptr_t)handler;

	gate->target_low = (u16)target;
	gate->target_middle = (u16)(target >> 16);
	gate->target_high = (u32)(target >> 32);
}

void trial_init(void)
{
	for (unsigned i = 0; i < EXCEPTIONS; i++)
		trial_set_gate(i, trial_stubs + i * STUB_SIZE);
}

const struct trial_row *trial_find(const struct trial_row *rows, const struct text *name)
{
	for (; rows->name; rows++)
		if (text_is(*name, rows->name))
			return rows;
	return NULL;
}
