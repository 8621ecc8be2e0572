/* The instruction that a vCPU stopped at, and memory by linear address, through the guest's tables. */
#ifndef HV_VM_INSTRUCTION_H
#define HV_VM_INSTRUCTION_H

#include "arch/x86/decode.h"
#include "arch/x86/vcpu.h"
#include "hv/base/status.h"

struct vm;

/*
 * Reads and decodes the instruction at the vCPU's rip. ERR_INVALID: its bytes can't be read; others as
 * decode_instruction(). *state is the vCPU's.
 */
enum status instruction_fetch(struct vm *vm, struct vcpu *vcpu, struct vcpu_state *state,
			      struct instruction *insn);

/* The guest-physical address of a linear one. ERR_NOT_FOUND: not mapped; ERR_INVALID: tables outside RAM. */
enum status linear_to_gpa(struct vm *vm, const struct vcpu_state *state, u64 linear,
			  gpa_t *address);

/* The length of the instruction that exited: as the CPU says, or decoded. 0: it can't be told. */
u8 instruction_length(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);

#endif
