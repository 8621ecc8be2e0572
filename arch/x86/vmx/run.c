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

/* 24.6.2 and 26.3.1.5: no entry brings an NMI to a guest that has not come back from one, or in a shadow. */
static bool can_take_nmi(void)
{
	return !(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) &
		 (VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_MOV_SS | VMX_BLOCKING_BY_NMI));
}

/* What was interrupted comes first, unless an exception is its outcome; an NMI waits until it fits. */
static void set_event(struct vmx_vcpu *vmx)
{
	u64 window = 0;

	if (!(vmx->inject.info & VMX_EVENT_VALID))
		vmx->inject = vmx->repeat;
	if (vmx->nmi_waits && !(vmx->inject.info & VMX_EVENT_VALID) && can_take_nmi()) {
		vmx->inject.info = (u32)(VMX_EVENT_VALID | VMX_EVENT_TYPE_NMI | 2);
		vmx->nmi_waits = false;
	}
	if (vmx->nmi_waits)
		window = VMX_PROC_NMI_WINDOW;
	vmcs_write(VMCS_PROC_CONTROLS, vmx_caps.proc | window);
	vmcs_write(VMCS_ENTRY_EVENT, vmx->inject.info);
	vmcs_write(VMCS_ENTRY_EVENT_ERROR, vmx->inject.error);
	vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, vmx->inject.length);
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
	set_event(vmx);
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
