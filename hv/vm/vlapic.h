/*
 * A vCPU's view of the local APIC that it owns. In x2APIC mode the guest uses the registers without
 * exits, but for those that reach out; where only xAPIC is, or the guest prefers it, its page is trapped
 * and forwarded (Intel SDM volume 3A, chapter 11).
 */
#ifndef HV_VM_VLAPIC_H
#define HV_VM_VLAPIC_H

#include "hv/base/types.h"

#define VLAPIC_BASE 0xfee00000ull

/*
 * The lowest vector that a guest can be interrupted with. Those below are exceptions' (Intel SDM volume 3A,
 * 6.2), which a pending one would pass for once the VM has ended and the CPU is the hypervisor's again.
 */
#define VLAPIC_FIRST_VECTOR 32

struct vm;
struct vcpu;

enum vlapic_mode {
	VLAPIC_OFF,
	VLAPIC_XAPIC,
	VLAPIC_X2APIC,
};

struct vlapic {
	enum vlapic_mode mode; /* the guest's view */
	/* What xAPIC mode has and the physical APIC must not be told of. */
	u32 ldr;
	u32 dfr;
	u32 icr;
	u32 icr_high;
};

/* Puts the calling CPU's local APIC and the view of it into the state after INIT, enabled. */
void vlapic_reset(struct vm *vm, struct vcpu *vcpu);

/* 32-bit accesses to the trapped page; false: the access can't be, the guest gets #GP. */
bool vlapic_mmio_read(struct vm *vm, struct vcpu *vcpu, u32 offset, u32 *value);
bool vlapic_mmio_write(struct vm *vm, struct vcpu *vcpu, u32 offset, u32 value);

/* Trapped MSRs: APIC_BASE (0x1B) and 0x800-0x8FF; false: #GP. */
bool vlapic_msr_read(struct vm *vm, struct vcpu *vcpu, u32 index, u64 *value);
bool vlapic_msr_write(struct vm *vm, struct vcpu *vcpu, u32 index, u64 value);

#endif
