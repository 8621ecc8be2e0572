// sources: arch/x86/guest_walk.c
#include "tests/host/harness.h"

#include "arch/x86/guest_walk.h"
#include "arch/x86/msr.h"
#include "hv/base/bits.h"

/* The guest's memory: 16 pages, and nothing else. */
#define MEMORY_BASE 0x100000ull
#define MEMORY_SIZE (16 * PAGE_SIZE)
#define TABLE(n)    (MEMORY_BASE + (n)*PAGE_SIZE)

#define P   BIT(0)
#define RW  BIT(1)
#define US  BIT(2)
#define PS  BIT(7)
#define NX  BIT(63)
#define ALL (P | RW | US)

static const struct guest_paging unpaged = {.cr0 = CR0_PE};
static const struct guest_paging paging_32 = {.cr0 = CR0_PE | CR0_PG, .cr3 = TABLE(0) | 0x18};
static const struct guest_paging paging_32_pse = {
	.cr0 = CR0_PE | CR0_PG, .cr3 = TABLE(0), .cr4 = CR4_PSE};
/* The four top entries lie in the middle of a page. */
static const struct guest_paging paging_pae = {.cr0 = CR0_PE | CR0_PG,
					       .cr3 = TABLE(0) + 0x7e0,
					       .cr4 = CR4_PAE | CR4_PSE,
					       .efer = EFER_NXE,
					       .address_bits = 52};
static const struct guest_paging paging_4_level = {.cr0 = CR0_PE | CR0_PG,
						   .cr3 = TABLE(0) | 0xfff, /* a PCID is ignored */
						   .cr4 = CR4_PAE,
						   .efer = EFER_LME | EFER_LMA | EFER_NXE,
						   .address_bits = 52};
static const struct guest_paging paging_5_level = {.cr0 = CR0_PE | CR0_PG,
						   .cr3 = TABLE(0),
						   .cr4 = CR4_PAE | CR4_LA57,
						   .efer = EFER_LME | EFER_LMA | EFER_NXE,
						   .address_bits = 52};

struct guest {
	u8 memory[MEMORY_SIZE];
	unsigned reads;
	struct guest_reader reader;
	struct guest_translation got;
};

static bool read_guest(void *context, gpa_t address, u8 width, u64 *value)
{
	struct guest *guest = context;

	guest->reads++;
	assert_true(width == 4 || width == 8);
	assert_true(is_aligned(address.v, width));
	if (!range_within(address.v, width, MEMORY_BASE, MEMORY_SIZE))
		return false;
	*value = 0;
	memcpy(value, guest->memory + (address.v - MEMORY_BASE), width);
	return true;
}

static void put_entry(struct guest *guest, u64 table, unsigned index, u8 width, u64 entry)
{
	memcpy(guest->memory + (table - MEMORY_BASE) + (u64)index * width, &entry, width);
}

static void put_32(struct guest *guest, u64 table, unsigned index, u32 entry)
{
	put_entry(guest, table, index, 4, entry);
}

static void put_64(struct guest *guest, u64 table, unsigned index, u64 entry)
{
	put_entry(guest, table, index, 8, entry);
}

static enum status walk(struct guest *guest, const struct guest_paging *paging, u64 linear)
{
	guest->reads = 0;
	memset(&guest->got, 0xee, sizeof(guest->got));
	return guest_walk(paging, linear, &guest->reader, &guest->got);
}

static void expect(struct guest *guest, const struct guest_paging *paging, u64 linear, u64 address,
		   u64 page_size)
{
	assert_int_equal(walk(guest, paging, linear), OK);
	assert_int_equal(guest->got.address.v, address);
	assert_int_equal(guest->got.page_size, page_size);
}

static void expect_rights(const struct guest *guest, bool writable, bool user, bool executable)
{
	assert_int_equal(guest->got.writable, writable);
	assert_int_equal(guest->got.user, user);
	assert_int_equal(guest->got.executable, executable);
}

static int set_up(void **state)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	guest->reader = (struct guest_reader){read_guest, guest};
	*state = guest;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void without_paging_addresses_are_the_same(void **state)
{
	struct guest *guest = *state;

	expect(guest, &unpaged, 0xfee00300, 0xfee00300, PAGE_SIZE);
	expect_rights(guest, true, true, true);
	assert_int_equal(guest->reads, 0);
	assert_int_equal(walk(guest, &unpaged, GIB(4)), ERR_INVALID);
}

static void two_levels_of_32_bits(void **state)
{
	struct guest *guest = *state;

	put_32(guest, TABLE(0), 0x3fb, TABLE(1) | ALL);
	put_32(guest, TABLE(1), 0x200, 0xfee00000 | ALL | 0xf80); /* global, PAT, available */
	expect(guest, &paging_32, 0xfee00300, 0xfee00300, PAGE_SIZE);
	put_32(guest, TABLE(1), 0x201, 0x12345000 | P);
	expect(guest, &paging_32, 0xfee01abc, 0x12345abc, PAGE_SIZE);
	expect_rights(guest, false, false, true);
	assert_int_equal(guest->reads, 2);
	assert_int_equal(walk(guest, &paging_32, 0xfee02000), ERR_NOT_FOUND);
	assert_int_equal(walk(guest, &paging_32, 0x00001000), ERR_NOT_FOUND);
	assert_int_equal(walk(guest, &paging_32, 0x1fee00300), ERR_INVALID);
}

static void pages_of_4_mib_need_pse(void **state)
{
	struct guest *guest = *state;

	/* Address bits 31:22 are 0x2c0, and 39:32 are 0xa5. */
	put_32(guest, TABLE(0), 1, 0xb0000000 | 0xa5u << 13 | PS | P | RW);
	expect(guest, &paging_32_pse, 0x00723456, 0xa5b0323456, MIB(4));
	expect_rights(guest, true, false, true);
	/* Without PSE it is a table; outside of memory. */
	assert_int_equal(walk(guest, &paging_32, 0x00723456), ERR_INVALID);
	put_32(guest, TABLE(0), 1, TABLE(3) | PS | ALL);
	put_32(guest, TABLE(3), 0x323, 0x00777000 | ALL);
	expect(guest, &paging_32, 0x00723456, 0x00777456, PAGE_SIZE);
}

static void pae(void **state)
{
	struct guest *guest = *state;
	u64 top = TABLE(0) + 0x7e0;

	/* Entries of the top level have no permission bits. */
	put_64(guest, top, 3, TABLE(1) | P);
	put_64(guest, TABLE(1), 0x1f7, TABLE(2) | ALL);
	put_64(guest, TABLE(2), 0, 0xf345678000 | ALL | NX);
	expect(guest, &paging_pae, 0xfee00fff, 0xf345678fff, PAGE_SIZE);
	expect_rights(guest, true, true, false);
	assert_int_equal(guest->reads, 3);

	put_64(guest, TABLE(1), 1, 0x8000200000 | PS | P | US | BIT(12));
	expect(guest, &paging_pae, 0xc0312345, 0x8000312345, MIB(2));
	expect_rights(guest, false, true, true);

	/* PS in the top level is reserved, and no gigabyte. */
	put_64(guest, top, 0, TABLE(1) | P | PS);
	expect(guest, &paging_pae, 0x00312345, 0x8000312345, MIB(2));
	assert_int_equal(walk(guest, &paging_pae, 0x40000000), ERR_NOT_FOUND);
	assert_int_equal(walk(guest, &paging_pae, GIB(4)), ERR_INVALID);
}

static void no_execute_counts_only_if_enabled(void **state)
{
	struct guest *guest = *state;
	struct guest_paging paging = paging_pae;

	put_64(guest, TABLE(0) + 0x7e0, 0, TABLE(1) | P);
	put_64(guest, TABLE(1), 0, MIB(2) | PS | P | NX);
	expect(guest, &paging, 0, MIB(2), MIB(2));
	expect_rights(guest, false, false, false);
	/* Else it is reserved. */
	paging.efer = 0;
	assert_int_equal(walk(guest, &paging, 0), ERR_UNSUPPORTED);
	put_64(guest, TABLE(1), 0, MIB(2) | PS | P);
	expect(guest, &paging, 0, MIB(2), MIB(2));
	expect_rights(guest, false, false, true);
}

static void four_levels(void **state)
{
	struct guest *guest = *state;
	/* Indices 0x1ff, 0x1fe, 0x123, 0x045. */
	u64 linear = 0xffffffffa4645678;

	put_64(guest, TABLE(0), 0x1ff, TABLE(1) | ALL);
	put_64(guest, TABLE(1), 0x1fe, TABLE(2) | ALL);
	put_64(guest, TABLE(2), 0x123, TABLE(3) | ALL);
	put_64(guest, TABLE(3), 0x045, 0xffffffffff000 | ALL);
	expect(guest, &paging_4_level, linear, 0xffffffffff678, PAGE_SIZE);
	expect_rights(guest, true, true, true);
	assert_int_equal(guest->reads, 4);

	put_64(guest, TABLE(2), 0x123, 0x40000000 | PS | ALL | BIT(12));
	expect(guest, &paging_4_level, linear, 0x40045678, MIB(2));
	put_64(guest, TABLE(1), 0x1fe, GIB(3) | PS | ALL | BIT(12));
	expect(guest, &paging_4_level, linear, GIB(3) + 0x24645678, GIB(1));
	assert_int_equal(guest->reads, 2);

	/* PS in the top level is reserved, and no 512 GiB. */
	put_64(guest, TABLE(0), 0x1ff, TABLE(1) | ALL | PS);
	assert_int_equal(walk(guest, &paging_4_level, linear), ERR_UNSUPPORTED);
}

static void expect_reserved(struct guest *guest, const struct guest_paging *paging, u64 table,
			    u64 entry)
{
	put_64(guest, table, 0, entry);
	assert_int_equal(walk(guest, paging, 0), ERR_UNSUPPORTED);
	assert_int_equal(guest->got.address.v, 0xeeeeeeeeeeeeeeee);
	/* What is not there has no bits that are reserved. */
	put_64(guest, table, 0, entry & ~P);
	assert_int_equal(walk(guest, paging, 0), ERR_NOT_FOUND);
}

/* APM volume 2, figures 5-9 to 5-25: by level, and by the width of addresses. */
static void reserved_bits_fault(void **state)
{
	struct guest *guest = *state;
	struct guest_paging paging = paging_5_level;

	paging.address_bits = 40;
	for (unsigned level = 0; level < 5; level++) {
		u64 good = (level < 4 ? TABLE(level + 1) : BITS(39, 12)) | ALL;

		for (unsigned bit = 40; bit < 52; bit++)
			expect_reserved(guest, &paging, TABLE(level), good | BIT(bit));
		if (level < 2)
			expect_reserved(guest, &paging, TABLE(level), good | PS);
		put_64(guest, TABLE(level), 0, good | BITS(62, 52) | BITS(11, 8));
	}
	expect(guest, &paging, 0, BITS(39, 12), PAGE_SIZE);
	for (unsigned bit = 13; bit < 30; bit++) {
		expect_reserved(guest, &paging, TABLE(2), PS | ALL | BIT(bit));
		put_64(guest, TABLE(2), 0, TABLE(3) | ALL);
		if (bit < 21)
			expect_reserved(guest, &paging, TABLE(3), PS | ALL | BIT(bit));
	}
	paging = paging_pae;
	put_64(guest, TABLE(0) + 0x7e0, 0, TABLE(1) | P);
	for (unsigned bit = 52; bit < 63; bit++)
		expect_reserved(guest, &paging, TABLE(1), MIB(2) | PS | ALL | BIT(bit));
}

static void each_level_takes_rights_away(void **state)
{
	struct guest *guest = *state;
	u64 entries[4] = {TABLE(1) | ALL, TABLE(2) | ALL, TABLE(3) | ALL, 0x5000 | ALL};

	for (unsigned level = 0; level < 4; level++) {
		for (unsigned i = 0; i < 4; i++)
			put_64(guest, TABLE(i), 0, entries[i]);
		put_64(guest, TABLE(level), 0, entries[level] & ~RW);
		expect(guest, &paging_4_level, 0x123, 0x5123, PAGE_SIZE);
		expect_rights(guest, false, true, true);
		put_64(guest, TABLE(level), 0, entries[level] & ~US);
		expect(guest, &paging_4_level, 0x123, 0x5123, PAGE_SIZE);
		expect_rights(guest, true, false, true);
		put_64(guest, TABLE(level), 0, entries[level] | NX);
		expect(guest, &paging_4_level, 0x123, 0x5123, PAGE_SIZE);
		expect_rights(guest, true, true, false);
		put_64(guest, TABLE(level), 0, entries[level] & ~P);
		assert_int_equal(walk(guest, &paging_4_level, 0x123), ERR_NOT_FOUND);
		put_64(guest, TABLE(level), 0, 0);
		assert_int_equal(walk(guest, &paging_4_level, 0x123), ERR_NOT_FOUND);
	}
}

static void five_levels(void **state)
{
	struct guest *guest = *state;
	/* Index 0x001 at the top: not canonical with four levels. */
	u64 linear = 0x0001000000000000 + 0x123;

	put_64(guest, TABLE(0), 1, TABLE(1) | ALL);
	put_64(guest, TABLE(1), 0, TABLE(2) | ALL);
	put_64(guest, TABLE(2), 0, TABLE(3) | ALL);
	put_64(guest, TABLE(3), 0, TABLE(4) | ALL);
	put_64(guest, TABLE(4), 0, 0x7000 | ALL);
	expect(guest, &paging_5_level, linear, 0x7123, PAGE_SIZE);
	assert_int_equal(guest->reads, 5);
	assert_int_equal(walk(guest, &paging_4_level, linear), ERR_INVALID);
}

static void addresses_have_to_be_canonical(void **state)
{
	struct guest *guest = *state;

	assert_int_equal(walk(guest, &paging_4_level, 0x00007fffffffffff), ERR_NOT_FOUND);
	assert_int_equal(walk(guest, &paging_4_level, 0x0000800000000000), ERR_INVALID);
	assert_int_equal(walk(guest, &paging_4_level, 0xffff7fffffffffff), ERR_INVALID);
	assert_int_equal(walk(guest, &paging_4_level, 0xffff800000000000), ERR_NOT_FOUND);
	assert_int_equal(walk(guest, &paging_5_level, 0x00ffffffffffffff), ERR_NOT_FOUND);
	assert_int_equal(walk(guest, &paging_5_level, 0x0100000000000000), ERR_INVALID);
	assert_int_equal(walk(guest, &paging_5_level, 0xfeffffffffffffff), ERR_INVALID);
	assert_int_equal(walk(guest, &paging_5_level, 0xff00000000000000), ERR_NOT_FOUND);
}

/* A table that points to itself ends after as many reads as there are levels. */
static void loops_end(void **state)
{
	struct guest *guest = *state;

	put_64(guest, TABLE(0), 0, TABLE(0) | ALL);
	expect(guest, &paging_5_level, 0x123, TABLE(0) + 0x123, PAGE_SIZE);
	assert_int_equal(guest->reads, 5);
}

static void tables_have_to_be_in_memory(void **state)
{
	struct guest *guest = *state;
	struct guest_paging paging = paging_4_level;

	put_64(guest, TABLE(0), 0, (MEMORY_BASE + MEMORY_SIZE) | ALL);
	assert_int_equal(walk(guest, &paging, 0), ERR_INVALID);
	assert_int_equal(guest->got.address.v, 0xeeeeeeeeeeeeeeee);
	paging.cr3 = ~0ull;
	assert_int_equal(walk(guest, &paging, 0), ERR_INVALID);
	assert_int_equal(guest->reads, 1);
}

#define WALK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WALK_TEST(without_paging_addresses_are_the_same),
		WALK_TEST(two_levels_of_32_bits),
		WALK_TEST(pages_of_4_mib_need_pse),
		WALK_TEST(pae),
		WALK_TEST(no_execute_counts_only_if_enabled),
		WALK_TEST(four_levels),
		WALK_TEST(reserved_bits_fault),
		WALK_TEST(each_level_takes_rights_away),
		WALK_TEST(five_levels),
		WALK_TEST(addresses_have_to_be_canonical),
		WALK_TEST(loops_end),
		WALK_TEST(tables_have_to_be_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
