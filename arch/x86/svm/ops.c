#include "arch/x86/svm/internal.h"
#include "arch/x86/svm/svm.h"

const struct vcpu_ops svm_ops = {
	.name = "svm",
	.nested_name = "npt",
	.nested_format = &npt_format,
	.probe = svm_probe,
	.nested_shape = svm_nested_shape,
	.memory_run = svm_memory_run,
	.cpu_on = svm_cpu_on,
	.cpu_off = svm_cpu_off,
	.create = svm_create,
	.destroy = svm_destroy,
	.reset = svm_reset,
	.msr_pass = svm_msr_pass,
	.run = svm_run,
	.stand_by = svm_stand_by,
	.inject = svm_inject,
	.state = svm_state,
	.msr_read = svm_msr_read,
	.msr_write = svm_msr_write,
	.cr4_write = svm_cr4_write,
	.flush = svm_flush,
};
