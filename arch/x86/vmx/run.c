#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/vmx/internal.h"

int vmx_enter(u64 *gpr, u64 again);
void vmx_unblock_nmis(void);

void vmx_take_nmis(void)
{
	vmx_unblock_nmis();
	percpu()->nmi_seen = false;
}

/* One that came while the hypervisor ran, where nothing looks at what it is about. */
static bool take_earlier_nmi(void)
{
	bool seen = percpu()->nmi_seen;

	percpu()->nmi_seen = false;
	return seen;
}

/* NMIs and interrupts are never held back here. */
void vmx_stand_by(void)
{
}

/* The instruction itself failed: nothing of the guest changed. */
static void tell_failure(struct vm_exit *exit)
{
	*exit = (struct vm_exit){.kind = EXIT_INVALID};
	exit->invalid.reason = vmx_check_entry(&vmx_caps);
}

static bool answer_cpuid(struct vcpu *vcpu)
{
	const struct cpuid *answer = guest_cpuid_find(&vcpu->cpuid, (u32)vcpu->gpr[GPR_RAX]);

	if (!answer)
		return false;
	vcpu->gpr[GPR_RAX] = answer->eax;
	vcpu->gpr[GPR_RBX] = answer->ebx;
	vcpu->gpr[GPR_RCX] = answer->ecx;
	vcpu->gpr[GPR_RDX] = answer->edx;
	vcpu->cpuid_answers++;
	return true;
}

/* What faults is left to the caller. */
static bool answer_msr(struct vcpu *vcpu, bool write, u32 index)
{
	const struct guest_msr *msr = guest_msr_find(&vcpu->msrs, index);
	u64 value;

	if (!msr || (write && msr->kind == GUEST_MSR_READ))
		return false;
	value = write ? vcpu->gpr[GPR_RDX] << 32 | (u32)vcpu->gpr[GPR_RAX] : msr->value;
	if (msr->kind == GUEST_MSR_SWITCHED &&
	    (write ? vmx_msr_write(vcpu, index, value) : vmx_msr_read(vcpu, index, &value)) != OK)
		return false;
	if (!write) {
		vcpu->gpr[GPR_RAX] = (u32)value;
		vcpu->gpr[GPR_RDX] = value >> 32;
	}
	vcpu->msr_answers++;
	return true;
}

/* What takes no more than a look at what was prepared; all else is left to the caller: then false. */
static bool answer(struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (!VCPU_BACKEND_ANSWERS)
		return false;
	if (exit->kind == EXIT_CPUID ? !answer_cpuid(vcpu)
	    : exit->kind == EXIT_MSR ? !answer_msr(vcpu, exit->msr.write, exit->msr.index)
				     : true)
		return false;
	vcpu_skip(vcpu, exit->length);
	return true;
}

/*
 * NMIs are open in the hypervisor. One that comes after the look at nmi_seen sets the timer that is set here
 * to 0 (cpu.c), and the entry ends before the guest's first instruction.
 */
static void run_once(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct vmx_vcpu *vmx = vmx_of(vcpu);
	bool entered;

	vmcs_write(VMCS_PREEMPTION_TIMER, 0xffffffff);
	if (take_earlier_nmi()) {
		*exit = (struct vm_exit){.kind = EXIT_HOST_EVENT};
		return;
	}
	vmx_flush_now(vmx);
	vmx_set_event(vmx);
	vmcs_write(VMCS_GUEST_RSP, vcpu->gpr[GPR_RSP]);
	if (vmcs_read(VMCS_GUEST_RIP) != vcpu->rip)
		vmx_move_on(vcpu->rip);
	vmcs_write(VMCS_GUEST_RFLAGS, vcpu->rflags);
	cr2_write(vmx->cr2);

	entered = vmx_enter(vcpu->gpr, vmx->launched) == 0;

	vmx->inject = vmx->repeat = (struct vmx_event){0};
	if (!entered) {
		tell_failure(exit);
		return;
	}
	vmx->cr2 = cr2_read();
	vcpu->gpr[GPR_RSP] = vmcs_read(VMCS_GUEST_RSP);
	vcpu->rip = vmcs_read(VMCS_GUEST_RIP);
	vcpu->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	vmx_exit_decode(vcpu, exit);
}

void vmx_run(struct vcpu *vcpu, vcpu_handler *handle)
{
	struct vm_exit exit;

	do
		run_once(vcpu, &exit);
	while (answer(vcpu, &exit) || handle(vcpu, &exit));
}
