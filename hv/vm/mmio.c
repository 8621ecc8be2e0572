#include "hv/vm/mmio.h"

#include "arch/x86/emulate.h"
#include "hv/base/log.h"
#include "hv/vm/access.h"
#include "hv/vm/instruction.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/* String instructions go on for at most so many elements an exit, so that other work is not held up. */
#define ELEMENTS_AT_ONCE 1024

static void cannot(struct vm *vm, const struct vcpu *vcpu, const struct vm_exit *exit,
		   const char *reason)
{
	log_line(vm->name, "%s at guest-physical %#lx, rip %#lx", reason, exit->nested.address.v,
		 vcpu->rip);
	vm_end(vm, VM_CRASHED, 0, reason);
}

/* The guest-physical address of an operand that lies on one page; false where it has none or two. */
static bool operand_address(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			    const struct instruction *insn, const struct memory_operand *operand,
			    gpa_t *address)
{
	u64 base = operand->segment < SEGMENT_COUNT ? state->segment[operand->segment].base : 0;
	u64 linear = linear_address(insn, operand, vcpu->gpr, vcpu->rip, base);

	if ((linear & PAGE_MASK) + insn->width > PAGE_SIZE)
		return false;
	return linear_to_gpa(vm, state, linear, address) == OK;
}

/* One access, or one element of a string instruction. False: it can't be carried out. */
static bool emulate_once(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			 const struct instruction *insn)
{
	bool moves = insn->operation == INSN_MOVS;
	u64 value = 0;
	gpa_t from, to;

	if (!operand_address(vm, vcpu, state, insn, &insn->memory, &from))
		return false;
	to = from;
	if (moves && !operand_address(vm, vcpu, state, insn, &insn->destination, &to))
		return false;
	if (insn->reads)
		value = access_read(vm, vcpu, from, insn->width);
	value = emulate(insn, vcpu->gpr, &vcpu->rflags, value);
	if (insn->writes || moves)
		access_write(vm, vcpu, to, insn->width, value);
	return true;
}

/* The instruction has more elements than were done if this returns false with the VM still running. */
static bool emulate_all(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			const struct instruction *insn, const struct vm_exit *exit)
{
	bool string = insn->operation == INSN_MOVS || insn->operation == INSN_STOS ||
		      insn->operation == INSN_LODS;
	u64 count = string ? string_count(insn, vcpu->gpr) : 1;

	for (u64 done = 0; done < count; done++) {
		if (done == ELEMENTS_AT_ONCE)
			return false;
		if (!emulate_once(vm, vcpu, state, insn)) {
			/* A later element's page fault: the guest meets it by running the rest itself. */
			if (!done)
				cannot(vm, vcpu, exit,
				       "an access that spans pages or is not mapped");
			return false;
		}
		if (string)
			string_advance(insn, vcpu->gpr, vcpu->rflags, 1);
	}
	return true;
}

void mmio_fault(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	struct instruction insn;

	if (exit->nested.table_walk) {
		cannot(vm, vcpu, exit, "page tables outside of its memory");
		return;
	}
	if (exit->nested.execute) {
		cannot(vm, vcpu, exit, "code outside of its memory");
		return;
	}
	if (instruction_fetch(vm, vcpu, &state, &insn) != OK || !instruction_is_emulated(&insn)) {
		cannot(vm, vcpu, exit, "an instruction on device registers that is not emulated");
		return;
	}
	if (emulate_all(vm, vcpu, &state, &insn, exit))
		services.cpu->skip(vcpu, insn.length);
}
