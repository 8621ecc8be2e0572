/* Pure: whether a guest's MOV to CR4 faults. The same for all backends. */
#ifndef ARCH_X86_GUEST_CR4_H
#define ARCH_X86_GUEST_CR4_H

#include "arch/x86/vcpu.h"

/*
 * False if a MOV of value to CR4 is a #GP(0) in this state: a bit that is not in allowed; PAE or LA57 changed
 * in long mode; PCIDE set outside of it, or with a PCID other than 0 in CR3 (AMD APM volume 2, 3.1.3, 5.5.1;
 * Intel SDM volume 2, "MOV - Move to/from Control Registers", and volume 3, 2.5).
 */
bool guest_cr4_is_valid(const struct vcpu_state *state, u64 allowed, u64 value);

#endif
