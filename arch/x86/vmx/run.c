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

/*
 * NMIs are open in the hypervisor. One that comes after the look at nmi_seen sets the timer that is set here
 * to 0 (cpu.c), and the entry ends before the guest's first instruction.
 */
void vmx_run(struct vcpu *vcpu, struct vm_exit *exit)
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
	vmcs_write(VMCS_GUEST_RIP, vcpu->rip);
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
