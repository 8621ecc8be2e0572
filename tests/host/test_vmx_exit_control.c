// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/exit.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_exit_desk.h"

static void mov_to(unsigned number, enum gpr gpr, u64 value)
{
	vcpu.gpr[gpr] = value;
	decode(28, number | (u64)gpr << 8);
}

static u64 seen_cr0(void)
{
	struct vcpu_state seen;

	vmx_state(&vcpu, &seen);
	return seen.cr0;
}

static u64 seen_cr4(void)
{
	struct vcpu_state seen;

	vmx_state(&vcpu, &seen);
	return seen.cr4;
}

#define CR0_OWN (CR0_NE | CR0_NW | CR0_CD)

/* The instruction runs again, and makes no exit: what is masked is as the shadow has it. */
static void test_cr0_writes(void **state)
{
	static const u64 values[] = {CR0_NE, CR0_CD, CR0_CD | CR0_NW, CR0_OWN, CR0_NE | CR0_CD, 0};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		mov_to(0, GPR_R15, values[i] | CR0_PE | CR0_PG | CR0_ET);
		assert_int_equal(vm_exit.kind, EXIT_RETRY);
		assert_int_equal(seen_cr0() & CR0_OWN, values[i]);
		assert_int_equal(vmcs_read(VMCS_CR0_SHADOW) & vmcs_read(VMCS_CR0_MASK), values[i]);
		/* Nothing else happened yet, and the CPU's own are as they were. */
		assert_int_equal(vmcs_read(VMCS_GUEST_CR0), CR0_PE | CR0_ET | CR0_NE);
	}
	mov_to(0, GPR_RAX, CR0_NW | CR0_PE);
	assert_int_equal(vm_exit.kind, EXIT_PRIVILEGED); /* NW without CD: #GP on a bare CPU */
	assert_int_equal(seen_cr0() & CR0_OWN, 0);
}

static void test_cr4_writes(void **state)
{
	(void)state;
	mov_to(4, GPR_RSP, CR4_MCE | CR4_PAE);
	assert_int_equal(vm_exit.kind, EXIT_RETRY);
	assert_int_equal(seen_cr4(), CR4_MCE); /* PAE by the instruction itself */
	assert_int_equal(vmcs_read(VMCS_GUEST_CR4), CR4_VMXE | CR4_MCE);
	mov_to(4, GPR_RDX, 0);
	assert_int_equal(vm_exit.kind, EXIT_RETRY);
	assert_int_equal(seen_cr4(), 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR4), CR4_VMXE | CR4_MCE);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (BIT(bit) & vcpu.cr4_allowed)
			continue;
		set_cs_rights(0xa09b);
		vmcs_write(VMCS_GUEST_EFER, EFER_LMA);
		mov_to(4, GPR_R9, CR4_MCE | BIT(bit));
		assert_int_equal(vm_exit.kind, EXIT_CR4_WRITE);
		assert_true(vm_exit.cr4.gpr_known);
		assert_int_equal(vm_exit.cr4.gpr, GPR_R9);
		assert_int_equal(seen_cr4(), 0);
	}
}

/* Outside of 64-bit code a register has 32 bits: what is above is not written. */
static void test_control_operands(void **state)
{
	const u64 junk = 0xffffffff00000000ull;

	(void)state;
	mov_to(4, GPR_RAX, junk | CR4_MCE);
	assert_int_equal(vm_exit.kind, EXIT_RETRY);
	mov_to(0, GPR_RAX, junk | CR0_PE | CR0_NE);
	assert_int_equal(vmcs_read(VMCS_CR0_SHADOW), CR0_PE | CR0_NE);
	set_cs_rights(0xa09b);
	vmcs_write(VMCS_GUEST_EFER, EFER_LMA);
	mov_to(4, GPR_RAX, junk | CR4_MCE);
	assert_int_equal(vm_exit.kind, EXIT_CR4_WRITE);
}

/* Those that none of the controls asks for: MOV from, CLTS, LMSW, other registers. */
static void test_other_control_accesses(void **state)
{
	static const u64 qualifications[] = {0x10 | 0, 0x20, 0x30, 0x10 | 4, 3, 0x10 | 3, 8, 2};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(qualifications); i++) {
		vcpu.gpr[GPR_RAX] = CR0_PE;
		decode(28, qualifications[i]);
		assert_int_equal(vm_exit.kind, EXIT_PRIVILEGED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXIT_TEST(test_cr0_writes),
		EXIT_TEST(test_cr4_writes),
		EXIT_TEST(test_control_operands),
		EXIT_TEST(test_other_control_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
