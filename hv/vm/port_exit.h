/* IN, OUT, INS and OUTS that exited. */
#ifndef HV_VM_PORT_EXIT_H
#define HV_VM_PORT_EXIT_H

#include "arch/x86/vcpu.h"

void port_exit(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

#endif
