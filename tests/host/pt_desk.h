/* What the tests of the page-table engine share: two formats, a pool, and a walk over all tables. */
#ifndef TESTS_HOST_PT_DESK_H
#define TESTS_HOST_PT_DESK_H

#include "hv/base/pt.h"
#include "tests/host/harness.h"

#define ALL_SIZES (PT_4K | PT_2M | PT_1G)
#define RW	  (PT_READ | PT_WRITE)
#define USABLE	  64u /* pages in the pool, where a test does not choose */

#define DESK_HPA   0x12345600000ull
#define DESK_PAGES 2048u /* at most in the pool, its own page included */

/* As EPT has it: any right makes an entry present. */
static const struct pt_format rights_format = {
	.name = "rights",
	.present = 7,
	.address = BITS(51, 12),
	.large = BIT(7),
	.table = 7,
	.read = BIT(0),
	.write = BIT(1),
	.exec = BIT(2),
	.cached = 6 << 3,
};

/* As x86 paging has it: a present bit, and one that forbids execution. */
static const struct pt_format present_format = {
	.name = "present",
	.present = BIT(0),
	.address = BITS(51, 12),
	.large = BIT(7),
	.table = BIT(0) | BIT(1),
	.leaf = BIT(0),
	.write = BIT(1),
	.no_exec = BIT(63),
	.uncached = BIT(4),
};

static _Alignas(4096) u8 desk_memory[DESK_PAGES * PAGE_SIZE];
static struct pool desk_pool;
static struct pt pt;
static struct pool_chain retired;

/* A fresh pool of usable pages, and an empty table from one of them. */
static inline void desk_begin(u32 usable, const struct pt_format *format, u8 levels, u8 leaf_sizes,
			      bool incoherent)
{
	memset(&retired, 0, sizeof(retired));
	memset(desk_memory, 0xcc, sizeof(desk_memory));
	pool_init(&desk_pool, desk_memory, hpa(DESK_HPA), (usable + 2) * PAGE_SIZE);
	while (desk_pool.free_pages > usable)
		assert_non_null(pool_take(&desk_pool));
	assert_int_equal(pt_init(&pt, format, &desk_pool, levels, leaf_sizes, incoherent), OK);
	assert_int_equal(pt.tables, 1);
}

static inline void desk_free_retired(void)
{
	pt_free_retired(&desk_pool, &retired, (struct pt_flushed){true});
	assert_int_equal(retired.count, 0);
}

/*
 * Walks all tables: every one but the root has something in it, and their number is the one that the
 * engine keeps. Returns the number of leaves.
 */
static inline u32 desk_walk(void)
{
	u64 *table[PT_MAX_LEVELS + 1];
	unsigned index[PT_MAX_LEVELS + 1] = {0};
	u32 used[PT_MAX_LEVELS + 1] = {0};
	unsigned level = pt.levels;
	u32 tables = 1;
	u32 leaves = 0;

	table[level] = pool_page(&desk_pool, pt.root);
	while (level <= pt.levels) {
		if (index[level] == 512) {
			assert_true(level == pt.levels || used[level] > 0);
			level++;
			continue;
		}

		u64 entry = table[level][index[level]++];

		if (!(entry & pt.format->present)) {
			assert_int_equal(entry, 0);
			continue;
		}
		used[level]++;
		if (level == 1 || entry & pt.format->large) {
			leaves++;
			continue;
		}
		assert_int_equal(entry & ~pt.format->address, pt.format->table);
		tables++;
		level--;
		table[level] = pool_page(&desk_pool, hpa(entry & pt.format->address));
		index[level] = 0;
		used[level] = 0;
	}
	assert_int_equal(pt.tables, tables);
	return leaves;
}

/* All pages of the pool are free, in a table or retired. */
static inline void desk_account(u32 usable)
{
	assert_int_equal(desk_pool.free_pages + pt.tables + retired.count, usable);
}

static inline void begin(u8 levels, u8 leaf_sizes)
{
	desk_begin(USABLE, &rights_format, levels, leaf_sizes, false);
}

static inline void assert_leaf(u64 address, u64 to, u64 size)
{
	struct pt_leaf leaf = {0};

	assert_true(pt_lookup(&pt, address, &leaf));
	assert_int_equal(leaf.address.v, to);
	assert_int_equal(leaf.size, size);
}

static inline void assert_unmapped(u64 address)
{
	struct pt_leaf leaf;

	assert_false(pt_lookup(&pt, address, &leaf));
}

static inline void map(u64 address, u64 to, u64 size)
{
	assert_int_equal(pt_map(&pt, address, hpa(to), size, RW, &retired), OK);
	desk_walk();
	desk_account(USABLE);
}

static inline void unmap(u64 address, u64 size)
{
	assert_int_equal(pt_unmap(&pt, address, size, &retired), OK);
	desk_walk();
	desk_account(USABLE);
}

#endif
