/*
 * The page that a guest's code was on, from one exit to the next: for CPUs that do not tell an instruction's
 * length or bytes. It is never believed: whoever asks has all that the walk of the guest's tables read compared
 * with what is there now, in place, so that the answer is that of a new walk.
 */
#ifndef ARCH_X86_GUEST_CODE_H
#define ARCH_X86_GUEST_CODE_H

#include "arch/x86/guest_walk.h"

/* Entries that a walk reads at most: no guest is shown five levels. */
#define GUEST_CODE_LEVELS 4

/*
 * Pointers are to memory of the guest that its CPU has mapped for it: windows that hv/vm/code.h opens and
 * closes.
 */
struct guest_code {
	u64 last; /* linear address of the page's last byte; 0: no page is known */
	u64 mode; /* guest_paging_mode() */
	u64 cr3;
	const volatile u64
		*entry[GUEST_CODE_LEVELS]; /* aligned words; of fewer levels some of value[] */
	u64 value[GUEST_CODE_LEVELS];
	const u8 *page;
};

/* The bytes from linear up to the page's end; NULL: they are not known, or not any more. */
static inline const u8 *guest_code_at(const struct guest_code *code,
				      const struct guest_paging *paging, u64 linear)
{
	if ((linear | PAGE_MASK) != code->last || guest_paging_mode(paging) != code->mode ||
	    paging->cr3 != code->cr3)
		return NULL;
#pragma GCC unroll 4
	for (unsigned n = 0; n < GUEST_CODE_LEVELS; n++)
		if (*code->entry[n] != code->value[n])
			return NULL;
	return code->page + (linear & PAGE_MASK);
}

#endif
