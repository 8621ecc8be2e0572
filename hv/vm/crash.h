/* A VM that can't go on: why, and the state of its CPU for whoever looks for the reason. */
#ifndef HV_VM_CRASH_H
#define HV_VM_CRASH_H

#include "arch/x86/vcpu.h"

/* Ends the VM as VM_CRASHED and tells its registers; reason is a constant sentence. */
void vm_crash(struct vm *vm, struct vcpu *vcpu, const char *reason);

#endif
