/* Running VMs: each vCPU on its own CPU, or the only one on the only CPU there is. */
#ifndef HV_VM_RUN_H
#define HV_VM_RUN_H

#include "hv/vm/vm.h"

/*
 * Runs a vCPU on the calling CPU, which is its own, until the VM has ended. True for the VM's last one: then
 * none runs any more, and its devices are quarantined.
 */
bool vm_run(struct vm *vm, struct vcpu *vcpu);

/* How the VM ended, exits by reason, interrupts, faults, and what its NICs counted: in the log. */
void vm_summary(const struct vm *vm);

#endif
