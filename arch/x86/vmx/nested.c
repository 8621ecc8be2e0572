/* The nested tables' shape on this CPU, and what it caches of them (28.4). */
#include "arch/x86/vmx/internal.h"

void vmx_nested_shape(u8 *levels, u8 *leaf_sizes)
{
	*levels = 4;
	*leaf_sizes = PT_4K | (vmx_caps.ept_2m ? PT_2M : 0) | (vmx_caps.ept_1g ? PT_1G : 0);
}

/* From any CPU; carried out at the next entry, on the vCPU's own. */
void vmx_flush(struct vcpu *vcpu)
{
	vmx_of(vcpu)->stale = true;
}

/* All others' entries go too where one context's alone can't. */
void vmx_flush_now(struct vmx_vcpu *vmx)
{
	if (!vmx->stale)
		return;
	vmx->stale = false;
	vmx_invept(vmx_caps.invept_single ? VMX_INVEPT_SINGLE : VMX_INVEPT_ALL,
		   vmcs_read(VMCS_EPT_POINTER));
}

void vmx_flush_linear(void)
{
	if (vmx_caps.vpid)
		vmx_invvpid(vmx_caps.invvpid_single ? VMX_INVVPID_SINGLE : VMX_INVVPID_ALL,
			    VMX_VPID);
}
