/* What a VM's CPU has, as the guest is told and as it may use it. */
#ifndef HV_VM_FEATURES_H
#define HV_VM_FEATURES_H

#include "hv/vm/cpuid.h"

struct vcpu;
struct vm;

/* Gives the vCPU, on its own CPU, the answers that it is to know. */
void features_prepare(const struct vm *vm, struct vcpu *vcpu);

/* The answer to the guest's CPUID on this vCPU. */
struct cpuid_values features_cpuid(const struct vm *vm, const struct vcpu *vcpu, u32 leaf,
				   u32 subleaf);

/* What the guest may set in XCR0; 0: it has no XSAVE. */
u64 features_xcr0(const struct vm *vm, const struct vcpu *vcpu);

/* The bits of CR4 that go with those answers: vcpu->cr4_allowed. */
u64 features_cr4(const struct vm *vm, const struct vcpu *vcpu);

#endif
