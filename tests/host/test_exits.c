// sources: hv/vm/exits.c hv/vm/control.c hv/vm/cpuid.c hv/vm/features.c arch/x86/guest_xcr0.c hv/vm/port_exit.c
// sources: hv/vm/mmio.c hv/vm/operand.c hv/vm/access.c hv/vm/instruction.c hv/vm/code.c hv/vm/crash.c
// sources: arch/x86/decode.c arch/x86/decode_tables.c arch/x86/decode_memory.c arch/x86/decode_address.c
// sources: arch/x86/emulate.c arch/x86/guest_walk.c tests/host/guest_memory.c hv/vm/memory_layout.c tests/host/exit_desk.c
#include "tests/host/exit_desk.h"

#include "hv/vm/exits.h"
#include "hv/vm/features.h"
#include "hv/vm/ports.h"

#define LINEAR 0xffff800000001000ull
#define DATA   0x20000ull

static u64 *gpr;

static int set_up(void **state)
{
	(void)desk_set_up(state);
	gpr = desk.vcpu->gpr;
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, desk_tear_down)

static void handle(enum vm_exit_kind kind, u8 length)
{
	desk.exit.kind = kind;
	desk.exit.length = length;
	desk_handle();
}

static void handle_io(u16 port, u8 width, bool in, bool string)
{
	desk.exit.io.port = port;
	desk.exit.io.width = width;
	desk.exit.io.in = in;
	desk.exit.io.string = string;
	handle(EXIT_IO, 0);
}

static void assert_injected(u8 vector, bool has_error, u32 error)
{
	assert_int_equal(desk.injections, 1);
	assert_int_equal(desk.event.kind, EVENT_EXCEPTION);
	assert_int_equal(desk.event.vector, vector);
	assert_int_equal(desk.event.has_error, has_error);
	assert_int_equal(desk.event.error, error);
	assert_int_equal(desk.skips, 0);
	assert_int_equal(desk.vm.end, VM_RUNNING);
}

static void test_cpuid(void **state)
{
	(void)state;
	DESK_CODE_IS(0x0f, 0xa2);
	gpr[GPR_RAX] = 0xffffffff40000000ull;
	gpr[GPR_RCX] = ~0ull;
	handle(EXIT_CPUID, 0);
	assert_int_equal(gpr[GPR_RAX], 0x40000010);
	assert_memory_equal(&gpr[GPR_RBX], "Sluice", 4);
	assert_int_equal(gpr[GPR_RCX] >> 32, 0); /* the upper halves are cleared */
	assert_int_equal(desk.skipped, 2);
	handle(EXIT_CPUID, 3); /* the CPU says how long it was */
	assert_int_equal(desk.skipped, 5);
	assert_int_equal(desk.vm.counters.exits[EXIT_CPUID], 2);
}

/* What backends answer is what the handler would, whatever ECX and CR4 are; leaf 1 and subleaves are not in it. */
static void test_cpuid_prepared(void **state)
{
	const u32 leaves[] = {0,    2,		5,	    0xb,	0x15,
			      0x16, 0x80000000, 0x80000001, 0x80000004, 0x80000008};
	const u32 others[] = {1, 4, 7, 0xd, 0x17, 0x40000000, 0x7fffffff, 0x80000009, ~0u};

	(void)state;
	features_prepare(&desk.vm, desk.vcpu);
	desk.state.cr4 = CR4_OSXSAVE;
	for (u32 i = 0; i < ARRAY_SIZE(leaves); i++)
		for (u32 subleaf = 0; subleaf < 3; subleaf++) {
			const struct cpuid *found = guest_cpuid_find(&desk.vcpu->cpuid, leaves[i]);

			assert_non_null(found);
			gpr[GPR_RAX] = leaves[i];
			gpr[GPR_RCX] = subleaf;
			handle(EXIT_CPUID, 2);
			assert_true(gpr[GPR_RAX] == found->eax && gpr[GPR_RBX] == found->ebx &&
				    gpr[GPR_RCX] == found->ecx && gpr[GPR_RDX] == found->edx);
		}
	for (u32 i = 0; i < ARRAY_SIZE(others); i++)
		assert_null(guest_cpuid_find(&desk.vcpu->cpuid, others[i]));
}

/* Prefixes do nothing to these, but are part of the instruction; and another instruction is not one of them. */
static void test_length_with_prefixes(void **state)
{
	static const struct {
		enum vm_exit_kind kind;
		u8 code[5];
		u32 length;
	} rows[] = {
		{EXIT_CPUID, {0x66, 0x0f, 0xa2}, 3},
		{EXIT_CPUID, {0xf3, 0x2e, 0x0f, 0xa2}, 4},
		{EXIT_MSR, {0x0f, 0x32}, 2},
		{EXIT_MSR, {0xf2, 0x0f, 0x32}, 3},
		{EXIT_MSR, {0x67, 0x66, 0x36, 0x0f, 0x30}, 5},
		{EXIT_DEBUG, {0x0f, 0x23, 0xf8}, 3},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		desk_code(rows[i].code, sizeof(rows[i].code));
		desk.skipped = 0;
		desk.exit.msr.index = 0x1a0;
		gpr[GPR_RAX] = 0;
		handle(rows[i].kind, 0);
		assert_int_equal(desk.skipped, rows[i].length);
	}
}

/* Beyond the CPU's last leaf Intel's give another leaf's words. */
static void test_cpuid_beyond(void **state)
{
	(void)state;
	for (u32 leaf = 0x17; leaf < 0x40; leaf++) {
		gpr[GPR_RAX] = leaf;
		gpr[GPR_RCX] = 0;
		handle(EXIT_CPUID, 2);
		assert_int_equal(gpr[GPR_RAX] | gpr[GPR_RBX] | gpr[GPR_RCX] | gpr[GPR_RDX], 0);
	}
}

static void test_msr(void **state)
{
	(void)state;
	desk.exit.msr.index = 0x277;
	desk.exit.msr.write = true;
	gpr[GPR_RAX] = 0xffffffff11111111ull;
	gpr[GPR_RDX] = 0xffffffff22222222ull;
	handle(EXIT_MSR, 2);
	assert_int_equal(desk.access[0].value, 0x2222222211111111ull);
	assert_int_equal(desk.access[0].address, 0x277);
	desk.exit.msr.write = false;
	desk.msr_value = 0x0123456789abcdefull;
	handle(EXIT_MSR, 2);
	assert_int_equal(gpr[GPR_RAX], 0x89abcdef);
	assert_int_equal(gpr[GPR_RDX], 0x01234567);
	assert_int_equal(desk.skipped, 4);
}

static void test_msr_refused(void **state)
{
	(void)state;
	desk.msr_refused = true;
	gpr[GPR_RAX] = 7;
	handle(EXIT_MSR, 2);
	assert_injected(13, true, 0);
	assert_int_equal(gpr[GPR_RAX], 7);
}

static void test_undefined(void **state)
{
	static const enum vm_exit_kind kinds[] = {EXIT_HYPERCALL, EXIT_UNDEFINED};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		desk.injections = 0;
		handle(kinds[i], 3);
		assert_injected(6, false, 0);
	}
}

static void test_privileged(void **state)
{
	(void)state;
	handle(EXIT_PRIVILEGED, 2);
	assert_injected(13, true, 0);
}

static void test_retry(void **state)
{
	(void)state;
	handle(EXIT_RETRY, 0);
	assert_int_equal(desk.skips + desk.injections + desk.vm.end, 0);
}

/* Instructions whose bytes changed since are run again. */
static void test_length_unknown(void **state)
{
	(void)state;
	DESK_CODE_IS(0x0f, 0xff);
	handle(EXIT_CPUID, 0);
	assert_int_equal(desk.skips, 0);
	assert_int_equal(desk.vm.end, VM_RUNNING);
}

static void test_ends(void **state)
{
	static const enum vm_exit_kind kinds[] = {EXIT_TASK_SWITCH, EXIT_SHUTDOWN, EXIT_INIT,
						  EXIT_INVALID, EXIT_UNKNOWN};

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		(void)desk_tear_down(state);
		(void)set_up(state);
		DESK_CODE_IS(0xcd, 0x80);
		gpr[GPR_RSP] = 0x7654;
		if (kinds[i] == EXIT_UNKNOWN)
			desk.exit.unknown.code = 0x4ff;
		if (kinds[i] == EXIT_INVALID)
			desk.exit.invalid.reason = "CR0 is odd";
		handle(kinds[i], 0);
		assert_int_equal(desk.vm.end, VM_CRASHED);
		assert_true(strlen(desk.vm.end_reason) > 5);
		assert_non_null(strstr(captured_log(), "rip 0x1000 rsp 0x7654 rflags 0x2"));
		assert_non_null(strstr(captured_log(), "cr0 0x11"));
		assert_non_null(strstr(captured_log(), "code at rip: cd 80"));
		assert_int_equal(strstr(captured_log(), "0x4ff") != NULL, kinds[i] == EXIT_UNKNOWN);
		assert_int_equal(strstr(captured_log(), "refused: CR0 is odd") != NULL,
				 kinds[i] == EXIT_INVALID);
	}
}

static void test_names(void **state)
{
	(void)state;
	for (u32 kind = 0; kind < EXIT_KINDS; kind++)
		for (u32 other = 0; other < kind; other++)
			assert_string_not_equal(exit_name((enum vm_exit_kind)kind),
						exit_name((enum vm_exit_kind)other));
}

/* --- The hypervisor's events --- */

static void test_host_event(void **state)
{
	(void)state;
	handle(EXIT_HOST_EVENT, 0);
	assert_int_equal(desk.housekeepings, 0); /* another CPU does it */
	desk.vm.shares_cpu = true;
	handle(EXIT_HOST_EVENT, 0);
	assert_int_equal(desk.housekeepings, 1);
	assert_int_equal(desk.skips, 0);
}

static void test_shadowed_halt(void **state)
{
	(void)state;
	DESK_CODE_IS(0xf4);
	handle(EXIT_HOST_EVENT, 0);
	assert_int_equal(desk.skips, 0); /* it was not reached by STI */
	desk.exit.host_event.in_shadow = true;
	handle(EXIT_HOST_EVENT, 0);
	assert_int_equal(desk.skipped, 1);
	desk.state.cpl = 3; /* there it is a #GP */
	handle(EXIT_HOST_EVENT, 0);
	assert_int_equal(desk.skipped, 1);
	desk.state.cpl = 0;
	DESK_CODE_IS(0x90);
	handle(EXIT_HOST_EVENT, 0);
	assert_int_equal(desk.skipped, 1);
}

/* --- Ports --- */

static void test_port_widths(void **state)
{
	static const struct {
		u8 width;
		u64 after;
	} rows[] = {{1, 0xaaaaaaaaaaaaaa78ull}, {2, 0xaaaaaaaaaaaa5678ull}, {4, 0x12345678ull}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		DESK_CODE_IS(0xec);
		gpr[GPR_RAX] = 0xaaaaaaaaaaaaaaaaull;
		desk.next_read = 0x12345678;
		handle_io(0x1234, rows[i].width, true, false);
		assert_int_equal(gpr[GPR_RAX], rows[i].after);
		gpr[GPR_RAX] = 0xffffffff87654321ull;
		handle_io(0x1234, rows[i].width, false, false);
		assert_int_equal(desk.access[2 * i + 1].value,
				 0x87654321 & BITS(8 * rows[i].width - 1, 0));
		assert_int_equal(desk.access[2 * i + 1].width, rows[i].width);
	}
	assert_int_equal(desk.skipped, 6);
}

static void string_desk(u8 cpl, u32 flags, bool in)
{
	desk_long_mode(cpl);
	if (flags)
		desk_map(LINEAR, DATA, flags);
	DESK_CODE_IS(0xf3, in ? 0x6d : 0x6f); /* rep insd, rep outsd */
	gpr[GPR_RSI] = gpr[GPR_RDI] = LINEAR + 8;
	gpr[GPR_RCX] = 3;
	desk.next_read = 0x100;
}

static void test_string_in(void **state)
{
	(void)state;
	string_desk(3, PTE_P | PTE_W | PTE_U, true);
	handle_io(0x300, 4, true, true);
	assert_int_equal(desk.skipped, 2);
	assert_int_equal(gpr[GPR_RCX], 0);
	assert_int_equal(gpr[GPR_RDI], LINEAR + 20);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(desk_peek(DATA + 8 + 4 * i, 4), 0x100 + i);
}

static void test_string_out(void **state)
{
	(void)state;
	string_desk(3, PTE_P | PTE_U, false);
	desk_poke(DATA + 8, 8, 0x0807060504030201ull);
	handle_io(0x300, 4, false, true);
	assert_int_equal(desk.access_count, 3);
	assert_int_equal(desk.access[0].value, 0x04030201);
	assert_int_equal(desk.access[1].value, 0x08070605);
	assert_int_equal(desk.access[2].value, 0);
	assert_int_equal(gpr[GPR_RSI], LINEAR + 20);
}

/* The port is not touched before the memory is known to be there. */
static void test_string_faults(void **state)
{
	static const struct {
		u8 cpl;
		bool in;
		u32 flags;
		u32 error;
	} rows[] = {
		{0, true, 0, 2},
		{3, true, 0, 6},
		{3, false, 0, 4},
		{0, false, 0, 0},
		{3, true, PTE_P | PTE_U, 7},
		{3, true, PTE_P | PTE_W, 7},
		{3, false, PTE_P, 5},
		{0, true, PTE_P, 3},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)desk_tear_down(state);
		(void)set_up(state);
		string_desk(rows[i].cpl, rows[i].flags, rows[i].in);
		handle_io(0x300, 4, rows[i].in, true);
		assert_injected(14, true, rows[i].error);
		assert_int_equal(desk.event.address, LINEAR + 8);
		assert_int_equal(desk.access_count, 0);
		assert_int_equal(gpr[GPR_RCX], 3);
	}
}

static void test_string_of_none(void **state)
{
	(void)state;
	string_desk(0, 0, true);
	gpr[GPR_RCX] = 0;
	handle_io(0x300, 4, true, true);
	assert_int_equal(desk.skipped, 2);
	assert_int_equal(desk.access_count + desk.injections, 0);
}

static void test_string_to_device(void **state)
{
	(void)state;
	string_desk(0, 0, true);
	desk_map(LINEAR, DESK_DEVICE, PTE_P | PTE_W);
	gpr[GPR_RCX] = 1;
	handle_io(0x300, 4, true, true);
	assert_int_equal(desk.access_count, 2);
	assert_int_equal(desk.access[1].address, DESK_DEVICE + 8);
	assert_int_equal(desk.access[1].value, 0x100);
}

/* The VM ends with the element that says so; nothing comes after. */
static void test_string_to_exit_port(void **state)
{
	(void)state;
	string_desk(0, PTE_P | PTE_W, false);
	desk_poke(DATA + 8, 4, 77);
	handle_io(VM_EXIT_PORT, 4, false, true);
	assert_int_equal(desk.vm.end, VM_EXITED);
	assert_int_equal(desk.vm.end_code, 77);
	assert_int_equal(desk.access_count, 1);
}

static void test_string_of_another_kind(void **state)
{
	(void)state;
	string_desk(0, PTE_P | PTE_W, false); /* OUTS in memory by now, INS when it exited */
	handle_io(0x300, 4, true, true);
	assert_int_equal(desk.vm.end, VM_CRASHED);
	assert_int_equal(desk.access_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cpuid),
		TEST(test_cpuid_prepared),
		TEST(test_length_with_prefixes),
		TEST(test_cpuid_beyond),
		TEST(test_msr),
		TEST(test_msr_refused),
		TEST(test_undefined),
		TEST(test_privileged),
		TEST(test_retry),
		TEST(test_length_unknown),
		TEST(test_ends),
		TEST(test_names),
		TEST(test_host_event),
		TEST(test_shadowed_halt),
		TEST(test_port_widths),
		TEST(test_string_in),
		TEST(test_string_out),
		TEST(test_string_faults),
		TEST(test_string_of_none),
		TEST(test_string_to_device),
		TEST(test_string_to_exit_port),
		TEST(test_string_of_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
