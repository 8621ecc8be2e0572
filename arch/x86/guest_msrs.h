/*
 * A vCPU's MSRs that concern nothing but that vCPU: what policy says about them is prepared, and the backend
 * does what the guest asks at once.
 */
#ifndef ARCH_X86_GUEST_MSRS_H
#define ARCH_X86_GUEST_MSRS_H

#include "hv/base/types.h"

#define GUEST_MSRS_MAX 8

enum guest_msr_kind {
	GUEST_MSR_SWITCHED, /* the CPU has it while the guest runs: the backend's msr_read and msr_write */
	GUEST_MSR_CONSTANT, /* reads .value; writes are ignored */
	GUEST_MSR_READ,	    /* reads .value; a write is an exit for the caller */
};

struct guest_msr {
	u32 index;
	enum guest_msr_kind kind;
	u64 value;
};

struct guest_msrs {
	u32 count;
	struct guest_msr row[GUEST_MSRS_MAX];
};

/* NULL: not one of them. */
static inline struct guest_msr *guest_msr_find(struct guest_msrs *msrs, u32 index)
{
	struct guest_msr *end = msrs->row + msrs->count;

	for (struct guest_msr *row = msrs->row; row < end; row++)
		if (row->index == index)
			return row;
	return NULL;
}

/* Adds or replaces one; where there is no room, its accesses stay exits for the caller. */
static inline void guest_msr_set(struct guest_msrs *msrs, struct guest_msr msr)
{
	struct guest_msr *row = guest_msr_find(msrs, msr.index);

	if (!row && msrs->count < GUEST_MSRS_MAX)
		row = &msrs->row[msrs->count++];
	if (row)
		*row = msr;
}

#endif
