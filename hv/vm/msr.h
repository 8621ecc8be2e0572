/* MSRs as a guest sees them: all trapped, a listed few let through or emulated, the rest a #GP. */
#ifndef HV_VM_MSR_H
#define HV_VM_MSR_H

#include "hv/base/types.h"

struct vm;
struct vcpu;

/* Lets the MSRs through that the CPU switches with the guest, and prepares those that are the vCPU's own. */
void msr_setup(struct vcpu *vcpu);

/* False: no such MSR, or not this value: the guest gets #GP. */
bool msr_emulate_read(struct vm *vm, struct vcpu *vcpu, u32 index, u64 *value);
bool msr_emulate_write(struct vm *vm, struct vcpu *vcpu, u32 index, u64 value);

#endif
