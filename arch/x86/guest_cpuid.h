/*
 * Answers to a guest's CPUID that are the same whatever ECX and the guest's state are, so that a backend gives
 * them at once: kernels use CPUID as the instruction that waits for all before it.
 */
#ifndef ARCH_X86_GUEST_CPUID_H
#define ARCH_X86_GUEST_CPUID_H

#include "arch/x86/cpu.h"

#define GUEST_CPUID_BASIC    23 /* leaves from 0 on */
#define GUEST_CPUID_EXTENDED 9	/* and from 8000_0000 on */
#define GUEST_CPUID_ANSWERS  (GUEST_CPUID_BASIC + GUEST_CPUID_EXTENDED)

struct guest_cpuid {
	u32 known; /* bit n: answer[n] is one */
	struct cpuid answer[GUEST_CPUID_ANSWERS];
};

/* The leaf of answer[n]. */
static inline u32 guest_cpuid_leaf(u32 n)
{
	return n < GUEST_CPUID_BASIC ? n : 0x80000000u + n - GUEST_CPUID_BASIC;
}

/* NULL: it has to be worked out. */
static inline const struct cpuid *guest_cpuid_find(const struct guest_cpuid *cpuid, u32 leaf)
{
	u32 n = leaf;

	if (leaf >= GUEST_CPUID_BASIC) {
		if (leaf - 0x80000000u >= GUEST_CPUID_EXTENDED)
			return NULL;
		n = leaf - 0x80000000u + GUEST_CPUID_BASIC;
	}
	return cpuid->known >> n & 1 ? &cpuid->answer[n] : NULL;
}

#endif
