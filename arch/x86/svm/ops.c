#include "arch/x86/cpu.h"
#include "arch/x86/svm/internal.h"
#include "arch/x86/svm/svm.h"

/*
 * Nested page tables (15.25) have the format of the CPU's own; every access counts as a user's, so that
 * US must be set.
 */
static const struct pt_format npt_format = {
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

static void svm_nested_shape(u8 *levels, u8 *leaf_sizes)
{
	/* As many levels as the host's own tables; 1G pages in nested tables too (15.25.7). */
	*levels = 4;
	*leaf_sizes = PT_4K | PT_2M | (cpuid(0x80000001, 0).edx & BIT(26) ? PT_1G : 0);
}

const struct vcpu_ops svm_ops = {
	.name = "svm",
	.nested_name = "npt",
	.nested_format = &npt_format,
	.probe = svm_probe,
	.nested_shape = svm_nested_shape,
	.cpu_on = svm_cpu_on,
	.cpu_off = svm_cpu_off,
	.events_on = svm_events_on,
	.create = svm_create,
	.destroy = svm_destroy,
	.reset = svm_reset,
	.msr_pass = svm_msr_pass,
	.run = svm_run,
	.skip = svm_skip,
	.inject = svm_inject,
	.state = svm_state,
	.msr_read = svm_msr_read,
	.msr_write = svm_msr_write,
	.flush = svm_flush,
};
