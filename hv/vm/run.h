/* Running VMs: each on its own CPU, or one on the only CPU there is. */
#ifndef HV_VM_RUN_H
#define HV_VM_RUN_H

#include "hv/vm/vm.h"

/*
 * Runs the VM on the calling CPU, which is its vCPU's, until it has ended. Its devices are quarantined
 * when this returns.
 */
void vm_run(struct vm *vm);

/* How the VM ended, exits by reason, interrupts, faults, and what its NICs counted: in the log. */
void vm_summary(const struct vm *vm);

#endif
