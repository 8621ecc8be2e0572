/*
 * What an instruction that is carried out for the guest reads or writes, by linear address: with the
 * rights that the guest's own tables give, and the fault that its CPU would raise without them.
 */
#ifndef HV_VM_OPERAND_H
#define HV_VM_OPERAND_H

#include "arch/x86/decode.h"
#include "arch/x86/vcpu.h"

/* Where it is: on one page, or from its second part on, at `next`, on another. */
struct operand {
	gpa_t address;
	gpa_t next;
	u8 width; /* bytes, 1 to 8 */
	u8 first; /* bytes at address: all of them, or those before the page's end */
};

/*
 * Finds insn->memory or insn->destination, for reading or for writing; *state is the vCPU's.
 * ERR_NOT_FOUND: the guest may not, and *fault is what it gets; ERR_INVALID: its page tables are not in its
 * memory.
 */
enum status operand_find(struct vm *vm, const struct vcpu *vcpu, const struct vcpu_state *state,
			 const struct instruction *insn, const struct memory_operand *memory,
			 bool write, struct operand *operand, struct vcpu_event *fault);

/* True if the operand begins at that place of a page, and does not go on on another one. */
bool operand_is_at(const struct vcpu *vcpu, const struct vcpu_state *state,
		   const struct instruction *insn, gpa_t address);

/* Two parts are accessed byte by byte: what devices make of that is up to them, as on a bus. */
u64 operand_read(struct vm *vm, struct vcpu *vcpu, const struct operand *operand);
void operand_write(struct vm *vm, struct vcpu *vcpu, const struct operand *operand, u64 value);

#endif
