#include "hv/vm/port_exit.h"

#include "arch/x86/emulate.h"
#include "hv/vm/access.h"
#include "hv/vm/instruction.h"
#include "hv/vm/ports.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define ELEMENTS_AT_ONCE 1024

static void simple(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	u64 mask = BITS(8 * exit->io.width - 1, 0);
	u64 *rax = &vcpu->gpr[GPR_RAX];

	if (exit->io.in) {
		u64 value = ports_read(vm, exit->io.port, exit->io.width) & mask;

		/* A 32-bit result clears the upper half, smaller ones leave the rest. */
		*rax = exit->io.width == 4 ? value : (*rax & ~mask) | value;
	} else {
		ports_write(vm, exit->io.port, exit->io.width, (u32)(*rax & mask));
	}
}

/* One element of INS or OUTS; a page fault of the guest's comes from here, so it is told. */
static bool string_once(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			const struct instruction *insn, const struct vm_exit *exit)
{
	u8 segment = insn->memory.segment;
	u64 base = segment < SEGMENT_COUNT ? state->segment[segment].base : 0;
	u64 linear = linear_address(insn, &insn->memory, vcpu->gpr, vcpu->rip, base);
	gpa_t address;

	if ((linear & PAGE_MASK) + insn->width > PAGE_SIZE ||
	    linear_to_gpa(vm, state, linear, &address) != OK)
		return false;
	if (exit->io.in)
		access_write(vm, vcpu, address, insn->width,
			     ports_read(vm, exit->io.port, insn->width));
	else
		ports_write(vm, exit->io.port, insn->width,
			    (u32)access_read(vm, vcpu, address, insn->width));
	string_advance(insn, vcpu->gpr, vcpu->rflags, 1);
	return true;
}

/* False: the instruction is to run again, for what is left of it. */
static bool string(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	struct instruction insn;

	if (instruction_fetch(vm, vcpu, &state, &insn) != OK ||
	    (insn.operation != INSN_INS && insn.operation != INSN_OUTS)) {
		vm_end(vm, VM_CRASHED, 0, "a string instruction on ports that is not emulated");
		return false;
	}
	u64 count = string_count(&insn, vcpu->gpr);

	for (u64 done = 0; done < count && vm->end == VM_RUNNING; done++) {
		if (done == ELEMENTS_AT_ONCE)
			return false;
		if (!string_once(vm, vcpu, &state, &insn, exit)) {
			vm_end(vm, VM_CRASHED, 0, "INS or OUTS on memory that is not mapped");
			return false;
		}
	}
	return true;
}

void port_exit(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (exit->io.string && !string(vm, vcpu, exit))
		return;
	if (!exit->io.string)
		simple(vm, vcpu, exit);
	u8 length = instruction_length(vm, vcpu, exit);

	if (length)
		services.cpu->skip(vcpu, length);
}
