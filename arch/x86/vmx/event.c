/* What the next VM entry delivers to the guest. */
#include "arch/x86/vmx/internal.h"

/*
 * 26.3.1.5: no entry brings an NMI to a guest that has not come back from one, or in the shadow of MOV SS:
 * the window that is asked for opens when that is over (25.2). In the shadow of STI it is open on some CPUs,
 * so that to ask for it would be an exit for ever; as on those CPUs the NMI ends that shadow.
 */
static bool can_take_nmi(void)
{
	return !(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) &
		 (VMX_BLOCKING_BY_MOV_SS | VMX_BLOCKING_BY_NMI));
}

/* 27.3.4: an NMI whose delivery was cut short has its own blocking in effect. */
static void repeat_event(struct vmx_vcpu *vmx)
{
	vmx->inject = vmx->repeat;
	if (vmx->repeat.info & VMX_EVENT_VALID &&
	    (vmx->repeat.info & VMX_EVENT_TYPE) == VMX_EVENT_TYPE_NMI)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~VMX_BLOCKING_BY_NMI);
}

/* What was interrupted comes first, unless an exception is its outcome; an NMI waits until it fits. */
void vmx_set_event(struct vmx_vcpu *vmx)
{
	u64 window = 0;

	if (!(vmx->inject.info & VMX_EVENT_VALID))
		repeat_event(vmx);
	if (vmx->nmi_waits && !(vmx->inject.info & VMX_EVENT_VALID) && can_take_nmi()) {
		vmx->inject.info = (u32)(VMX_EVENT_VALID | VMX_EVENT_TYPE_NMI | VECTOR_OF_NMI);
		vmx->nmi_waits = false;
		vmx_end_shadow();
	}
	if (vmx->nmi_waits)
		window = VMX_PROC_NMI_WINDOW;
	vmcs_write(VMCS_PROC_CONTROLS, vmx_caps.proc | window);
	vmcs_write(VMCS_ENTRY_EVENT, vmx->inject.info);
	vmcs_write(VMCS_ENTRY_EVENT_ERROR, vmx->inject.error);
	vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, vmx->inject.length);
}
