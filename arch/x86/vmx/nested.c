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

/* 30.3: types and descriptors. All others' entries go too where one context's alone can't. */
#define INVEPT_SINGLE  1
#define INVEPT_ALL     2
#define INVVPID_SINGLE 1
#define INVVPID_ALL    2

struct invalidation {
	u64 context; /* EPT pointer, or VPID */
	u64 reserved;
};

void vmx_flush_now(struct vmx_vcpu *vmx)
{
	struct invalidation what = {vmcs_read(VMCS_EPT_POINTER), 0};
	u64 type = vmx_caps.invept_single ? INVEPT_SINGLE : INVEPT_ALL;

	if (!vmx->stale)
		return;
	vmx->stale = false;
	__asm__ volatile("invept %0, %1" : : "m"(what), "r"(type) : "cc", "memory");
}

void vmx_flush_linear(void)
{
	struct invalidation what = {1, 0};
	u64 type = vmx_caps.invvpid_single ? INVVPID_SINGLE : INVVPID_ALL;

	if (vmx_caps.vpid)
		__asm__ volatile("invvpid %0, %1" : : "m"(what), "r"(type) : "cc", "memory");
}
