#include "arch/x86/guest_cr4.h"

#include "arch/x86/msr.h"
#include "hv/base/bits.h"

#define CR3_PCID BITS(11, 0)

bool guest_cr4_is_valid(const struct vcpu_state *state, u64 allowed, u64 value)
{
	bool long_mode = state->efer & EFER_LMA;
	u64 changed = value ^ state->cr4;

	if (value & ~allowed)
		return false;
	if (long_mode && changed & (CR4_PAE | CR4_LA57))
		return false;
	if (changed & value & CR4_PCIDE)
		return long_mode && !(state->cr3 & CR3_PCID);
	return true;
}
