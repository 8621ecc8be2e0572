#include "hv/vm/control.h"

#include "arch/x86/guest_cpu.h"
#include "arch/x86/guest_xcr0.h"
#include "arch/x86/msr.h"
#include "hv/vm/features.h"
#include "hv/vm/instruction.h"
#include "hv/vm/services.h"

struct cr4_access {
	u8 gpr;
	u8 length; /* of the instruction in bytes */
};

/* From the CPU if it told all, else from the bytes; false: they are no such MOV, as they changed since. */
static bool find_access(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit,
			enum operation operation, struct vcpu_state *state,
			struct cr4_access *access)
{
	const struct instruction *insn;

	if (exit->cr4.gpr_known && exit->length) {
		services.cpu->state(vcpu, state);
		*access = (struct cr4_access){exit->cr4.gpr, exit->length};
		return true;
	}
	insn = instruction_fetch(vm, vcpu, exit, state);
	if (!insn || insn->operation != operation || insn->control_register != 4)
		return false;
	*access = (struct cr4_access){insn->reg.number, insn->length};
	return true;
}

static void fault(struct vcpu *vcpu, u8 vector)
{
	struct vcpu_event event = {
		.kind = EVENT_EXCEPTION,
		.vector = vector,
		.has_error = vector == VECTOR_GP,
	};

	services.cpu->inject(vcpu, &event);
}

void control_cr4_write(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	struct cr4_access write;
	u64 value;

	if (!find_access(vm, vcpu, exit, INSN_MOV_TO_CR, &state, &write))
		return;
	value = vcpu->gpr[write.gpr];
	if (instruction_mode(&state).bits != 64)
		value = (u32)value;
	if (services.cpu->cr4_write(vcpu, value) == OK)
		vcpu_skip(vcpu, write.length);
	else
		fault(vcpu, VECTOR_GP);
}

void control_cr4_read(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	struct cr4_access read;

	if (!find_access(vm, vcpu, exit, INSN_MOV_FROM_CR, &state, &read))
		return;
	vcpu->gpr[read.gpr] = state.cr4;
	vcpu_skip(vcpu, read.length);
}

/*
 * Intel SDM volume 2D, XSETBV. XCR0 is the guest's own: the hypervisor uses nothing that it governs. Not every
 * CPU looks at CR4 and CPL before it exits (AMD APM volume 2, 15.9).
 */
void control_xsetbv(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	u64 value = (u64)(u32)vcpu->gpr[GPR_RDX] << 32 | (u32)vcpu->gpr[GPR_RAX];
	u8 length = instruction_length(vm, vcpu, exit);
	struct vcpu_state state;

	services.cpu->state(vcpu, &state);
	if (!(state.cr4 & CR4_OSXSAVE)) {
		fault(vcpu, VECTOR_UD);
	} else if (state.cpl || (u32)vcpu->gpr[GPR_RCX] ||
		   !guest_xcr0_is_valid(features_xcr0(vm, vcpu), value)) {
		fault(vcpu, VECTOR_GP);
	} else if (length) {
		guest_xcr0_write(value);
		vcpu_skip(vcpu, length);
	}
}
