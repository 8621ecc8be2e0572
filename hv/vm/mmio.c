#include "hv/vm/mmio.h"

#include "arch/x86/emulate.h"
#include "hv/base/log.h"
#include "hv/vm/access.h"
#include "hv/vm/crash.h"
#include "hv/vm/instruction.h"
#include "hv/vm/operand.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/* String instructions go on for at most so many elements an exit, so that other work is not held up. */
#define ELEMENTS_AT_ONCE 1024

static void cannot(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit, const char *reason)
{
	log_line(vm->name, "no memory of its own at guest-physical %#lx (%s)",
		 exit->nested.address.v,
		 exit->nested.execute ? "execution"
		 : exit->nested.write ? "write"
				      : "read");
	vm_crash(vm, vcpu, reason);
}

/* Finds both operands of a string instruction, or the only one of another. */
static enum status find_operands(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
				 const struct instruction *insn, struct operand *from,
				 struct operand *to, struct vcpu_event *fault)
{
	enum status status =
		operand_find(vm, vcpu, state, insn, &insn->memory, insn->writes, from, fault);
	*to = *from;
	if (status == OK && insn->operation == INSN_MOVS)
		status = operand_find(vm, vcpu, state, insn, &insn->destination, true, to, fault);
	return status;
}

/* One access, or one element of a string instruction. Errors as of operand_find(). */
static enum status emulate_once(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
				const struct instruction *insn, struct vcpu_event *fault)
{
	struct operand from, to;
	enum status status = find_operands(vm, vcpu, state, insn, &from, &to, fault);
	u64 value = 0;

	if (status != OK)
		return status;
	if (insn->reads)
		value = operand_read(vm, vcpu, &from);
	value = emulate(insn, vcpu->gpr, &vcpu->rflags, value);
	if (insn->writes || insn->operation == INSN_MOVS)
		operand_write(vm, vcpu, &to, value);
	return OK;
}

/* True if the instruction is done; else it is to run again, after the fault that it met, if any. */
RARE static bool emulate_all(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			     const struct instruction *insn, const struct vm_exit *exit)
{
	bool string = instruction_is_string(insn);
	u64 count = string ? string_count(insn, vcpu->gpr) : 1;

	for (u64 done = 0; done < count && !vm_has_ended(vm); done++) {
		struct vcpu_event fault;
		enum status status;

		if (done == ELEMENTS_AT_ONCE)
			return false;
		status = emulate_once(vm, vcpu, state, insn, &fault);
		if (status == ERR_NOT_FOUND)
			services.cpu->inject(vcpu, &fault);
		else if (status != OK)
			cannot(vm, vcpu, exit, "page tables outside of its memory");
		if (status != OK)
			return false;
		if (string)
			string_advance(insn, vcpu->gpr, vcpu->rflags, 1);
	}
	return true;
}

/* The only operand is where the exit says, which saves a walk of the guest's tables. */
static void emulate_at(struct vm *vm, struct vcpu *vcpu, const struct instruction *insn,
		       gpa_t address)
{
	u64 value = insn->reads ? access_read(vm, vcpu, address, insn->width) : 0;

	value = emulate(insn, vcpu->gpr, &vcpu->rflags, value);
	if (insn->writes)
		access_write(vm, vcpu, address, insn->width, value);
}

/* What no access of an instruction can be the cause of; NULL if one is. */
static const char *reason_to_stop(const struct vm_exit *exit)
{
	if (exit->nested.in_delivery)
		return "an interrupt or exception met a stack or table outside of its memory";
	if (exit->nested.table_walk)
		return "page tables outside of its memory";
	if (exit->nested.execute)
		return "code outside of its memory";
	return NULL;
}

void mmio_fault(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	const char *reason = reason_to_stop(exit);
	struct vcpu_state state;
	const struct instruction *insn;

	if (reason) {
		cannot(vm, vcpu, exit, reason);
		return;
	}
	insn = instruction_fetch(vm, vcpu, exit, &state);
	if (!insn || !instruction_is_emulated(insn)) {
		cannot(vm, vcpu, exit, "an instruction on device registers that is not emulated");
		return;
	}
	if (!instruction_is_string(insn) &&
	    operand_is_at(vcpu, &state, insn, exit->nested.address)) {
		emulate_at(vm, vcpu, insn, exit->nested.address);
		vcpu_skip(vcpu, insn->length);
	} else if (emulate_all(vm, vcpu, &state, insn, exit)) {
		vcpu_skip(vcpu, insn->length);
	}
}
