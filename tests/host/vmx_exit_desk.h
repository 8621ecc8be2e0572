/* The VMX desk with a CPU that exits: what the tests of exit.c share. */
#ifndef TESTS_HOST_VMX_EXIT_DESK_H
#define TESTS_HOST_VMX_EXIT_DESK_H

#include "tests/host/vmx_desk.h"

static struct vm_exit vm_exit;

static inline void decode(u32 reason, u64 qualification)
{
	fake_vmcs_set(VMCS_EXIT_REASON, reason);
	fake_vmcs_set(VMCS_EXIT_QUALIFICATION, qualification);
	memset(&vm_exit, 0xa5, sizeof(vm_exit));
	vmx_exit_decode(&vcpu, &vm_exit);
}

static int exit_set_up(void **state)
{
	(void)desk_set_up(state);
	fake_vmcs_set(VMCS_IDT_VECTORING, 0);
	fake_vmcs_set(VMCS_IDT_VECTORING_ERROR, 0);
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 2);
	fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, 0x5678);
	return 0;
}

#define EXIT_TEST(function) cmocka_unit_test_setup_teardown(function, exit_set_up, desk_tear_down)

static inline void set_blocking(u64 blocking)
{
	fake_vmcs_set(VMCS_GUEST_INTERRUPTIBILITY, blocking);
}

static inline void assert_blocking(u64 blocking)
{
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY), blocking);
}

#endif
