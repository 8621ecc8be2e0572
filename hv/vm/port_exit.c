#include "hv/vm/port_exit.h"

#include "arch/x86/emulate.h"
#include "hv/vm/crash.h"
#include "hv/vm/instruction.h"
#include "hv/vm/operand.h"
#include "hv/vm/ports.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define ELEMENTS_AT_ONCE 1024

static u32 accumulator(const struct vcpu *vcpu, u8 width)
{
	u32 eax = (u32)vcpu->gpr[GPR_RAX];

	return width == 1 ? (u8)eax : width == 2 ? (u16)eax : eax;
}

/* 32 bits clear the upper half, fewer leave the rest. */
static void write_accumulator(struct vcpu *vcpu, u8 width, u32 value)
{
	u64 *rax = &vcpu->gpr[GPR_RAX];

	if (width == 1)
		*rax = (*rax & ~0xffull) | (u8)value;
	else if (width == 2)
		*rax = (*rax & ~0xffffull) | (u16)value;
	else
		*rax = value;
}

static void simple(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	u16 port = exit->io.port;

	if (exit->io.in)
		write_accumulator(vcpu, exit->io.width, ports_read(vm, port, exit->io.width));
	else
		ports_write(vm, port, exit->io.width, accumulator(vcpu, exit->io.width));
}

/*
 * One element of INS or OUTS. The exit comes before the CPU has looked at the memory operand, so that its
 * faults are found here, and before the port is touched. Errors as of operand_find().
 */
static enum status string_once(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			       const struct instruction *insn, const struct vm_exit *exit,
			       struct vcpu_event *fault)
{
	struct operand operand;
	enum status status =
		operand_find(vm, vcpu, state, insn, &insn->memory, exit->io.in, &operand, fault);

	if (status != OK)
		return status;
	if (exit->io.in)
		operand_write(vm, vcpu, &operand, ports_read(vm, exit->io.port, insn->width));
	else
		ports_write(vm, exit->io.port, insn->width, (u32)operand_read(vm, vcpu, &operand));
	string_advance(insn, vcpu->gpr, vcpu->rflags, 1);
	return OK;
}

/* False: the instruction is to run again, for what is left of it or after a fault. */
RARE static bool string(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	const struct instruction *insn = instruction_fetch(vm, vcpu, exit, &state);

	if (!insn || insn->operation != (exit->io.in ? INSN_INS : INSN_OUTS)) {
		vm_crash(vm, vcpu, "a string instruction on ports that is not emulated");
		return false;
	}
	u64 count = string_count(insn, vcpu->gpr);

	for (u64 done = 0; done < count && !vm_has_ended(vm); done++) {
		struct vcpu_event fault;
		enum status status;

		if (done == ELEMENTS_AT_ONCE)
			return false;
		status = string_once(vm, vcpu, &state, insn, exit, &fault);
		if (status == ERR_NOT_FOUND)
			services.cpu->inject(vcpu, &fault);
		else if (status != OK)
			vm_crash(vm, vcpu, "page tables outside of its memory");
		if (status != OK)
			return false;
	}
	return true;
}

void port_exit(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (!exit->io.string)
		simple(vm, vcpu, exit);
	else if (!string(vm, vcpu, exit))
		return;
	instruction_skip(vcpu, exit);
}
