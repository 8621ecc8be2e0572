/* What the next VM entry delivers to the guest. */
#include "arch/x86/vmx/internal.h"

/* 24.6.2 and 26.3.1.5: no entry brings an NMI to a guest that has not come back from one, or in a shadow. */
static bool can_take_nmi(void)
{
	return !(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) &
		 (VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_MOV_SS | VMX_BLOCKING_BY_NMI));
}

/* What was interrupted comes first, unless an exception is its outcome; an NMI waits until it fits. */
void vmx_set_event(struct vmx_vcpu *vmx)
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
