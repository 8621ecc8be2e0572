// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/exit.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_exit_desk.h"

#include "tests/host/random.h"

static void test_instructions(void **state)
{
	static const struct {
		u16 reason;
		enum vm_exit_kind kind;
	} rows[] = {
		{2, EXIT_SHUTDOWN},    {3, EXIT_INIT},	      {8, EXIT_RETRY},
		{9, EXIT_TASK_SWITCH}, {10, EXIT_CPUID},      {11, EXIT_UNDEFINED},
		{13, EXIT_CACHE},      {15, EXIT_PRIVILEGED}, {18, EXIT_HYPERCALL},
		{19, EXIT_UNDEFINED},  {20, EXIT_UNDEFINED},  {21, EXIT_UNDEFINED},
		{22, EXIT_UNDEFINED},  {23, EXIT_UNDEFINED},  {24, EXIT_UNDEFINED},
		{25, EXIT_UNDEFINED},  {26, EXIT_UNDEFINED},  {27, EXIT_UNDEFINED},
		{36, EXIT_UNDEFINED},  {39, EXIT_UNDEFINED},  {41, EXIT_MACHINE_CHECK},
		{50, EXIT_UNDEFINED},  {52, EXIT_HOST_EVENT}, {53, EXIT_UNDEFINED},
		{55, EXIT_XSETBV},     {59, EXIT_UNDEFINED},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		vmx->launched = false;
		decode(rows[i].reason, 0);
		assert_int_equal(vm_exit.kind, rows[i].kind);
		assert_int_equal(vm_exit.length, 2);
		if (vm_exit.kind == EXIT_HOST_EVENT)
			assert_false(vm_exit.host_event.in_shadow);
		assert_true(vmx->launched);
	}
}

/* Every reason gives a kind that there is, and what is not known is told as it came. */
static void test_all_reasons(void **state)
{
	static const u16 unknown[] = {1,  4,  5,  6,  7,  12, 14, 16, 17, 29, 33,
				      34, 35, 37, 38, 40, 42, 43, 44, 45, 46, 47,
				      49, 51, 54, 56, 57, 58, 60, 61, 62, 63, 64};
	unsigned count = 0;

	(void)state;
	fake_vmcs_set(VMCS_EXIT_EVENT, 0x80000202);
	for (u32 reason = 0; reason < 0x100; reason++) {
		decode(reason, 0x11);
		assert_true(vm_exit.kind < EXIT_KINDS);
		if (vm_exit.kind != EXIT_UNKNOWN)
			continue;
		if (count < ARRAY_SIZE(unknown))
			assert_int_equal(reason, unknown[count++]);
		assert_int_equal(vm_exit.unknown.code, reason);
		assert_int_equal(vm_exit.unknown.info[0], 0x11);
		assert_int_equal(vm_exit.unknown.info[1], 0x5678);
	}
	assert_int_equal(count, ARRAY_SIZE(unknown));
	/* 24.9.1: bits above 15:0 that say more of an exit. */
	decode(0x08000000 | 10, 0);
	assert_int_equal(vm_exit.kind, EXIT_CPUID);
}

static void test_msr(void **state)
{
	(void)state;
	vcpu.gpr[GPR_RCX] = 0xdeadbeefc0000080ull;
	decode(31, 0);
	assert_int_equal(vm_exit.kind, EXIT_MSR);
	assert_false(vm_exit.msr.write);
	assert_int_equal(vm_exit.msr.index, 0xc0000080);
	assert_int_equal(vm_exit.length, 2);
	decode(32, 0);
	assert_int_equal(vm_exit.kind, EXIT_MSR);
	assert_true(vm_exit.msr.write);
}

/* Table 27-5. */
static void test_ports(void **state)
{
	(void)state;
	decode(30, 0x03f80008);
	assert_int_equal(vm_exit.kind, EXIT_IO);
	assert_int_equal(vm_exit.io.port, 0x3f8);
	assert_int_equal(vm_exit.io.width, 1);
	assert_true(vm_exit.io.in && !vm_exit.io.string);
	assert_int_equal(vm_exit.length, 2);
	decode(30, 0xffff0031); /* REP OUTSW */
	assert_int_equal(vm_exit.io.port, 0xffff);
	assert_int_equal(vm_exit.io.width, 2);
	assert_true(!vm_exit.io.in && vm_exit.io.string);
	decode(30, 0x00000043); /* by an immediate operand */
	assert_int_equal(vm_exit.io.width, 4);
	assert_int_equal(vm_exit.io.port, 0);
	assert_true(!vm_exit.io.in && !vm_exit.io.string);
}

/* Table 27-7. */
static void test_ept_violations(void **state)
{
	(void)state;
	fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, 0xfee00300);
	decode(48, BIT(7) | BIT(8) | BIT(1));
	assert_int_equal(vm_exit.kind, EXIT_NESTED_FAULT);
	assert_int_equal(vm_exit.nested.address.v, 0xfee00300);
	assert_true(vm_exit.nested.write && !vm_exit.nested.execute && !vm_exit.nested.table_walk);
	assert_int_equal(vm_exit.length, 0); /* the CPU's is of no use */
	assert_int_equal(vm_exit.code_length, 0);
	decode(48, BIT(7) | BIT(8) | BIT(0));
	assert_true(!vm_exit.nested.write && !vm_exit.nested.execute && !vm_exit.nested.table_walk);
	decode(48, BIT(7) | BIT(8) | BIT(2));
	assert_true(!vm_exit.nested.write && vm_exit.nested.execute && !vm_exit.nested.table_walk);
	decode(48, BIT(7) | BIT(0) | BIT(1));
	assert_true(vm_exit.nested.table_walk);
	/* Not by a linear address: MOV to CR3 that loads PDPTEs. */
	decode(48, BIT(0));
	assert_false(vm_exit.nested.table_walk);
}

static void test_failed_entry(void **state)
{
	(void)state;
	vmx->launched = false;
	vcpu.rflags = 0;
	desk_enter();
	decode(0x80000000 | 33, 0);
	assert_int_equal(vm_exit.kind, EXIT_INVALID);
	assert_non_null(strstr(vm_exit.invalid.reason, "RFLAGS"));
	assert_false(vmx->launched);
	vcpu.rflags = 2;
	desk_enter();
	decode(0x80000000 | 33, 0);
	assert_int_equal(vm_exit.kind, EXIT_INVALID);
	assert_null(vm_exit.invalid.reason);
	decode(0x80000000 | 41, 0);
	assert_int_equal(vm_exit.kind, EXIT_MACHINE_CHECK);
}

/* Whatever a CPU may have left in the VMCS: the neutral exit is well-formed. */
static void test_random(void **state)
{
	(void)state;
	desk_enter();
	for (unsigned round = 0; round < 20000; round++) {
		fake_vmcs_set(VMCS_IDT_VECTORING, random_u64());
		fake_vmcs_set(VMCS_IDT_VECTORING_ERROR, random_u64());
		fake_vmcs_set(VMCS_EXIT_EVENT, random_u64());
		fake_vmcs_set(VMCS_EXIT_INSTRUCTION_LENGTH, random_u64() % 16);
		fake_vmcs_set(VMCS_GUEST_PHYSICAL_ADDRESS, random_u64());
		vcpu.gpr[random_u64() % GPR_COUNT] = random_u64();
		decode(random_u64() & (VMX_REASON_ENTRY_FAILED | 0x3f), random_u64());
		assert_true(vm_exit.kind < EXIT_KINDS);
		assert_true(vm_exit.length <= VCPU_CODE_MAX && vm_exit.code_length == 0);
		if (vm_exit.kind == EXIT_CR4_WRITE)
			assert_true(vm_exit.cr4.gpr < GPR_COUNT);
		assert_int_equal(vmcs_read(VMCS_GUEST_CR0) & (CR0_NE | CR0_NW | CR0_CD), CR0_NE);
		assert_int_equal(vmcs_read(VMCS_GUEST_CR4), CR4_VMXE | CR4_MCE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXIT_TEST(test_instructions),
		EXIT_TEST(test_all_reasons),
		EXIT_TEST(test_msr),
		EXIT_TEST(test_ports),
		EXIT_TEST(test_ept_violations),
		EXIT_TEST(test_failed_entry),
		EXIT_TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
