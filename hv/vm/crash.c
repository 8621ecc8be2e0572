#include "hv/vm/crash.h"

#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/vm/instruction.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

static void print_registers(const struct vm *vm, const struct vcpu *vcpu,
			    const struct vcpu_state *state)
{
	const u64 *gpr = vcpu->gpr;

	log_line(vm->name, "rip %#lx rsp %#lx rflags %#lx cpl %u cs %#x base %#lx", vcpu->rip,
		 gpr[GPR_RSP], vcpu->rflags, state->cpl, state->segment[SEGMENT_CS].selector,
		 state->segment[SEGMENT_CS].base);
	log_line(vm->name, "cr0 %#lx cr2 %#lx cr3 %#lx cr4 %#lx efer %#lx", state->cr0, state->cr2,
		 state->cr3, state->cr4, state->efer);
	log_line(vm->name, "rax %#lx rcx %#lx rdx %#lx rbx %#lx rbp %#lx rsi %#lx rdi %#lx",
		 gpr[GPR_RAX], gpr[GPR_RCX], gpr[GPR_RDX], gpr[GPR_RBX], gpr[GPR_RBP], gpr[GPR_RSI],
		 gpr[GPR_RDI]);
	log_line(vm->name, "r8 %#lx r9 %#lx r10 %#lx r11 %#lx r12 %#lx r13 %#lx r14 %#lx r15 %#lx",
		 gpr[GPR_R8], gpr[GPR_R9], gpr[GPR_R10], gpr[GPR_R11], gpr[GPR_R12], gpr[GPR_R13],
		 gpr[GPR_R14], gpr[GPR_R15]);
}

static void print_code(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state)
{
	u8 code[INSTRUCTION_MAX_LENGTH];
	char text[3 * sizeof(code) + 1];
	u64 size = instruction_bytes(vm, vcpu, state, code);

	for (u64 i = 0; i < size; i++)
		format_text(text + 3 * i, sizeof(text) - 3 * i, " %02x", code[i]);
	log_line(vm->name, "code at rip:%s", size ? text : " none that can be read");
}

void vm_crash(struct vm *vm, struct vcpu *vcpu, const char *reason)
{
	struct vcpu_state state;

	if (vm_has_ended(vm))
		return;
	services.cpu->state(vcpu, &state);
	log_line(vm->name, "can't go on: %s", reason);
	print_registers(vm, vcpu, &state);
	print_code(vm, vcpu, &state);
	vm_end(vm, VM_CRASHED, 0, reason);
}
