/* Accesses of a guest to memory that is not there: device registers that are trapped, or nothing. */
#ifndef HV_VM_MMIO_H
#define HV_VM_MMIO_H

#include "arch/x86/vcpu.h"

/*
 * Carries out the instruction that met a nested fault. What can't be carried out ends the VM, with the
 * reason.
 */
void mmio_fault(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

#endif
