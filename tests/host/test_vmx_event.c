// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_desk.h"

static const struct vcpu_event ud = {.kind = EVENT_EXCEPTION, .vector = VECTOR_UD};
static const struct vcpu_event gp = {
	.kind = EVENT_EXCEPTION, .vector = VECTOR_GP, .has_error = true};
static const struct vcpu_event pf = {
	.kind = EVENT_EXCEPTION,
	.vector = VECTOR_PF,
	.has_error = true,
	.error = 7,
	.address = 0xffff800000001238ull,
};
static const struct vcpu_event nmi = {.kind = EVENT_NMI, .vector = 2};

static void assert_event(u32 info, u32 error)
{
	desk_enter();
	assert_int_equal(vmcs_read(VMCS_ENTRY_EVENT), info);
	assert_int_equal(vmcs_read(VMCS_ENTRY_EVENT_ERROR), error);
	assert_null(vmx_check_entry(&vmx_caps));
	vmx->inject = vmx->repeat = (struct vmx_event){0}; /* as after the entry */
}

static void test_injection(void **state)
{
	(void)state;
	assert_event(0, 0);
	vmx->cr2 = 0x1111;
	vmx_inject(&vcpu, &ud);
	assert_event(0x80000306, 0);
	vmx_inject(&vcpu, &gp);
	assert_event(0x80000b0d, 0);
	assert_int_equal(vmx->cr2, 0x1111);
	vmx_inject(&vcpu, &pf);
	assert_event(0x80000b0e, 7);
	assert_int_equal(vmx->cr2, 0xffff800000001238ull);
	/* In real mode without its error code. */
	vmcs_write(VMCS_GUEST_CR0, CR0_ET | CR0_NE);
	vmx_inject(&vcpu, &gp);
	assert_event(0x8000030d, 0);
	assert_event(0, 0);
}

static void test_injection_ends_shadow(void **state)
{
	(void)state;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, VMX_BLOCKING_BY_MOV_SS | VMX_BLOCKING_BY_NMI);
	vcpu.rflags |= RFLAGS_TF;
	vmx_inject(&vcpu, &ud);
	assert_event(0x80000306, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY), VMX_BLOCKING_BY_NMI);
}

/* An exception is the outcome of what was interrupted; without one that comes again. */
static void test_repetition(void **state)
{
	(void)state;
	vcpu.rflags |= RFLAGS_IF;
	vmx->repeat = (struct vmx_event){.info = 0x80000041};
	assert_event(0x80000041, 0);
	vmx->repeat = (struct vmx_event){.info = 0x80000b0b, .error = 0x50};
	assert_event(0x80000b0b, 0x50);
	vmx->repeat = (struct vmx_event){.info = 0x80000041};
	vmx_inject(&vcpu, &pf);
	assert_event(0x80000b0e, 7);
	assert_event(0, 0);
}

static void assert_nmi_window(bool open)
{
	assert_int_equal(vmcs_read(VMCS_PROC_CONTROLS),
			 vmx_caps.proc | (open ? VMX_PROC_NMI_WINDOW : 0));
}

static void test_nmi(void **state)
{
	(void)state;
	assert_event(0, 0);
	assert_nmi_window(false);
	vmx_inject(&vcpu, &nmi);
	assert_event(0x80000202, 0);
	assert_nmi_window(false);
	assert_false(vmx->nmi_waits);
}

/* It waits for IRET, for the end of MOV SS's shadow, and for what comes first. */
static void test_nmi_waits(void **state)
{
	static const u64 blocking[] = {VMX_BLOCKING_BY_NMI, VMX_BLOCKING_BY_MOV_SS};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(blocking); i++) {
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking[i]);
		vmx_inject(&vcpu, &nmi);
		assert_event(0, 0);
		assert_nmi_window(true);
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
		assert_event(0x80000202, 0);
		assert_nmi_window(false);
	}
	vmx_inject(&vcpu, &nmi);
	vmx_inject(&vcpu, &gp);
	assert_event(0x80000b0d, 0);
	assert_nmi_window(true);
	assert_event(0x80000202, 0);
	assert_nmi_window(false);
	assert_event(0, 0);
}

/*
 * A CPU need not keep an NMI back after STI (table 24-3), nor the window shut (25.2): to wait for it to open
 * would be to wait for ever. The entry may want the shadow ended (26.3.1.5).
 */
static void test_nmi_after_sti(void **state)
{
	(void)state;
	vcpu.rflags |= RFLAGS_IF;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, VMX_BLOCKING_BY_STI);
	vmx_inject(&vcpu, &nmi);
	assert_event(0x80000202, 0);
	assert_nmi_window(false);
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY), 0);
	/* Where it waits for IRET the shadow stays. */
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_NMI);
	vmx_inject(&vcpu, &nmi);
	assert_event(0, 0);
	assert_nmi_window(true);
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY),
			 VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_NMI);
}

/* Delivered to a CPU that stands still, an exception makes it go on. */
static void test_halted(void **state)
{
	(void)state;
	vmcs_write(VMCS_GUEST_ACTIVITY, VMX_HALTED);
	vmx_inject(&vcpu, &ud);
	assert_event(0x80000306, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, VMX_HALTED);
	vmx_inject(&vcpu, &nmi);
	assert_event(0x80000202, 0);
	/* One that has to wait wakes nobody. */
	vmcs_write(VMCS_GUEST_ACTIVITY, VMX_HALTED);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, VMX_BLOCKING_BY_NMI);
	vmx_inject(&vcpu, &nmi);
	assert_event(0, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_ACTIVITY), VMX_HALTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_injection),  DESK_TEST(test_injection_ends_shadow),
		DESK_TEST(test_repetition), DESK_TEST(test_nmi),
		DESK_TEST(test_nmi_waits),  DESK_TEST(test_nmi_after_sti),
		DESK_TEST(test_halted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
