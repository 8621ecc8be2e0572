// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/exit.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_exit_desk.h"

static void decode_event(u32 event, u64 qualification)
{
	fake_vmcs_set(VMCS_EXIT_EVENT, event);
	decode(0, qualification);
}

/* An IRET that could not read its stack had unblocked NMIs: until it runs again they stay blocked. */
static void test_nmi_unblocking(void **state)
{
	(void)state;
	decode(48, BIT(7) | BIT(8) | BIT(0) | BIT(12));
	assert_blocking(VMX_BLOCKING_BY_NMI);
	set_blocking(0);
	decode(48, BIT(7) | BIT(8) | BIT(0));
	assert_blocking(0);
	set_blocking(VMX_BLOCKING_BY_STI);
	decode_event(0x80001b11, 0); /* #AC */
	assert_blocking(VMX_BLOCKING_BY_NMI);
	set_blocking(0);
	/* Not defined where something was being delivered. */
	fake_vmcs_set(VMCS_IDT_VECTORING, 0x80000041);
	decode(48, BIT(7) | BIT(8) | BIT(0) | BIT(12));
	assert_blocking(0);
}

static void assert_repeated(u32 info, u32 error)
{
	decode(48, BIT(7) | BIT(8));
	assert_true(vm_exit.nested.in_delivery);
	vcpu.rflags = 2 | RFLAGS_IF;
	desk_enter();
	assert_int_equal(vmcs_read(VMCS_ENTRY_EVENT), info);
	if (info & VMX_EVENT_ERROR_VALID)
		assert_int_equal(vmcs_read(VMCS_ENTRY_EVENT_ERROR), error);
	assert_null(vmx_check_entry(&vmx_caps));
	vmx->inject = (struct vmx_event){0};
}

static void assert_passed_on(u32 info)
{
	assert_int_equal(vm_exit.kind, EXIT_RETRY);
	vcpu.rflags = 2;
	desk_enter();
	assert_int_equal(vmcs_read(VMCS_ENTRY_EVENT), info);
	assert_null(vmx_check_entry(&vmx_caps));
	vmx->inject = (struct vmx_event){0};
}

static void test_interrupted_deliveries(void **state)
{
	(void)state;
	fake_vmcs_set(VMCS_IDT_VECTORING, 0x7fffffff); /* not valid: junk */
	decode(48, BIT(7) | BIT(8));
	assert_false(vm_exit.nested.in_delivery);
	assert_int_equal(vmx->repeat.info, 0);
	fake_vmcs_set(VMCS_IDT_VECTORING, 0x80000041);
	fake_vmcs_set(VMCS_IDT_VECTORING_ERROR, 0x77);
	assert_repeated(0x80000041, 0);
	fake_vmcs_set(VMCS_IDT_VECTORING, 0x80000b0e);
	assert_repeated(0x80000b0e, 0x77);
	fake_vmcs_set(VMCS_IDT_VECTORING, 0x80000306);
	assert_repeated(0x80000306, 0);
	/* Bit 12 and above are not defined, and may not be handed back. */
	fake_vmcs_set(VMCS_IDT_VECTORING, 0xfffff041);
	assert_repeated(0x80000041, 0);
}

/* INT n, INT1, INT3 and INTO come again by their instructions. */
static void test_software_events(void **state)
{
	static const u32 infos[] = {0x80000480, 0x80000501, 0x80000603, 0x80000604};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++) {
		fake_vmcs_set(VMCS_IDT_VECTORING, infos[i]);
		assert_repeated(0, 0);
	}
}

/* 27.2.4: blocking by itself is in effect when its delivery is cut short. */
static void test_interrupted_nmi(void **state)
{
	(void)state;
	set_blocking(VMX_BLOCKING_BY_NMI);
	fake_vmcs_set(VMCS_IDT_VECTORING, 0x80000202);
	assert_repeated(0x80000202, 0);
	assert_blocking(0);
	/* An exception came of it, whose handler's IRET will unblock NMIs. */
	set_blocking(VMX_BLOCKING_BY_NMI);
	decode_event(0x80000b11, 0);
	assert_passed_on(0x80000b11);
	assert_blocking(VMX_BLOCKING_BY_NMI);
}

static void test_host_events(void **state)
{
	(void)state;
	decode_event(0x80000202, 0);
	assert_int_equal(vm_exit.kind, EXIT_HOST_EVENT);
	assert_int_equal(nmis_taken, 1);
	assert_int_equal(vmx->inject.info, 0);
	decode_event(0x80000312, 0);
	assert_int_equal(vm_exit.kind, EXIT_MACHINE_CHECK);
	assert_int_equal(vmx->inject.info, 0);
}

static void test_alignment_checks(void **state)
{
	(void)state;
	set_blocking(VMX_BLOCKING_BY_STI);
	dr6 = 0xffff0ff1;
	decode_event(0x80000b11, 0);
	assert_passed_on(0x80000b11);
	assert_int_equal(vmcs_read(VMCS_ENTRY_EVENT_ERROR), 0);
	assert_blocking(0);
	assert_int_equal(dr6, 0xffff0ff1);
	/* In real mode there is no error code. */
	vmcs_write(VMCS_GUEST_CR0, CR0_ET | CR0_NE);
	decode_event(0x80000311, 0);
	assert_passed_on(0x80000311);
}

/* 27.1: the exit leaves DR6 as it was; table 27-1 has what is to be there. B0 to B3 are those of this one. */
static void test_debug_exceptions(void **state)
{
	(void)state;
	dr6 = 0xffff0ff3;
	set_blocking(VMX_BLOCKING_BY_MOV_SS);
	decode_event(0x80000301, BIT(2));
	assert_int_equal(dr6, 0xffff0ff4);
	assert_passed_on(0x80000301);
	assert_blocking(0);
	decode_event(0x80000301, BIT(14)); /* a step */
	assert_int_equal(dr6, 0xffff4ff0);
	assert_passed_on(0x80000301);
	/* INT1: of the instruction, and behind it. */
	fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, 1);
	decode_event(0x80000501, 0);
	assert_passed_on(0x80000501);
	assert_int_equal(vmcs_read(VMCS_ENTRY_INSTRUCTION_LENGTH), 1);
}

/* 17.2.4: an access where DR7.GD forbids it, and that every #DB clears GD, for its handler. */
static void test_debug_access(void **state)
{
	(void)state;
	vmcs_write(VMCS_GUEST_DR7, 0x400 | BIT(13) | BIT(1));
	decode_event(0x80000301, BIT(13));
	assert_int_equal(dr6, 0xffff2ff0);
	assert_int_equal(vmcs_read(VMCS_GUEST_DR7), 0x400 | BIT(1));
	assert_passed_on(0x80000301);
	vmcs_write(VMCS_GUEST_DR7, 0x400 | BIT(13) | BIT(1));
	decode_event(0x80000301, BIT(0));
	assert_int_equal(vmcs_read(VMCS_GUEST_DR7), 0x400 | BIT(1));
	assert_passed_on(0x80000301);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXIT_TEST(test_nmi_unblocking),	  EXIT_TEST(test_interrupted_deliveries),
		EXIT_TEST(test_software_events),  EXIT_TEST(test_interrupted_nmi),
		EXIT_TEST(test_host_events),	  EXIT_TEST(test_alignment_checks),
		EXIT_TEST(test_debug_exceptions), EXIT_TEST(test_debug_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
