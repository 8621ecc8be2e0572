// sources: hv/vm/control.c hv/vm/exits.c hv/vm/features.c arch/x86/guest_xcr0.c hv/vm/cpuid.c hv/vm/port_exit.c
// sources: hv/vm/mmio.c hv/vm/operand.c hv/vm/access.c hv/vm/instruction.c hv/vm/code.c hv/vm/crash.c
// sources: arch/x86/decode.c arch/x86/decode_tables.c arch/x86/decode_memory.c arch/x86/decode_address.c
// sources: arch/x86/emulate.c arch/x86/guest_walk.c hv/vm/memory_layout.c tests/host/guest_memory.c tests/host/exit_desk.c
#include "tests/host/exit_desk.h"

#include "arch/x86/cpu.h"
#include "hv/vm/exits.h"

static void write_exit(u8 length)
{
	desk.exit.kind = EXIT_CR4_WRITE;
	desk.exit.length = length;
	desk_handle();
}

/* A MOV to CR4 takes its value from the register that its bytes name. */
static void test_register(void **state)
{
	(void)state;
	DESK_CODE_IS(0x0f, 0x22, 0xe3); /* mov cr4, ebx */
	desk.vcpu->gpr[GPR_RBX] = 0xffffffff00000020ull;
	write_exit(0);
	assert_int_equal(desk.cr4_writes, 1);
	assert_int_equal(desk.cr4, 0x20); /* 32 bits outside of 64-bit code */
	assert_int_equal(desk.skipped, 3);
	desk_long_mode(0);
	DESK_CODE_IS(0x41, 0x0f, 0x22, 0xe4); /* mov cr4, r12 */
	desk.vcpu->gpr[GPR_R12] = 0x8000000000000020ull;
	write_exit(0);
	assert_int_equal(desk.cr4, 0x8000000000000020ull);
	assert_int_equal(desk.skipped, 7);
	assert_int_equal(desk.injections, 0);
}

/* On a CPU that says which register it was, the code is not looked at. */
static void test_told(void **state)
{
	(void)state;
	DESK_CODE_IS(0x0f, 0xff);
	desk.vcpu->gpr[GPR_R9] = 0x1100000020ull;
	desk.exit.cr4.gpr_known = true;
	desk.exit.cr4.gpr = GPR_R9;
	write_exit(4);
	assert_int_equal(desk.cr4, 0x20);
	assert_int_equal(desk.skipped, 4);
	desk_long_mode(0);
	write_exit(4);
	assert_int_equal(desk.cr4, 0x1100000020ull);
	/* The register, but not the length. */
	DESK_CODE_IS(0x41, 0x0f, 0x22, 0xe1);
	write_exit(0);
	assert_int_equal(desk.cr4_writes, 3);
	assert_int_equal(desk.skipped, 12);
}

static void test_refused(void **state)
{
	(void)state;
	DESK_CODE_IS(0x0f, 0x22, 0xe0);
	desk.cr4_refused = true;
	write_exit(0);
	assert_int_equal(desk.cr4_writes, 1);
	assert_int_equal(desk.injections, 1);
	assert_int_equal(desk.event.kind, EVENT_EXCEPTION);
	assert_int_equal(desk.event.vector, 13);
	assert_true(desk.event.has_error && !desk.event.error);
	assert_int_equal(desk.skips, 0);
}

/* Bytes that changed since: another control register, a read, no such instruction at all. */
static void test_changed(void **state)
{
	static const u8 codes[][3] = {{0x0f, 0x22, 0xd8}, {0x0f, 0x20, 0xe0}, {0x0f, 0xff, 0xe0}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
		desk_code(codes[i], 3);
		write_exit(0);
		assert_int_equal(desk.cr4_writes + desk.skips + desk.injections + desk.vm.end, 0);
	}
}

/* A MOV from CR4 gets what the guest has set, as the backend tells it. */
static void test_read(void **state)
{
	(void)state;
	desk.state.cr4 = CR4_PAE | CR4_MCE;
	desk.exit.kind = EXIT_CR4_READ;
	DESK_CODE_IS(0x0f, 0x20, 0xe3); /* mov ebx, cr4 */
	desk.vcpu->gpr[GPR_RBX] = ~0ull;
	desk_handle();
	assert_int_equal(desk.vcpu->gpr[GPR_RBX], CR4_PAE | CR4_MCE);
	assert_int_equal(desk.skipped, 3);
	desk.exit.cr4.gpr_known = true;
	desk.exit.cr4.gpr = GPR_R9;
	desk.exit.length = 4;
	desk_handle();
	assert_int_equal(desk.vcpu->gpr[GPR_R9], CR4_PAE | CR4_MCE);
	assert_int_equal(desk.skipped, 7);
	/* Bytes that changed since. */
	desk.exit.length = 0;
	DESK_CODE_IS(0x0f, 0x22, 0xe3);
	desk_handle();
	assert_int_equal(desk.skipped, 7);
	assert_int_equal(desk.cr4_writes + desk.injections, 0);
}

static void xsetbv(u32 index, u64 value, u8 length)
{
	DESK_CODE_IS(0x0f, 0x01, 0xd1);
	desk.vcpu->gpr[GPR_RCX] = 0xffffffff00000000ull | index;
	desk.vcpu->gpr[GPR_RAX] = 0xffffffff00000000ull | (u32)value;
	desk.vcpu->gpr[GPR_RDX] = 0xffffffff00000000ull | value >> 32;
	desk.exit.kind = EXIT_XSETBV;
	desk.exit.length = length;
	desk_handle();
}

static void assert_faulted(u8 vector)
{
	assert_int_equal(desk.xcr0_writes + desk.skips, 0);
	assert_int_equal(desk.injections, 1);
	assert_int_equal(desk.event.vector, vector);
	assert_int_equal(desk.event.has_error, vector == VECTOR_GP);
	desk.injections = 0;
}

static void test_xsetbv(void **state)
{
	(void)state;
	if (!(cpuid(1, 0).ecx & BIT(26)))
		skip();
	desk.state.cr4 |= CR4_OSXSAVE;
	xsetbv(0, 3, 0);
	assert_int_equal(desk.xcr0, 3);
	assert_int_equal(desk.skipped, 3);
	xsetbv(0, 1, 4);
	assert_int_equal(desk.xcr0, 1);
	assert_int_equal(desk.skipped, 7);
	assert_int_equal(desk.xcr0_writes, 2);
	assert_int_equal(desk.injections, 0);
}

static void test_xsetbv_refused(void **state)
{
	(void)state;
	xsetbv(0, 1, 3); /* CR4.OSXSAVE is clear */
	assert_faulted(VECTOR_UD);
	desk.state.cr4 |= CR4_OSXSAVE;
	xsetbv(1, 1, 3);
	assert_faulted(VECTOR_GP);
	xsetbv(0, 0, 3);
	assert_faulted(VECTOR_GP);
	xsetbv(0, BIT(63) | 1, 3);
	assert_faulted(VECTOR_GP);
	xsetbv(0, BIT(9) | 1, 3); /* protection keys */
	assert_faulted(VECTOR_GP);
	desk.state.cpl = 3;
	xsetbv(0, 1, 3);
	assert_faulted(VECTOR_GP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_register), DESK_TEST(test_told),	  DESK_TEST(test_refused),
		DESK_TEST(test_changed),  DESK_TEST(test_xsetbv), DESK_TEST(test_xsetbv_refused),
		DESK_TEST(test_read),	  DESK_TEST(test_xsetbv), DESK_TEST(test_xsetbv_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
