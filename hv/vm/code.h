/* Where a vCPU's code is: struct guest_code made, and made again where the guest's tables have changed. */
#ifndef HV_VM_CODE_H
#define HV_VM_CODE_H

#include "arch/x86/vcpu.h"

struct vm;

/*
 * The bytes from linear up to its page's end, in a window of the calling CPU, which is the vCPU's; *state is the
 * vCPU's. NULL: they can't be read. Under vm->lock.
 */
const u8 *code_at(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state, u64 linear);

/* Closes the windows, on the vCPU's own CPU. */
void code_close(struct vcpu *vcpu);

#endif
