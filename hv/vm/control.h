/* Control registers: writes that don't go straight to the CPU. */
#ifndef HV_VM_CONTROL_H
#define HV_VM_CONTROL_H

#include "arch/x86/vcpu.h"

struct vm;

/* Carries out an EXIT_CR4_WRITE: the vCPU has the new value and is past the instruction, or gets a #GP. */
void control_cr4_write(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

/* Carries out an EXIT_CR4_READ: with what the guest has set. */
void control_cr4_read(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

/* Carries out an EXIT_XSETBV: likewise. */
void control_xsetbv(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

#endif
