// sources: hv/vm/mmio.c hv/vm/operand.c hv/vm/access.c hv/vm/instruction.c hv/vm/code.c hv/vm/crash.c
// sources: arch/x86/decode.c arch/x86/decode_tables.c arch/x86/decode_memory.c arch/x86/decode_address.c
// sources: arch/x86/emulate.c arch/x86/guest_walk.c hv/vm/memory_layout.c tests/host/guest_memory.c tests/host/exit_desk.c
#include "tests/host/exit_desk.h"

#include "tests/host/random.h"

#define LINEAR 0xffff800000001000ull /* where pages of the tests are */
#define DATA   0x20000ull

static u64 *gpr;

static int set_up(void **state)
{
	(void)desk_set_up(state);
	gpr = desk.vcpu->gpr;
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, desk_tear_down)

static void assert_access(u32 n, bool write, u64 address, u8 width, u64 value)
{
	assert_true(n < desk.access_count);
	assert_int_equal(desk.access[n].write, write);
	assert_int_equal(desk.access[n].address, address);
	assert_int_equal(desk.access[n].width, width);
	assert_int_equal(desk.access[n].value, value);
}

static void assert_done(u32 length, u32 accesses)
{
	assert_int_equal(desk.vm.end, VM_RUNNING);
	assert_int_equal(desk.injections, 0);
	assert_int_equal(desk.skipped, length);
	assert_int_equal(desk.access_count, accesses);
}

static void assert_page_fault(u64 address, u32 error)
{
	assert_int_equal(desk.vm.end, VM_RUNNING);
	assert_int_equal(desk.skips, 0);
	assert_int_equal(desk.injections, 1);
	assert_int_equal(desk.event.kind, EVENT_EXCEPTION);
	assert_int_equal(desk.event.vector, 14);
	assert_true(desk.event.has_error);
	assert_int_equal(desk.event.error, error);
	assert_int_equal(desk.event.address, address);
}

static void test_moves(void **state)
{
	(void)state;
	DESK_CODE_IS(0x89, 0x03); /* mov [ebx], eax */
	gpr[GPR_RBX] = DESK_DEVICE + 0x10;
	gpr[GPR_RAX] = 0xcafe1234;
	desk_fault(DESK_DEVICE + 0x10, true);
	assert_done(2, 1);
	assert_access(0, true, DESK_DEVICE + 0x10, 4, 0xcafe1234);
	DESK_CODE_IS(0x66, 0x8b, 0x03); /* mov ax, [ebx] */
	desk_fault(DESK_DEVICE + 0x10, false);
	assert_access(1, false, DESK_DEVICE + 0x10, 2, 0x7788);
	assert_int_equal(gpr[GPR_RAX], 0xcafe7788);
}

static void test_read_modify_write(void **state)
{
	(void)state;
	DESK_CODE_IS(0x83, 0x0b, 0x08); /* or dword [ebx], 8 */
	gpr[GPR_RBX] = DESK_DEVICE;
	desk.next_read = 0x70;
	desk_fault(DESK_DEVICE, false);
	assert_done(3, 2);
	assert_access(0, false, DESK_DEVICE, 4, 0x70);
	assert_access(1, true, DESK_DEVICE, 4, 0x78);
}

/* The exit says where it is: the guest's tables need not be walked, though here they lie. */
static void test_address_of_the_exit(void **state)
{
	(void)state;
	desk_long_mode(0);
	DESK_CODE_IS(0x89, 0x03);
	gpr[GPR_RBX] = LINEAR + 0x20;
	desk_fault(DESK_DEVICE + 0x20, true);
	assert_done(2, 1);
	assert_access(0, true, DESK_DEVICE + 0x20, 4, 0);
}

/* Without the CPU's help the tables are walked for the code, with it not even that. */
static void test_code_of_the_exit(void **state)
{
	(void)state;
	desk_long_mode(0);
	desk_map(DESK_CODE, 0, 0);
	gpr[GPR_RBX] = LINEAR;
	memcpy(desk.exit.code, (const u8[]){0x88, 0x03}, 2); /* mov [rbx], al */
	desk.exit.code_length = 2;
	gpr[GPR_RAX] = 0x5a;
	desk_fault(DESK_DEVICE, true);
	assert_done(2, 1);
	assert_access(0, true, DESK_DEVICE, 1, 0x5a);
}

/* The bytes that the CPU fetched may end within the instruction. */
static void test_code_cut_short(void **state)
{
	(void)state;
	DESK_CODE_IS(0xc7, 0x03, 1, 2, 3, 4); /* mov dword [ebx], 0x4030201 */
	memcpy(desk.exit.code, (const u8[]){0xc7, 0x03, 1}, 3);
	desk.exit.code_length = 3;
	gpr[GPR_RBX] = DESK_DEVICE;
	desk_fault(DESK_DEVICE, true);
	assert_done(6, 1);
	assert_access(0, true, DESK_DEVICE, 4, 0x04030201);
}

static void test_two_pages(void **state)
{
	(void)state;
	desk_long_mode(0);
	desk_map(LINEAR, DATA, PTE_P | PTE_W);
	desk_map(LINEAR + PAGE_SIZE, DESK_DEVICE, PTE_P | PTE_W);
	DESK_CODE_IS(0x89, 0x03);
	gpr[GPR_RBX] = LINEAR + PAGE_SIZE - 1;
	gpr[GPR_RAX] = 0x44332211;
	desk_fault(DESK_DEVICE, true);
	assert_done(2, 3);
	assert_int_equal(desk_peek(DATA + PAGE_SIZE - 1, 1), 0x11);
	for (u32 n = 0; n < 3; n++)
		assert_access(n, true, DESK_DEVICE + n, 1, 0x22 + 0x11 * n);
	desk.access_count = 0;
	desk.next_read = 0xa0;
	DESK_CODE_IS(0x48, 0x8b, 0x03); /* mov rax, [rbx] */
	gpr[GPR_RBX] = LINEAR + PAGE_SIZE - 6;
	desk_poke(DATA + PAGE_SIZE - 6, 4, 0x04030201);
	desk_poke(DATA + PAGE_SIZE - 2, 2, 0x0605);
	desk_fault(DESK_DEVICE, false);
	assert_int_equal(desk.access_count, 2);
	assert_int_equal(gpr[GPR_RAX], 0xa1a0060504030201ull);
}

/* The second page of an access is looked at before anything is done. */
static void test_second_page_missing(void **state)
{
	(void)state;
	desk_long_mode(3);
	desk_map(LINEAR, DESK_DEVICE, PTE_P | PTE_W | PTE_U);
	DESK_CODE_IS(0x89, 0x03);
	gpr[GPR_RBX] = LINEAR + PAGE_SIZE - 2;
	desk_fault(DESK_DEVICE + PAGE_SIZE - 2, true);
	assert_page_fault(LINEAR + PAGE_SIZE, 6);
	assert_int_equal(desk.access_count, 0);
}

/* --- String instructions --- */

static void string_desk(u8 cpl, u32 flags)
{
	desk_long_mode(cpl);
	desk_map(LINEAR, DESK_DEVICE, PTE_P | PTE_W | PTE_U);
	desk_map(LINEAR + PAGE_SIZE, DATA, flags);
	DESK_CODE_IS(0xf3, 0xa4); /* rep movsb */
	gpr[GPR_RSI] = LINEAR;
	gpr[GPR_RDI] = LINEAR + PAGE_SIZE;
	gpr[GPR_RCX] = 4;
	desk.next_read = 0x61;
}

static void test_string(void **state)
{
	(void)state;
	string_desk(3, PTE_P | PTE_W | PTE_U);
	desk_fault(DESK_DEVICE, false);
	assert_done(2, 4);
	assert_int_equal(desk_peek(DATA, 4), 0x64636261);
	assert_int_equal(gpr[GPR_RCX], 0);
	assert_int_equal(gpr[GPR_RSI], LINEAR + 4);
	assert_int_equal(gpr[GPR_RDI], LINEAR + PAGE_SIZE + 4);
}

/* A user's program must not have the hypervisor write where it may not itself. */
static void test_rights(void **state)
{
	static const struct {
		u8 cpl;
		u32 flags;
		u64 cr0, cr4, rflags;
		int error; /* -1: none */
	} rows[] = {
		{3, 0, CR0_WP, 0, 0, 6},
		{3, PTE_P | PTE_U, CR0_WP, 0, 0, 7},
		{3, PTE_P | PTE_U, 0, 0, 0, 7},
		{3, PTE_P | PTE_W, CR0_WP, 0, 0, 7},
		{3, PTE_P | PTE_W | PTE_U, CR0_WP, CR4_SMAP, 0, -1},
		{0, 0, CR0_WP, 0, 0, 2},
		{0, PTE_P, CR0_WP, 0, 0, 3},
		{0, PTE_P, 0, 0, 0, -1},
		{0, PTE_P | PTE_W, CR0_WP, 0, 0, -1},
		{0, PTE_P | PTE_W | PTE_U, CR0_WP, 0, 0, -1},
		{0, PTE_P | PTE_W | PTE_U, CR0_WP, CR4_SMAP, RFLAGS_AC, -1},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)desk_tear_down(state);
		(void)set_up(state);
		string_desk(rows[i].cpl, rows[i].flags);
		desk.state.cr0 = (desk.state.cr0 & ~CR0_WP) | rows[i].cr0;
		desk.state.cr4 |= rows[i].cr4;
		desk.vcpu->rflags |= rows[i].rflags;
		desk_fault(DESK_DEVICE, false);
		if (rows[i].error < 0) {
			assert_done(2, 4);
			continue;
		}
		assert_page_fault(LINEAR + PAGE_SIZE, (u32)rows[i].error);
		assert_int_equal(desk.access_count, 0);
		assert_int_equal(gpr[GPR_RCX], 4);
	}
}

static void test_smap(void **state)
{
	(void)state;
	string_desk(0, PTE_P | PTE_W | PTE_U);
	desk.state.cr4 |= CR4_SMAP;
	desk_map(LINEAR, DESK_DEVICE, PTE_P | PTE_W);
	desk_fault(DESK_DEVICE, false);
	assert_page_fault(LINEAR + PAGE_SIZE, 3);
}

/* As the CPU has it: it is no address of another page. */
static void test_reserved_bit(void **state)
{
	(void)state;
	string_desk(0, PTE_P | PTE_W);
	desk_map(LINEAR + PAGE_SIZE, BIT(45) | DESK_DEVICE, PTE_P | PTE_W);
	desk_fault(DESK_DEVICE, false);
	assert_page_fault(LINEAR + PAGE_SIZE, 0xb);
}

/* The elements before it are done, and the registers say so. */
static void test_later_element(void **state)
{
	(void)state;
	string_desk(0, PTE_P | PTE_W);
	gpr[GPR_RDI] = LINEAR + 2 * PAGE_SIZE - 3;
	desk_fault(DESK_DEVICE, false);
	assert_int_equal(desk.skips, 0);
	assert_int_equal(gpr[GPR_RCX], 1);
	assert_int_equal(desk.access_count, 3);
	assert_int_equal(desk.injections, 1);
	assert_int_equal(desk.event.address, LINEAR + 2 * PAGE_SIZE);
	assert_int_equal(desk.event.error, 2);
}

static void test_not_canonical(void **state)
{
	(void)state;
	string_desk(0, PTE_P | PTE_W);
	gpr[GPR_RDI] = 0x800000000000ull;
	desk_fault(DESK_DEVICE, false);
	assert_int_equal(desk.injections, 1);
	assert_int_equal(desk.event.vector, VECTOR_GP);
	assert_true(desk.event.has_error && desk.event.error == 0);
	assert_int_equal(desk.vm.end, VM_RUNNING);
}

/* A long one is done in pieces, so that the CPU is not held up. */
static void test_pieces(void **state)
{
	(void)state;
	DESK_CODE_IS(0xf3, 0xaa); /* rep stosb */
	gpr[GPR_RDI] = DESK_DEVICE;
	gpr[GPR_RCX] = 2000;
	desk_fault(DESK_DEVICE, true);
	assert_int_equal(desk.skips, 0);
	assert_int_equal(desk.access_count, 1024);
	assert_int_equal(gpr[GPR_RCX], 976);
	desk_fault(DESK_DEVICE + 1024, true);
	assert_int_equal(desk.skips, 1);
	assert_int_equal(desk.access_count, 2000);
}

/* Any bytes as code, any registers, any state: one of the ends that there are, within the device's page. */
static void test_random(void **state)
{
	for (u32 round = 0; round < 20000; round++) {
		u8 code[15];

		if (round % 500 == 0) {
			(void)desk_tear_down(state);
			(void)set_up(state);
		}
		desk.vm.end = VM_RUNNING;
		desk.access_count = desk.skips = desk.injections = 0;
		desk.state.cr0 = CR0_PE | (round & 1 ? CR0_PG : 0);
		desk.state.cr3 = DESK_TABLES;
		desk.state.cr4 = random_u64() & (CR4_PAE | CR4_PSE | CR4_LA57 | CR4_SMAP);
		desk.state.efer = round & 2 ? EFER_LMA : 0;
		desk.state.cpl = round & 4 ? 3 : 0;
		desk.exit.code_length = (u8)(random_u64() % 16);
		for (u32 i = 0; i < sizeof(code); i++)
			code[i] = desk.exit.code[i] = (u8)random_u64();
		desk_code(code, sizeof(code));
		for (u32 i = 0; i < GPR_COUNT; i++)
			gpr[i] = random_u64() >> (random_u64() % 64);
		gpr[GPR_RCX] &= 0xff;
		desk_fault(DESK_DEVICE + (random_u64() & PAGE_MASK), random_u64() & 1);
		assert_true(desk.skips + desk.injections + (desk.vm.end == VM_CRASHED) <= 1);
		captured_log_clear();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_moves),
		TEST(test_read_modify_write),
		TEST(test_address_of_the_exit),
		TEST(test_code_of_the_exit),
		TEST(test_code_cut_short),
		TEST(test_two_pages),
		TEST(test_second_page_missing),
		TEST(test_string),
		TEST(test_rights),
		TEST(test_smap),
		TEST(test_reserved_bit),
		TEST(test_later_element),
		TEST(test_not_canonical),
		TEST(test_pieces),
		TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
