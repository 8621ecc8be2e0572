// sources: hv/base/pt.c hv/base/pool.c
/* The page-table engine and its pages: running out of them at every point, and giving all back. */
#include "tests/host/harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/pt_desk.h"

static void test_running_out_while_mapping(void **state)
{
	/* Needs tables of each level, in two branches: 4K, 2M, 1G, 2M, 4K leaves. */
	const u64 address = GIB(512) - GIB(1) - MIB(2) - KIB(4);
	const u64 size = 2 * (GIB(1) + MIB(2) + KIB(4));
	u32 usable = 1;

	(void)state;
	for (enum status status = ERR_NO_MEMORY; status != OK; usable++) {
		desk_begin(usable, &rights_format, 4, ALL_SIZES, false);
		status = pt_map(&pt, address, hpa(address), size, RW, &retired);
		desk_account(usable);
		if (status == OK)
			break;
		assert_int_equal(status, ERR_NO_MEMORY);
		assert_int_equal(desk_walk(), 0);
		assert_int_equal(pt.tables, 1);
		desk_free_retired();
		assert_int_equal(desk_pool.free_pages, usable - 1);
	}
	assert_int_equal(usable, 1 + 2 * 3);
	assert_int_equal(desk_walk(), 6);
}

static void test_a_failed_mapping_leaves_others(void **state)
{
	(void)state;
	desk_begin(5, &rights_format, 4, ALL_SIZES, false);
	assert_int_equal(pt_map(&pt, 0, hpa(0), KIB(4), RW, &retired), OK);
	assert_int_equal(pt_map(&pt, KIB(4), hpa(0), MIB(4), RW, &retired), ERR_NO_MEMORY);
	assert_int_equal(desk_walk(), 1);
	assert_leaf(0, 0, KIB(4));
	desk_account(5);
}

static void test_running_out_while_splitting(void **state)
{
	(void)state;
	for (u32 spare = 0; spare <= 2; spare++) {
		/* Root, level 3, and the table of the 4K page before the large leaf. */
		u32 usable = 4 + spare;

		desk_begin(usable, &rights_format, 4, ALL_SIZES, false);
		assert_int_equal(pt_map(&pt, GIB(1), hpa(GIB(1)), GIB(1), RW, &retired), OK);
		assert_int_equal(pt_map(&pt, GIB(1) - KIB(4), hpa(0), KIB(4), RW, &retired), OK);
		assert_int_equal(pt.tables, 4);
		assert_int_equal(pt_unmap(&pt, GIB(1) - KIB(4), KIB(8), &retired),
				 spare == 2 ? OK : ERR_NO_MEMORY);
		assert_unmapped(GIB(1) - 1);
		if (spare < 2)
			assert_leaf(GIB(1), GIB(1), spare ? MIB(2) : GIB(1));
		else
			assert_unmapped(GIB(1));
		assert_leaf(GIB(1) + KIB(4), GIB(1) + KIB(4),
			    spare == 0	 ? GIB(1)
			    : spare == 1 ? MIB(2)
					 : KIB(4));
		desk_walk();
		desk_account(usable);
	}
}

static void test_no_page_for_the_root(void **state)
{
	(void)state;
	begin(4, ALL_SIZES);
	while (pool_take(&desk_pool))
		;
	assert_int_equal(pt_init(&pt, &rights_format, &desk_pool, 4, ALL_SIZES, false),
			 ERR_NO_MEMORY);
}

static void test_destroy_gives_every_page_back(void **state)
{
	(void)state;
	for (u8 levels = 1; levels <= PT_MAX_LEVELS; levels++) {
		u64 top = PAGE_SIZE << (9 * levels);

		begin(levels, ALL_SIZES);
		map(0, 0, KIB(4));
		if (levels > 1)
			map(top - MIB(2), 0, MIB(2) - KIB(4));
		if (levels > 3)
			map(GIB(512) - GIB(3), 0, GIB(1) + MIB(2) + KIB(4));
		pt_destroy(&pt, &retired);
		assert_int_equal(pt.tables, 0);
		assert_int_equal(desk_pool.free_pages + retired.count, USABLE);
		desk_free_retired();
		assert_int_equal(desk_pool.free_pages, USABLE);
	}
}

static void test_freeing_needs_the_proof(void **state)
{
	int status = 0;

	(void)state;
	begin(4, ALL_SIZES);
	pt_free_retired(&desk_pool, &retired, (struct pt_flushed){false}); /* nothing to free */
	map(0, 0, KIB(4));
	unmap(0, KIB(4));
	pid_t child = fork();

	if (child == 0) {
		freopen("/dev/null", "w", stderr);
		pt_free_retired(&desk_pool, &retired, (struct pt_flushed){false});
		_exit(0);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running_out_while_mapping),
		cmocka_unit_test(test_a_failed_mapping_leaves_others),
		cmocka_unit_test(test_running_out_while_splitting),
		cmocka_unit_test(test_no_page_for_the_root),
		cmocka_unit_test(test_destroy_gives_every_page_back),
		cmocka_unit_test(test_freeing_needs_the_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
