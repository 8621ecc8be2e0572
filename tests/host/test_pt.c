// sources: hv/base/pt.c hv/base/pool.c
/* The page-table engine: sizes of leaves, splits, pruning and refusals. */
#include "tests/host/harness.h"

#include "tests/host/pt_desk.h"

static void test_empty(void **state)
{
	(void)state;
	for (u8 levels = 1; levels <= PT_MAX_LEVELS; levels++) {
		begin(levels, ALL_SIZES);
		assert_int_equal(desk_walk(), 0);
		assert_unmapped(0);
		assert_unmapped(0x1fff);
		assert_unmapped((PAGE_SIZE << (9 * levels)) - 1);
		assert_unmapped(UINT64_MAX);
	}
}

static void test_largest_leaves_that_fit(void **state)
{
	static const struct {
		u64 address, to, size, first_leaf;
		u32 leaves;
	} cases[] = {
		{0, 0, GIB(1), GIB(1), 1},
		{GIB(3), GIB(5), GIB(2), GIB(1), 2},
		{0, MIB(2), GIB(1), MIB(2), 512},	       /* the target does not fit 1G */
		{MIB(2), 0, GIB(1), MIB(2), 512},	       /* the address does not */
		{0, 0, GIB(1) - KIB(4), MIB(2), 511 + 511},    /* the size does not */
		{0, KIB(4), MIB(2), KIB(4), 512},	       /* nor here 2M */
		{KIB(4), KIB(4), MIB(4), KIB(4), 511 + 1 + 1}, /* up to a boundary, then larger */
		{0, 0, KIB(4), KIB(4), 1},
		{GIB(1) - KIB(4), GIB(2) - KIB(4), GIB(1) + KIB(8), KIB(4), 3},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(4, ALL_SIZES);
		map(cases[i].address, cases[i].to, cases[i].size);
		assert_int_equal(desk_walk(), cases[i].leaves);
		assert_leaf(cases[i].address, cases[i].to, cases[i].first_leaf);
		assert_unmapped(cases[i].address + cases[i].size);
		unmap(cases[i].address, cases[i].size);
		assert_int_equal(pt.tables, 1);
	}
}

static void test_only_sizes_that_the_walker_knows(void **state)
{
	(void)state;
	begin(4, PT_4K | PT_2M);
	map(0, 0, GIB(1));
	assert_leaf(0, 0, MIB(2));
	begin(4, 0); /* 4K always goes */
	map(0, 0, MIB(4));
	assert_leaf(MIB(2), MIB(2), KIB(4));
	begin(4, PT_1G);
	map(0, 0, GIB(1) + MIB(2));
	assert_leaf(123, 123, GIB(1));
	assert_leaf(GIB(1), GIB(1), KIB(4));
	/* A leaf can't be larger than what a root's entry spans. */
	begin(2, ALL_SIZES);
	map(0, 0, GIB(1));
	assert_leaf(GIB(1) - 1, GIB(1) - 1, MIB(2));
	begin(1, ALL_SIZES);
	map(0, 0, MIB(2));
	assert_leaf(0, 0, KIB(4));
}

static void test_every_level_count(void **state)
{
	(void)state;
	for (u8 levels = 2; levels <= PT_MAX_LEVELS; levels++) {
		u64 top = PAGE_SIZE << (9 * levels);

		begin(levels, ALL_SIZES);
		map(top - PAGE_SIZE, 0x5000, PAGE_SIZE);
		assert_leaf(top - 1, 0x5fff, PAGE_SIZE);
		assert_int_equal(pt.tables, levels);
		assert_int_equal(pt_map(&pt, top, hpa(0), PAGE_SIZE, RW, &retired), ERR_INVALID);
		assert_int_equal(pt_unmap(&pt, top, PAGE_SIZE, &retired), ERR_INVALID);
		unmap(0, top);
		assert_int_equal(pt.tables, 1);
	}
}

static void test_entries_say_what_is_allowed(void **state)
{
	static const struct {
		const struct pt_format *format;
		u32 prot;
		u64 bits; /* of a 4K leaf */
	} cases[] = {
		{&rights_format, PT_READ, BIT(0) | 6 << 3},
		{&rights_format, PT_READ | PT_WRITE, 3 | 6 << 3},
		{&rights_format, PT_READ | PT_EXEC | PT_UNCACHED, 5},
		{&rights_format, PT_WRITE, 2 | 6 << 3},
		{&present_format, PT_READ, BIT(0) | BIT(63)},
		{&present_format, PT_READ | PT_WRITE | PT_EXEC, 3},
		{&present_format, PT_READ | PT_WRITE | PT_UNCACHED, 3 | BIT(4) | BIT(63)},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pt_leaf leaf;

		desk_begin(USABLE, cases[i].format, 4, ALL_SIZES, false);
		assert_int_equal(pt_map(&pt, 0x1000, hpa(0x7000), KIB(4), cases[i].prot, &retired),
				 OK);
		assert_int_equal(pt_map(&pt, GIB(1), hpa(0), GIB(1), cases[i].prot, &retired), OK);
		assert_true(pt_lookup(&pt, 0x1000, &leaf));
		assert_int_equal(leaf.bits, cases[i].bits);
		assert_true(pt_lookup(&pt, GIB(1), &leaf));
		assert_int_equal(leaf.bits, cases[i].bits | BIT(7));
		/* A split says the same in smaller leaves. */
		assert_int_equal(pt_unmap(&pt, GIB(1), KIB(4), &retired), OK);
		assert_true(pt_lookup(&pt, GIB(2) - 1, &leaf));
		assert_int_equal(leaf.bits, cases[i].bits | BIT(7));
		assert_true(pt_lookup(&pt, GIB(1) + KIB(4), &leaf));
		assert_int_equal(leaf.bits, cases[i].bits);
	}
}

static void test_refused_arguments(void **state)
{
	static const struct {
		u64 address, to, size;
		u32 prot;
	} cases[] = {
		{0, 0, 0, RW},
		{1, 0, KIB(4), RW},
		{0, 1, KIB(4), RW},
		{0, 0, 1, RW},
		{0, 0, KIB(4) + 1, RW},
		{BIT(48), 0, KIB(4), RW},
		{BIT(48) - KIB(4), 0, KIB(8), RW},
		{KIB(4), 0, UINT64_MAX & ~PAGE_MASK, RW},
		{UINT64_MAX & ~PAGE_MASK, 0, KIB(8), RW},
		{0, BIT(52), KIB(4), RW},
		{0, BIT(52) - KIB(4), KIB(8), RW},
		{0, UINT64_MAX & ~PAGE_MASK, KIB(8), RW},
		{0, 0, KIB(4), 0}, /* would not be present */
		{0, 0, KIB(4), PT_UNCACHED},
	};

	(void)state;
	begin(4, ALL_SIZES);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(pt_map(&pt, cases[i].address, hpa(cases[i].to), cases[i].size,
					cases[i].prot, &retired),
				 ERR_INVALID);
		assert_int_equal(pt.tables, 1);
		assert_int_equal(desk_walk(), 0);
	}
	assert_int_equal(pt_unmap(&pt, 0, 0, &retired), ERR_INVALID);
	assert_int_equal(pt_unmap(&pt, 1, KIB(4), &retired), ERR_INVALID);
	assert_int_equal(pt_unmap(&pt, BIT(48), KIB(4), &retired), ERR_INVALID);
	map(0, BIT(52) - KIB(4), KIB(4));
}

static void test_overlaps_are_refused_whole(void **state)
{
	static const struct {
		u64 address, size;
		enum status status;
	} cases[] = {
		{MIB(4), MIB(2), ERR_EXISTS},	       {0, GIB(4), ERR_EXISTS},
		{MIB(4) - KIB(4), KIB(8), ERR_EXISTS}, {MIB(6) - KIB(4), KIB(8), ERR_EXISTS},
		{MIB(5), KIB(4), ERR_EXISTS},	       {GIB(1), KIB(4), ERR_EXISTS},
		{MIB(4) - KIB(4), KIB(4), OK},	       {MIB(6), KIB(4), OK},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(4, ALL_SIZES);
		map(MIB(4), GIB(7), MIB(2));
		map(GIB(1), GIB(9), KIB(4));
		u32 tables = pt.tables;

		assert_int_equal(pt_map(&pt, cases[i].address, hpa(0), cases[i].size, RW, &retired),
				 cases[i].status);
		assert_leaf(MIB(4), GIB(7), MIB(2));
		assert_leaf(GIB(1), GIB(9), KIB(4));
		if (cases[i].status == OK)
			continue;
		assert_int_equal(desk_walk(), 2);
		assert_int_equal(pt.tables, tables);
	}
}

static void test_splits(void **state)
{
	(void)state;
	begin(4, ALL_SIZES);
	map(0, GIB(4), GIB(1));
	unmap(MIB(512) + KIB(4), KIB(4));
	assert_unmapped(MIB(512) + KIB(4));
	assert_unmapped(MIB(512) + KIB(8) - 1);
	assert_leaf(MIB(512), GIB(4) + MIB(512), KIB(4));
	assert_leaf(MIB(512) + KIB(8), GIB(4) + MIB(512) + KIB(8), KIB(4));
	assert_leaf(0, GIB(4), MIB(2));
	assert_leaf(GIB(1) - 1, GIB(5) - 1, MIB(2));
	assert_int_equal(desk_walk(), 511 + 511);
	/* What was cut out can be mapped again. */
	map(MIB(512) + KIB(4), 0x1000, KIB(4));
	assert_leaf(MIB(512) + KIB(4), 0x1000, KIB(4));
	/* A range that cuts a leaf at each end. */
	map(GIB(1), GIB(8), GIB(2));
	unmap(GIB(1) + MIB(3), GIB(2) - MIB(6));
	assert_leaf(GIB(1) + MIB(3) - 1, GIB(8) + MIB(3) - 1, KIB(4));
	assert_unmapped(GIB(1) + MIB(3));
	assert_unmapped(GIB(3) - MIB(3) - 1);
	assert_leaf(GIB(3) - MIB(3), GIB(10) - MIB(3), KIB(4));
	unmap(0, BIT(48));
	assert_int_equal(pt.tables, 1);
}

static void test_tables_that_become_empty_go(void **state)
{
	(void)state;
	begin(4, ALL_SIZES);
	map(0, 0, KIB(4));
	assert_int_equal(pt.tables, 4);
	map(KIB(8), 0, KIB(4));
	unmap(0, KIB(4));
	assert_int_equal(pt.tables, 4);
	assert_int_equal(retired.count, 0);
	unmap(KIB(8), KIB(4));
	assert_int_equal(pt.tables, 1);
	assert_int_equal(retired.count, 3);
	desk_free_retired();
	assert_int_equal(desk_pool.free_pages, USABLE - 1);
	/* In the place of the small leaves there is room for a large one. */
	map(0, 0, GIB(1));
	assert_leaf(0, 0, GIB(1));
	/* Unmapping what is not mapped is fine. */
	unmap(GIB(1), GIB(600));
	unmap(0, BIT(48));
	unmap(0, BIT(48));
	assert_int_equal(pt.tables, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_largest_leaves_that_fit),
		cmocka_unit_test(test_only_sizes_that_the_walker_knows),
		cmocka_unit_test(test_every_level_count),
		cmocka_unit_test(test_entries_say_what_is_allowed),
		cmocka_unit_test(test_refused_arguments),
		cmocka_unit_test(test_overlaps_are_refused_whole),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_tables_that_become_empty_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
