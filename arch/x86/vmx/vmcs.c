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

struct descriptor {
	u64 context;
	u64 address; /* for types that are not used */
};

void vmx_invept(u64 type, u64 ept_pointer)
{
	struct descriptor what = {ept_pointer, 0};

	__asm__ volatile("invept %0, %1" : : "m"(what), "r"(type) : "cc", "memory");
}

void vmx_invvpid(u64 type, u16 vpid)
{
	struct descriptor what = {vpid, 0};

	__asm__ volatile("invvpid %0, %1" : : "m"(what), "r"(type) : "cc", "memory");
}
