#include "arch/x86/vmx/ept.h"
#include "arch/x86/vmx/internal.h"
#include "arch/x86/vmx/vmx.h"

const struct vcpu_ops vmx_ops = {
	.name = "vmx",
	.nested_name = "ept",
	.nested_format = &ept_format,
	.probe = vmx_probe,
	.nested_shape = vmx_nested_shape,
	.memory_run = ept_memory_run,
	.cpu_on = vmx_cpu_on,
	.cpu_off = vmx_cpu_off,
	.create = vmx_create,
	.destroy = vmx_destroy,
	.reset = vmx_reset,
	.msr_pass = vmx_msr_pass,
	.run = vmx_run,
	.stand_by = vmx_stand_by,
	.inject = vmx_inject,
	.state = vmx_state,
	.msr_read = vmx_msr_read,
	.msr_write = vmx_msr_write,
	.cr4_write = vmx_cr4_write,
	.flush = vmx_flush,
};
