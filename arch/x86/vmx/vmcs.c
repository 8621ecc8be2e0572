#include "arch/x86/vmx/vmcs.h"

u64 vmcs_read(enum vmcs_field field)
{
	u64 value = 0;

	__asm__ volatile("vmread %1, %0" : "+r"(value) : "r"((u64)field) : "cc", "memory");
	return value;
}

void vmcs_write(enum vmcs_field field, u64 value)
{
	__asm__ volatile("vmwrite %1, %0" : : "r"((u64)field), "r"(value) : "cc", "memory");
}
