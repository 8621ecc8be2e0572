/* What is done about each kind of exit. */
#ifndef HV_VM_EXITS_H
#define HV_VM_EXITS_H

#include "arch/x86/vcpu.h"

/*
 * The vCPU, which was away, is back, and every path ends in one of: done, a fault injected, the VM ended with a
 * reason. True: the vCPU is away again and may be entered. False: others have asked something of it.
 */
bool exit_handle(struct vcpu *vcpu, const struct vm_exit *exit);

/* "cpuid", "port" ...: for the summary. */
const char *exit_name(enum vm_exit_kind kind);

#endif
