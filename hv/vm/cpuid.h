/* What a guest sees of the CPU: the real leaves through a table of masks, and the hypervisor's own. */
#ifndef HV_VM_CPUID_H
#define HV_VM_CPUID_H

#include "hv/base/types.h"

struct cpuid_values {
	u32 eax, ebx, ecx, edx;
};

/* What the answer depends on besides the physical CPU. */
struct cpuid_context {
	u32 apic_id;
	u32 cpus;     /* of the VM */
	u8 core_bits; /* how many low bits of their APIC IDs tell them apart, at most 7 */
	bool x2apic;  /* the guest can switch to it */
	bool osxsave; /* CR4.OSXSAVE as the guest has set it */
	u32 tsc_khz;
	u32 apic_khz;
};

/* Pure: filters what the CPU says (values) of a leaf. Leaves that are not listed read 0. */
void cpuid_filter(u32 leaf, u32 subleaf, const struct cpuid_context *context,
		  struct cpuid_values *values);

/* Pure: the answer depends neither on ECX nor on what the guest has set. */
bool cpuid_is_constant(u32 leaf);

/* Pure: the bits of CR4 that a guest can set which is shown this in leaves 1 and 7. */
u64 cpuid_cr4(struct cpuid_values leaf1, struct cpuid_values leaf7);

#endif
