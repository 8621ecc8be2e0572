/* The instruction that a vCPU stopped at, and memory by linear address, through the guest's tables. */
#ifndef HV_VM_INSTRUCTION_H
#define HV_VM_INSTRUCTION_H

#include "arch/x86/decode.h"
#include "arch/x86/guest_walk.h"
#include "arch/x86/vcpu.h"
#include "hv/base/status.h"

struct vm;

union instruction_code {
	u8 bytes[INSTRUCTION_MAX_LENGTH];
	u64 words[2];
};

#define DECODED_MAX 4

/* An instruction that a vCPU met, and the bytes that it is: the same ones are not decoded again. */
struct decoded {
	union instruction_code code; /* 0 beyond .length */
	u64 length;		     /* of the bytes that were there; 0: nothing is here */
	u8 mode_bits;
	struct instruction insn;
};

/*
 * Decodes the instruction at the vCPU's rip, from the bytes that came with the exit if it has any, else
 * through the guest's tables. NULL: its bytes can't be read or decode_instruction() refuses them. It is good
 * until the next call for this vCPU; *state is the vCPU's.
 */
const struct instruction *instruction_fetch(struct vm *vm, struct vcpu *vcpu,
					    const struct vm_exit *exit, struct vcpu_state *state);

/* The kind of code that a vCPU in this state runs. */
struct decode_mode instruction_mode(const struct vcpu_state *state);

/* As many bytes from the vCPU's rip on as can be read; their number, 0 to INSTRUCTION_MAX_LENGTH. */
u64 instruction_bytes(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
		      u8 code[INSTRUCTION_MAX_LENGTH]);

/* guest_walk() through the VM's own tables: ERR_INVALID too where they are outside of its RAM. */
enum status linear_translate(struct vm *vm, const struct vcpu_state *state, u64 linear,
			     struct guest_translation *translation);

/* The length of the instruction at rip. 0: it can't be told. */
RARE u8 instruction_decoded_length(struct vm *vm, struct vcpu *vcpu);

/* That of the instruction that exited: as the CPU says, or decoded. */
static inline u8 instruction_length(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	return exit->length ? exit->length : instruction_decoded_length(vm, vcpu);
}

/* Past it. If that can't be told its bytes have changed, and what is there now is to run. */
static inline void instruction_skip(struct vcpu *vcpu, const struct vm_exit *exit)
{
	vcpu_skip(vcpu, instruction_length(vcpu->vm, vcpu, exit));
}

#endif
