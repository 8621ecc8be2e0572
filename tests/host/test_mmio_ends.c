// sources: hv/vm/mmio.c hv/vm/operand.c hv/vm/access.c hv/vm/instruction.c hv/vm/code.c hv/vm/crash.c
// sources: arch/x86/decode.c arch/x86/decode_tables.c arch/x86/decode_memory.c arch/x86/decode_address.c
// sources: arch/x86/emulate.c arch/x86/guest_walk.c hv/vm/memory_layout.c tests/host/guest_memory.c tests/host/exit_desk.c
#include "tests/host/exit_desk.h"

#define LAPIC_PAGE 0xfee00000ull

static u64 *gpr;

static int set_up(void **state)
{
	(void)desk_set_up(state);
	gpr = desk.vcpu->gpr;
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, desk_tear_down)

/* --- What can't be --- */

static void assert_crashed(const char *reason)
{
	assert_int_equal(desk.vm.end, VM_CRASHED);
	assert_string_equal(desk.vm.end_reason, reason);
	assert_int_equal(desk.skips + desk.injections + desk.access_count, 0);
	assert_non_null(strstr(captured_log(), "rip 0x1000"));
	assert_non_null(strstr(captured_log(), "cr3"));
}

static void test_stops(void **state)
{
	(void)state;
	DESK_CODE_IS(0x0f, 0x29, 0x03); /* movaps [ebx], xmm0 */
	desk_fault(DESK_DEVICE, true);
	assert_crashed("an instruction on device registers that is not emulated");
	assert_non_null(strstr(captured_log(), "code at rip: 0f 29 03 00"));
	assert_non_null(strstr(captured_log(), "0xd0000000 (write)"));
}

static void test_stops_without_code(void **state)
{
	(void)state;
	desk.exit.nested.execute = true;
	desk_fault(0x40000000, false);
	assert_crashed("code outside of its memory");
}

static void test_stops_on_tables(void **state)
{
	(void)state;
	desk.exit.nested.table_walk = true;
	desk_fault(0x40000000, true);
	assert_crashed("page tables outside of its memory");
}

/* The instruction at rip is not the one that made the access. */
static void test_stops_in_delivery(void **state)
{
	(void)state;
	DESK_CODE_IS(0x89, 0x03);
	gpr[GPR_RBX] = DESK_DEVICE;
	desk.exit.nested.in_delivery = true;
	desk_fault(DESK_DEVICE, true);
	assert_crashed("an interrupt or exception met a stack or table outside of its memory");
}

static void test_code_unreadable(void **state)
{
	(void)state;
	desk.vcpu->rip = 0x1000;
	desk_long_mode(0);
	desk_map(DESK_CODE, 0, 0);
	desk_fault(DESK_DEVICE, true);
	assert_crashed("an instruction on device registers that is not emulated");
	assert_non_null(strstr(captured_log(), "none that can be read"));
}

/* --- Where accesses go --- */

static void test_local_apic(void **state)
{
	(void)state;
	for (u32 offset = 0; offset <= PAGE_SIZE - 8; offset++) {
		u32 before = desk.apic_accesses;

		gpr[GPR_RBX] = LAPIC_PAGE + offset;
		DESK_CODE_IS(0x8b, 0x03);
		desk_fault(LAPIC_PAGE + offset, false);
		assert_int_equal(gpr[GPR_RAX], offset % 16 ? 0 : offset);
		DESK_CODE_IS(0x88, 0x03); /* a byte */
		desk_fault(LAPIC_PAGE + offset, true);
		assert_int_equal(desk.apic_accesses - before, offset % 16 ? 0 : 1);
	}
	assert_int_equal(desk.access_count, 0);
}

static void test_io_apic(void **state)
{
	(void)state;
	gpr[GPR_RBX] = VIOAPIC_BASE + 0x10;
	DESK_CODE_IS(0x8b, 0x03);
	desk_fault(VIOAPIC_BASE + 0x10, false);
	assert_int_equal(gpr[GPR_RAX], 0x10a91c10);
	DESK_CODE_IS(0x88, 0x03);
	desk_fault(VIOAPIC_BASE + 0x10, true);
	assert_int_equal(desk.access_count, 0);
	DESK_CODE_IS(0x89, 0x03);
	desk_fault(VIOAPIC_BASE + 0x10, true);
	assert_int_equal(desk.access_count, 1);
	assert_true(desk.access[0].write);
	assert_int_equal(desk.access[0].address, VIOAPIC_BASE + 0x10);
	assert_int_equal(desk.access[0].width, 4);
	assert_int_equal(desk.access[0].value, 0x10a91c10);
}

static void test_nothing_there(void **state)
{
	static const u64 places[] = {0x40000000, 0xe0000, DESK_DEVICE + PAGE_SIZE, 0xfed90000,
				     0xfffffffc};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i] < DESK_RAM)
			continue;
		gpr[GPR_RBX] = places[i];
		gpr[GPR_RAX] = 0;
		DESK_CODE_IS(0x8b, 0x03);
		desk_fault(places[i], false);
		assert_int_equal(gpr[GPR_RAX], 0xffffffff);
		DESK_CODE_IS(0x89, 0x03);
		desk_fault(places[i], true);
	}
	assert_int_equal(desk.access_count, 0);
	assert_int_equal(desk.vm.end, VM_RUNNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stops),	    TEST(test_stops_without_code),
		TEST(test_stops_on_tables), TEST(test_stops_in_delivery),
		TEST(test_code_unreadable), TEST(test_local_apic),
		TEST(test_io_apic),	    TEST(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
