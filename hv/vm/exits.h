/* What is done about each kind of exit. */
#ifndef HV_VM_EXITS_H
#define HV_VM_EXITS_H

#include "arch/x86/vcpu.h"

/* Every path ends in one of: done, a fault injected, the VM ended with a reason. */
void exit_handle(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

/* "cpuid", "port" ...: for the summary. */
const char *exit_name(enum vm_exit_kind kind);

#endif
