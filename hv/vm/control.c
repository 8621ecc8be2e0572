#include "hv/vm/control.h"

#include "hv/vm/instruction.h"
#include "hv/vm/services.h"

struct cr4_write {
	u8 gpr;
	u8 length; /* of the instruction in bytes */
};

/* From the CPU if it told all, else from the bytes; false: they are no MOV to CR4, as they changed since. */
static bool find_write(struct vm *vm, const struct vcpu *vcpu, const struct vm_exit *exit,
		       struct vcpu_state *state, struct cr4_write *write)
{
	struct instruction insn;

	if (exit->cr4.gpr_known && exit->length) {
		services.cpu->state(vcpu, state);
		*write = (struct cr4_write){exit->cr4.gpr, exit->length};
		return true;
	}
	if (instruction_fetch(vm, vcpu, exit, state, &insn) != OK ||
	    insn.operation != INSN_MOV_TO_CR || insn.control_register != 4)
		return false;
	*write = (struct cr4_write){insn.reg.number, insn.length};
	return true;
}

void control_cr4_write(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	static const struct vcpu_event fault = {
		.kind = EVENT_EXCEPTION,
		.vector = VECTOR_GP,
		.has_error = true,
	};
	struct vcpu_state state;
	struct cr4_write write;
	u64 value;

	if (!find_write(vm, vcpu, exit, &state, &write))
		return;
	value = vcpu->gpr[write.gpr];
	if (instruction_mode(&state).bits != 64)
		value = (u32)value;
	if (services.cpu->cr4_write(vcpu, value) == OK)
		services.cpu->skip(vcpu, write.length);
	else
		services.cpu->inject(vcpu, &fault);
}
