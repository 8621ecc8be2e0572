// sources: arch/x86/vmx/ept.c arch/x86/mtrr.c hv/base/pt.c hv/base/pool.c
#include "tests/host/harness.h"

#include "arch/x86/mtrr.h"
#include "arch/x86/vmx/ept.h"
#include "hv/base/bits.h"

#define POOL_HPA 0x12345600000ull
#define TARGET	 0x8040000000ull

static struct pt pt;
static struct pool pool;
static struct pool_chain retired;
static _Alignas(4096) u8 memory[16 * PAGE_SIZE];

static int set_up(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	pool_init(&pool, memory, hpa(POOL_HPA), sizeof(memory));
	return pt_init(&pt, &ept_format, &pool, 4, PT_4K | PT_2M | PT_1G, false);
}

static u64 entry_at(hpa_t table, u64 address, unsigned level)
{
	const u64 *entries = pool_page(&pool, table);

	return entries[address >> (12 + 9 * (level - 1)) & 511];
}

/* The entries on the way to address, from the root down; the last one is the leaf. */
static unsigned walk(u64 address, u64 entry[4])
{
	hpa_t table = pt.root;

	for (unsigned level = 4, n = 0;; level--, n++) {
		entry[n] = entry_at(table, address, level);
		if (level == 1 || entry[n] & 0x80 || !(entry[n] & 7))
			return n;
		table = hpa(entry[n] & 0xffffffffff000);
	}
}

/* Numbers of the manual's tables 28-1 to 28-6. */
static void test_entries(void **state)
{
	static const struct {
		u32 prot;
		u64 bits;
	} rows[] = {
		{PT_READ | PT_WRITE | PT_EXEC, 0xb37},
		{PT_READ | PT_WRITE, 0xb33},
		{PT_READ, 0xb31},
		{PT_READ | PT_EXEC, 0xb35},
		{PT_READ | PT_WRITE | PT_UNCACHED, 0xb03},
	};
	u64 entry[4];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 at = GIB(600) + i * PAGE_SIZE;

		assert_int_equal(pt_map(&pt, at, hpa(TARGET), PAGE_SIZE, rows[i].prot, &retired),
				 OK);
		assert_int_equal(walk(at, entry), 3);
		for (unsigned n = 0; n < 3; n++)
			assert_int_equal(entry[n] & ~0xffffffffff000, 0x107);
		assert_int_equal(entry[3], TARGET | rows[i].bits);
	}
	assert_int_equal(pt_map(&pt, 0, hpa(TARGET), GIB(1), PT_READ, &retired), OK);
	assert_int_equal(walk(0, entry), 1);
	assert_int_equal(entry[1], TARGET | 0xbb1);
	assert_int_equal(pt_map(&pt, GIB(1), hpa(TARGET), MIB(2), PT_READ, &retired), OK);
	assert_int_equal(walk(GIB(1), entry), 2);
	assert_int_equal(entry[2], TARGET | 0xbb1);
}

/* Table 24-9: 5e is what everybody's is, write-back, four levels, accessed and dirty bits. */
static void test_pointer(void **state)
{
	hpa_t root = hpa(0x123456789000);

	(void)state;
	assert_int_equal(ept_pointer_make(root, 4, true, true), 0x12345678905e);
	assert_int_equal(ept_pointer_make(root, 4, true, false), 0x12345678901e);
	assert_int_equal(ept_pointer_make(root, 4, false, true), 0x123456789058);
	assert_int_equal(ept_pointer_make(root, 5, true, true), 0x123456789066);
	assert_int_equal(ept_pointer_make(root, 3, false, false), 0x123456789010);
}

/* A hole from 1 GiB to 1.5 GiB. */
void mtrr_read(struct mtrr_words *words)
{
	*words = (struct mtrr_words){
		.capabilities = 2,
		.default_type = 0x806,
		.variable = {{GIB(1), 0xfffe0000800}},
		.address_bits = 44,
	};
}

static void test_memory_runs(void **state)
{
	bool cached = false;

	(void)state;
	assert_int_equal(ept_memory_run(hpa(MIB(512)), GIB(4), &cached), MIB(512));
	assert_true(cached);
	assert_int_equal(ept_memory_run(hpa(GIB(1)), GIB(4), &cached), MIB(512));
	assert_false(cached);
	assert_int_equal(ept_memory_run(hpa(GIB(1) + MIB(512)), GIB(4), &cached), GIB(4));
	assert_true(cached);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_entries),
		TEST(test_pointer),
		TEST(test_memory_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
