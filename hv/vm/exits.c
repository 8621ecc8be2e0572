#include "hv/vm/exits.h"

#include "hv/base/log.h"
#include "hv/vm/control.h"
#include "hv/vm/crash.h"
#include "hv/vm/features.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/instruction.h"
#include "hv/vm/mmio.h"
#include "hv/vm/msr.h"
#include "hv/vm/port_exit.h"
#include "hv/vm/services.h"
#include "hv/vm/trace.h"
#include "hv/vm/vm.h"

static void inject(struct vcpu *vcpu, u8 vector, bool has_error)
{
	struct vcpu_event event = {
		.kind = EVENT_EXCEPTION,
		.vector = vector,
		.has_error = has_error,
	};

	services.cpu->inject(vcpu, &event);
}

static void handle_cpuid(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct cpuid_values values =
		features_cpuid(vm, vcpu, (u32)vcpu->gpr[GPR_RAX], (u32)vcpu->gpr[GPR_RCX]);

	vcpu->gpr[GPR_RAX] = values.eax;
	vcpu->gpr[GPR_RBX] = values.ebx;
	vcpu->gpr[GPR_RCX] = values.ecx;
	vcpu->gpr[GPR_RDX] = values.edx;
	instruction_skip(vcpu, exit);
}

static void handle_msr(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	u64 value = (u64)(u32)vcpu->gpr[GPR_RDX] << 32 | (u32)vcpu->gpr[GPR_RAX];
	bool done = exit->msr.write ? msr_emulate_write(vm, vcpu, exit->msr.index, value)
				    : msr_emulate_read(vm, vcpu, exit->msr.index, &value);

	if (!done) {
		inject(vcpu, VECTOR_GP, true);
		return;
	}
	if (!exit->msr.write) {
		vcpu->gpr[GPR_RAX] = (u32)value;
		vcpu->gpr[GPR_RDX] = value >> 32;
	}
	instruction_skip(vcpu, exit);
}

/* There are no hypercalls: the instruction is what it is on a machine without a hypervisor. */
static void handle_undefined(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vm;
	(void)exit;
	inject(vcpu, VECTOR_UD, false);
}

static void handle_privileged(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vm;
	(void)exit;
	inject(vcpu, VECTOR_GP, true);
}

/*
 * Device DMA may go around the caches where firmware or driver wants it so; then the guest's write-back
 * is what it needs. INVD, which would throw the hypervisor's lines away as well, becomes WBINVD.
 */
static void handle_cache(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vm;
	__asm__ volatile("wbinvd" : : : "memory");
	instruction_skip(vcpu, exit);
}

/*
 * The event came between STI and the HLT after it. QEMU before 10 does not restore the shadow at entry: an
 * interrupt would be taken before the HLT, which then sleeps for ever. HLT may end without cause anyway.
 */
static void leave_shadowed_halt(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	const struct instruction *insn = instruction_fetch(vm, vcpu, exit, &state);

	/* Elsewhere than at CPL 0 it is a #GP, which the CPU raises. */
	if (insn && insn->operation == INSN_HLT && state.cpl == 0)
		vcpu_skip(vcpu, insn->length);
}

static void handle_host_event(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (exit->host_event.in_shadow)
		leave_shadowed_halt(vm, vcpu, exit);
	if (!vm->shares_cpu)
		return;
	/* It gives VMs what was typed, and takes their locks. */
	lock_release(&vm->lock);
	housekeeping();
	lock_take(&vm->lock);
}

/* The guest is left without hardware breakpoints; DR7 goes on reading as after reset. */
static void handle_debug(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vm;
	instruction_skip(vcpu, exit);
}

static void handle_machine_check(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vcpu;
	(void)exit;
	vm_end(vm, VM_CRASHED, 0, "a machine check came while it ran");
}

/* A task gate or a far jump to a TSS, outside of long mode; #DF by a task gate, mostly. */
static void handle_task_switch(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	vm_crash(vm, vcpu, "a task switch by hardware, which is not emulated");
}

static void handle_shutdown(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	vm_crash(vm, vcpu, "triple fault");
}

static void handle_init(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)exit;
	vm_crash(vm, vcpu, "an INIT signal reached its CPU");
}

/*
 * Real CPUs fault at the instruction that would make such a state; QEMU's TCG exits, where it finds out at the
 * next entry with its own host's RIP and CR3 in the place of the guest's, so that nothing can be injected.
 */
static void handle_invalid(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (exit->invalid.reason)
		log_line(vm->name, "entry refused: %s", exit->invalid.reason);
	vm_crash(vm, vcpu, "it made a CPU state that can't be entered");
}

static void handle_retry(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vm;
	(void)vcpu;
	(void)exit;
}

static void handle_unknown(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit)
{
	log_line(vm->name, "unexpected exit %#lx, information %#lx %#lx", exit->unknown.code,
		 exit->unknown.info[0], exit->unknown.info[1]);
	vm_crash(vm, vcpu, "an exit that nothing handles");
}

static const struct {
	const char *name;
	void (*handle)(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit);
} handlers[EXIT_KINDS] = {
	[EXIT_CPUID] = {"cpuid", handle_cpuid},
	[EXIT_MSR] = {"msr", handle_msr},
	[EXIT_IO] = {"port", port_exit},
	[EXIT_NESTED_FAULT] = {"mmio", mmio_fault},
	[EXIT_HYPERCALL] = {"hypercall", handle_undefined},
	[EXIT_XSETBV] = {"xsetbv", control_xsetbv},
	[EXIT_CACHE] = {"cache", handle_cache},
	[EXIT_CR4_WRITE] = {"cr4", control_cr4_write},
	[EXIT_CR4_READ] = {"cr4 read", control_cr4_read},
	[EXIT_DEBUG] = {"debug", handle_debug},
	[EXIT_MACHINE_CHECK] = {"machine check", handle_machine_check},
	[EXIT_HOST_EVENT] = {"host event", handle_host_event},
	[EXIT_PRIVILEGED] = {"privileged", handle_privileged},
	[EXIT_UNDEFINED] = {"undefined", handle_undefined},
	[EXIT_TASK_SWITCH] = {"task switch", handle_task_switch},
	[EXIT_SHUTDOWN] = {"shutdown", handle_shutdown},
	[EXIT_INIT] = {"init", handle_init},
	[EXIT_RETRY] = {"retry", handle_retry},
	[EXIT_INVALID] = {"invalid", handle_invalid},
	[EXIT_UNKNOWN] = {"unknown", handle_unknown},
};

const char *exit_name(enum vm_exit_kind kind)
{
	return handlers[kind].name;
}

bool exit_handle(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vm *vm = vcpu->vm;
	struct signals *signals = vcpu->signals;
	struct trace_mark mark = trace_begin(vcpu, exit);

	signal_back(signals);
	lock_take(&vm->lock);
	vm->counters.exits[exit->kind]++;
	handlers[exit->kind].handle(vm, vcpu, exit);
	lock_release(&vm->lock);
	trace_end(vm, vcpu, exit, &mark);
	return signal_away(signals);
}
