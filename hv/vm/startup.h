/*
 * How a VM's vCPUs start each other (Intel SDM volume 3A, 8.4 and 11.6.1):
 *
 *   waiting for a startup IPI -> (it comes) running -> (INIT) waiting
 *
 * vCPU 0 runs from the start. INIT makes it wait like any other: there is no firmware that it could begin
 * with. Startup IPIs to one that runs are ignored, as are NMIs and interrupts to one that waits. All under
 * vm->lock.
 */
#ifndef HV_VM_STARTUP_H
#define HV_VM_STARTUP_H

#include "arch/x86/vcpu.h"

struct startup {
	bool waits;
	u8 page; /* of SIGNAL_STARTUP: where it is to begin, in units of 4 KiB */
};

/* The state of a VM that was just built. */
void startup_init(struct vm *vm);

/* Sends these to a vCPU, from the CPU of any of the VM. */
void startup_send_init(struct vm *vm, u32 vcpu);
void startup_send_startup(struct vm *vm, u32 vcpu, u8 page);
void startup_send_nmi(struct vm *vm, u32 vcpu);

/* Carries out all that was asked of the vCPU, on its own CPU. Takes vm->lock. */
void startup_attend(struct vm *vm, struct vcpu *vcpu);

#endif
