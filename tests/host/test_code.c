// sources: hv/vm/instruction.c hv/vm/code.c hv/vm/crash.c arch/x86/decode.c arch/x86/decode_tables.c
// sources: arch/x86/decode_memory.c arch/x86/decode_address.c arch/x86/guest_walk.c hv/vm/mmio.c hv/vm/operand.c
// sources: hv/vm/access.c arch/x86/emulate.c hv/vm/memory_layout.c tests/host/guest_memory.c tests/host/exit_desk.c
/*
 * The kept page of a vCPU's code: whatever changes under it, the bytes are those of a new walk. Without the
 * comparisons in guest_code_at() each of these finds old ones.
 */
#include "tests/host/exit_desk.h"

#include "hv/vm/code.h"
#include "hv/vm/instruction.h"

#define LINEAR 0x40001000ull
#define FIRST  0x20000ull
#define SECOND 0x21000ull

static const struct guest_code *kept;

static struct guest_paging paging(void)
{
	return (struct guest_paging){desk.state.cr0, desk.state.cr3, desk.state.cr4,
				     desk.state.efer, desk.state.address_bits};
}

/* What a backend is told: 0 where nothing is known. */
static u8 known(u64 linear)
{
	struct guest_paging now = paging();
	const u8 *at = guest_code_at(kept, &now, linear);

	return at ? *at : 0;
}

/* What the hypervisor reads; the same from the page that is known then. */
static u8 read(u64 linear)
{
	const u8 *at = code_at(&desk.vm, desk.vcpu, &desk.state, linear);
	u8 byte = at ? *at : 0;

	assert_int_equal(known(linear), byte);
	return byte;
}

static int set_up(void **state)
{
	(void)desk_set_up(state);
	kept = &desk.vcpu->code;
	desk_long_mode(0);
	desk_map(LINEAR, FIRST, PTE_P);
	desk_poke(FIRST + 8, 1, 0x11);
	desk_poke(SECOND + 8, 1, 0x22);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, desk_tear_down)

/* The tables that the desk makes for LINEAR, from the root down. */
static u64 entry_of(unsigned level)
{
	u64 at = DESK_TABLES;

	for (unsigned shift = 39;; shift -= 9) {
		at += 8 * (LINEAR >> shift & 511);
		if (shift == 12 + 9 * (level - 1))
			return at;
		at = desk_peek(at, 8) & BITS(51, 12);
	}
}

static void test_is_kept(void **state)
{
	(void)state;
	assert_int_equal(known(LINEAR + 8), 0);
	assert_int_equal(read(LINEAR + 8), 0x11);
	desk_poke(FIRST + 8, 1, 0x12); /* code that changes is read as it is */
	assert_int_equal(known(LINEAR + 8), 0x12);
	assert_int_equal(known(LINEAR + PAGE_SIZE + 8), 0);
	assert_int_equal(known(LINEAR - PAGE_SIZE + 8), 0);
}

static void test_entry_changes(void **state)
{
	(void)state;
	assert_int_equal(read(LINEAR + 8), 0x11);
	desk_map(LINEAR, SECOND, PTE_P);
	assert_int_equal(known(LINEAR + 8), 0);
	assert_int_equal(read(LINEAR + 8), 0x22);
	desk_map(LINEAR, 0, 0);
	assert_int_equal(known(LINEAR + 8), 0);
	assert_int_equal(read(LINEAR + 8), 0);
}

/* Each level's entry, by itself. */
static void test_every_level(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 4; level++) {
		u64 at = entry_of(level), entry = desk_peek(at, 8);

		assert_int_equal(read(LINEAR + 8), 0x11);
		desk_poke(at, 8, entry & ~(u64)PTE_P);
		assert_int_equal(known(LINEAR + 8), 0);
		assert_int_equal(read(LINEAR + 8), 0);
		desk_poke(at, 8, entry);
	}
}

/* Another root, with other tables: the old ones are as they were. */
static void test_cr3(void **state)
{
	u64 root = 0xc0000, tables[3] = {0xc1000, 0xc2000, 0xc3000};

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		desk_poke((n ? tables[n - 1] : root) + 8 * (LINEAR >> (39 - 9 * n) & 511), 8,
			  tables[n] | PTE_P);
	desk_poke(tables[2] + 8 * (LINEAR >> 12 & 511), 8, SECOND | PTE_P);
	assert_int_equal(read(LINEAR + 8), 0x11);
	desk.state.cr3 = root;
	assert_int_equal(known(LINEAR + 8), 0);
	assert_int_equal(read(LINEAR + 8), 0x22);
}

static void test_paging_off(void **state)
{
	(void)state;
	desk_map(SECOND, FIRST, PTE_P);
	assert_int_equal(read(SECOND + 8), 0x11);
	desk.state.cr0 &= ~CR0_PG;
	desk.state.efer &= ~EFER_LMA;
	assert_int_equal(known(SECOND + 8), 0);
	assert_int_equal(read(SECOND + 8), 0x22);
	desk.state.cr0 |= CR0_PG;
	desk.state.efer |= EFER_LMA;
	assert_int_equal(read(SECOND + 8), 0x11);
}

/* Each bit that says how to walk, by itself. */
static void test_modes(void **state)
{
	static const struct {
		u64 cr0, cr4, efer;
	} rows[] = {{CR0_PG, 0, 0},
		    {0, CR4_PAE, 0},
		    {0, CR4_PSE, 0},
		    {0, CR4_LA57, 0},
		    {0, 0, EFER_LMA}};

	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
		struct vcpu_state before = desk.state;

		assert_int_equal(read(LINEAR + 8), 0x11);
		desk.state.cr0 ^= rows[n].cr0;
		desk.state.cr4 ^= rows[n].cr4;
		desk.state.efer ^= rows[n].efer;
		assert_int_equal(known(LINEAR + 8), 0);
		desk.state = before;
	}
	/* What a walk does not depend on loses nothing. */
	assert_int_equal(read(LINEAR + 8), 0x11);
	desk.state.cr0 |= BIT(3); /* TS */
	desk.state.efer |= EFER_SVME;
	desk.state.cpl = 3;
	assert_int_equal(known(LINEAR + 8), 0x11);
}

/* A large page has one entry less; the page in it that is kept is a small one. */
static void test_large_page(void **state)
{
	u64 at = entry_of(2);

	(void)state;
	desk_poke(at, 8, 0 | PTE_P | BIT(7)); /* of 2 MiB, at 0 */
	desk_poke(LINEAR % MIB(2) + 8, 1, 0x33);
	assert_int_equal(read(LINEAR + 8), 0x33);
	assert_int_equal(known(LINEAR + PAGE_SIZE), 0);
	desk_poke(at, 8, 0);
	assert_int_equal(known(LINEAR + 8), 0);
	assert_int_equal(read(LINEAR + 8), 0);
}

/* Entries of 4 bytes, of either half of a word. */
static void test_32_bit(void **state)
{
	u64 root = 0xc0000, table = 0xc1000;

	(void)state;
	desk.state.efer = desk.state.cr4 = 0;
	desk.state.cr3 = root;
	for (u64 linear = 0x400000; linear < 0x402000; linear += PAGE_SIZE) {
		u64 at = table + 4 * (linear >> 12 & 1023);

		desk_poke(root + 4 * (linear >> 22), 4, table | PTE_P);
		desk_poke(at, 4, FIRST | PTE_P);
		assert_int_equal(read(linear + 8), 0x11);
		desk_poke(at, 4, SECOND | PTE_P);
		assert_int_equal(known(linear + 8), 0);
		assert_int_equal(read(linear + 8), 0x22);
	}
}

/* Tables and code outside of RAM; five levels, which nothing is kept of. */
static void test_outside(void **state)
{
	(void)state;
	desk_map(LINEAR, DESK_RAM, PTE_P);
	assert_int_equal(read(LINEAR), 0);
	desk.state.cr3 = DESK_RAM;
	assert_int_equal(read(LINEAR), 0);
	desk.state.cr3 = DESK_TABLES;
	desk.state.cr4 |= CR4_LA57;
	assert_int_equal(read(LINEAR + 8), 0);
}

/* A page boundary within the instruction: its second part is where the tables say now. */
static void test_across_pages(void **state)
{
	static const u8 first[] = {0x0f, 0x22}, second[] = {0xe3}; /* mov cr4, rbx */

	(void)state;
	desk_map(LINEAR + PAGE_SIZE, SECOND, PTE_P);
	desk.vcpu->rip = LINEAR + PAGE_SIZE - 2;
	assert_true(vm_write(&desk.vm, gpa(FIRST + PAGE_SIZE - 2), first, 2));
	assert_true(vm_write(&desk.vm, gpa(SECOND), second, 1));
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 3);
	desk_map(LINEAR + PAGE_SIZE, 0, 0);
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 0);
	desk.vcpu->rip = LINEAR + PAGE_SIZE - 1; /* CPUID, split */
	desk_map(LINEAR + PAGE_SIZE, FIRST, PTE_P);
	desk_poke(FIRST + PAGE_SIZE - 1, 1, 0x0f);
	desk_poke(FIRST, 1, 0xa2);
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 2);
}

/* The same bytes are not decoded again, others at the same place and the same in another mode are. */
static void test_decoded(void **state)
{
	(void)state;
	desk.vcpu->rip = LINEAR;
	desk_poke(FIRST, 8, 0xa20f66);
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 3);
	desk_poke(FIRST, 8, 0xa20f);
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 2);
	desk_poke(FIRST, 8,
		  0x018b48); /* mov rax, [rcx]; in 32-bit code dec eax, which none emulates */
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 3);
	desk.state.segment[SEGMENT_CS].attributes = 0xc9b;
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 0);
	desk.state.segment[SEGMENT_CS].attributes = 0x29b;
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 3);
	desk_poke(FIRST, 8, 0x6666666666666666ull); /* what follows on prefixes */
	desk_poke(FIRST + 8, 4, 0xa20f);
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 10);
	desk_poke(FIRST + 8, 4, 0xe3220f);
	assert_int_equal(instruction_decoded_length(&desk.vm, desk.vcpu), 11);
}

static void test_closed(void **state)
{
	(void)state;
	assert_int_equal(read(LINEAR + 8), 0x11);
	code_close(desk.vcpu);
	assert_int_equal(known(LINEAR + 8), 0);
	assert_int_equal(guest_memory_closed(), BITS(5, 1));
	assert_int_equal(read(LINEAR + 8), 0x11);
	assert_int_equal(guest_memory_closed(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_is_kept),	 TEST(test_entry_changes), TEST(test_every_level),
		TEST(test_cr3),		 TEST(test_paging_off),	   TEST(test_modes),
		TEST(test_large_page),	 TEST(test_32_bit),	   TEST(test_outside),
		TEST(test_across_pages), TEST(test_decoded),	   TEST(test_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
