/* The second dimension of address translation: format, shape and flush of nested page tables. */
#include "arch/x86/cpu.h"
#include "arch/x86/svm/internal.h"

/*
 * Nested page tables (15.25) have the format of the CPU's own; every access counts as a user's, so that
 * US must be set.
 */
const struct pt_format npt_format = {
	.name = "npt",
	.present = BIT(0),
	.address = BITS(51, 12),
	.large = BIT(7),
	.table = BIT(0) | BIT(1) | BIT(2),
	.leaf = BIT(2) | BIT(5) | BIT(6),
	.read = BIT(0),
	.write = BIT(1),
	.no_exec = BIT(63),
	.uncached = BIT(3) | BIT(4),
};

void svm_nested_shape(u8 *levels, u8 *leaf_sizes)
{
	/* As many levels as the host's own tables; 1G pages in nested tables too (15.25.7). */
	*levels = 4;
	*leaf_sizes = PT_4K | PT_2M | (cpuid(0x80000001, 0).edx & BIT(26) ? PT_1G : 0);
}

/*
 * With nested paging the host's MTRRs apply to the guest's accesses too (15.25.8): the tables need not
 * repeat what they say.
 */
u64 svm_memory_run(hpa_t start, u64 size, bool *cached)
{
	(void)start;
	*cached = true;
	return size;
}

void svm_flush(struct vcpu *vcpu)
{
	svm_of(vcpu)->vmcb->tlb_control =
		svm_caps.flush_by_asid ? SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
}
