// sources: hv/base/pool.c
/* The page pool: taking, giving, runs, chains, addresses, and what it refuses as a broken invariant. */
#include "tests/host/harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv/base/pool.h"

#define BASE_HPA 0x7654000000ull
#define PAGES	 40u /* one of them for the pool itself */
#define USABLE	 (PAGES - 1)

static _Alignas(4096) u8 memory[PAGES * PAGE_SIZE];
static struct pool pool;

static int set_up(void **state)
{
	(void)state;
	memset(memory, 0xcc, sizeof(memory));
	pool_init(&pool, memory, hpa(BASE_HPA), sizeof(memory));
	return 0;
}

/* True if the page lies in the pool's memory, aligned, past its bookkeeping. */
static bool is_pool_page(const void *page)
{
	const u8 *at = page;

	return at >= memory + PAGE_SIZE && at < memory + sizeof(memory) &&
	       is_aligned((uintptr_t)at, PAGE_SIZE);
}

static bool is_zero(const void *start, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const u8 *)start)[i])
			return false;
	return true;
}

/* True if the pool dies of it by panic(), which aborts in host builds. */
static bool panics(void (*action)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		freopen("/dev/null", "w", stderr);
		action();
		_exit(0);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_all_pages_once(void **state)
{
	u8 *page[USABLE];

	(void)state;
	assert_int_equal(pool.free_pages, USABLE);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < USABLE; i++) {
			page[i] = pool_take(&pool);
			assert_true(is_pool_page(page[i]));
			assert_true(is_zero(page[i], PAGE_SIZE));
			memset(page[i], 0xee, PAGE_SIZE); /* seen by a second owner */
			for (unsigned j = 0; j < i; j++)
				assert_ptr_not_equal(page[i], page[j]);
			assert_int_equal(pool.free_pages, USABLE - 1 - i);
		}
		assert_null(pool_take(&pool));
		assert_null(pool_take_run(&pool, 1));
		for (unsigned i = 0; i < USABLE; i++)
			pool_give(&pool, page[(i * 7 + round) % USABLE]);
		assert_int_equal(pool.free_pages, USABLE);
	}
}

static void test_a_free_page_is_not_touched(void **state)
{
	u8 *page = pool_take(&pool);
	u8 *other = pool_take(&pool);
	struct pool_chain chain = {0};

	(void)state;
	memset(page, 0x5a, PAGE_SIZE);
	pool_chain_add(&pool, &chain, other);
	pool_chain_add(&pool, &chain, page);
	pool_chain_give(&pool, &chain);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(page[i], 0x5a);
}

static void test_runs(void **state)
{
	(void)state;
	u8 *first = pool_take_run(&pool, 8);
	u8 *second = pool_take_run(&pool, USABLE - 8);

	assert_true(is_pool_page(first) && is_pool_page(second));
	assert_true(is_zero(first, 8 * PAGE_SIZE));
	assert_true(first + 8 * PAGE_SIZE <= second || second + (USABLE - 8) * PAGE_SIZE <= first);
	assert_int_equal(pool.free_pages, 0);
	assert_null(pool_take(&pool));
	pool_give_run(&pool, first, 8);
	assert_int_equal(pool.free_pages, 8);
	assert_null(pool_take_run(&pool, 9));
	assert_ptr_equal(pool_take_run(&pool, 8), first);
	pool_give_run(&pool, first, 8);
	pool_give_run(&pool, second, USABLE - 8);
	assert_non_null(pool_take_run(&pool, USABLE));
}

static void test_runs_in_fragments(void **state)
{
	u8 *page[USABLE];

	(void)state;
	for (unsigned i = 0; i < USABLE; i++)
		page[i] = pool_take(&pool);
	/* Free in disorder: every page but each fourth. */
	for (unsigned step = 3; step >= 1; step--)
		for (unsigned i = 0; i < USABLE; i++)
			if (((uintptr_t)page[i] / PAGE_SIZE) % 4 == step)
				pool_give(&pool, page[i]);
	assert_null(pool_take_run(&pool, 4));
	for (u8 *run; (run = pool_take_run(&pool, 3));) {
		assert_int_equal((uintptr_t)run / PAGE_SIZE % 4, 1);
		assert_true(is_zero(run, 3 * PAGE_SIZE));
	}
	/* The pool's ends may hold pieces of less than three. */
	u32 rest = pool.free_pages;

	assert_true(rest <= 4);
	while (rest--)
		assert_non_null(pool_take(&pool));
	assert_null(pool_take(&pool));
}

static void test_chain(void **state)
{
	struct pool_chain chain = {0};
	u8 *last = NULL;

	(void)state;
	for (unsigned i = 0; i < USABLE; i++) {
		last = pool_take(&pool);
		pool_chain_add(&pool, &chain, last);
		assert_int_equal(chain.count, i + 1);
	}
	/* Chained pages are still in use. */
	assert_null(pool_take(&pool));
	assert_int_equal(pool.free_pages, 0);
	pool_chain_give(&pool, &chain);
	assert_int_equal(pool.free_pages, USABLE);
	assert_int_equal(chain.first, 0);
	assert_int_equal(chain.count, 0);
	pool_chain_give(&pool, &chain); /* empty: nothing happens */
	assert_int_equal(pool.free_pages, USABLE);
	assert_non_null(pool_take_run(&pool, USABLE));
}

static void test_two_chains(void **state)
{
	struct pool_chain even = {0};
	struct pool_chain odd = {0};

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		pool_chain_add(&pool, i % 2 ? &odd : &even, pool_take(&pool));
	pool_chain_give(&pool, &odd);
	assert_int_equal(pool.free_pages, USABLE - 5);
	assert_int_equal(even.count, 5);
	pool_chain_give(&pool, &even);
	assert_int_equal(pool.free_pages, USABLE);
}

static void test_addresses(void **state)
{
	u8 *page = pool_take(&pool);

	(void)state;
	assert_int_equal(pool_hpa(&pool, page).v, BASE_HPA + (u64)(page - memory));
	assert_int_equal(pool_hpa(&pool, page + 123).v, BASE_HPA + (u64)(page - memory) + 123);
	assert_ptr_equal(pool_page(&pool, pool_hpa(&pool, page)), page);
	assert_ptr_equal(pool_page(&pool, hpa(BASE_HPA + sizeof(memory) - 1)),
			 memory + sizeof(memory) - 1);
}

static void test_bookkeeping_of_several_pages(void **state)
{
	/* 1024 links fit a page: 1025 pages need two. */
	static _Alignas(4096) u8 large[1026 * PAGE_SIZE];
	struct pool big;

	(void)state;
	for (u32 pages = 1023; pages <= 1026; pages++) {
		u32 kept = pages > 1024 ? 2 : 1;

		pool_init(&big, large, hpa(0), pages * PAGE_SIZE);
		assert_int_equal(big.free_pages, pages - kept);
		for (u32 i = 0; i < pages - kept; i++)
			assert_true((u8 *)pool_take(&big) >= large + kept * PAGE_SIZE);
		assert_null(pool_take(&big));
	}
}

static u8 *taken;

static void give_twice(void)
{
	pool_give(&pool, taken);
	pool_give(&pool, taken);
}

static void give_never_taken(void)
{
	pool_give(&pool, taken + PAGE_SIZE);
}

static void give_unaligned(void)
{
	pool_give(&pool, taken + 8);
}

static void give_foreign(void)
{
	pool_give(&pool, memory);
}

static void ask_for_an_address_outside(void)
{
	pool_page(&pool, hpa(BASE_HPA + sizeof(memory)));
}

static void ask_for_an_address_below(void)
{
	pool_page(&pool, hpa(BASE_HPA));
}

static void take_run_of_none(void)
{
	pool_take_run(&pool, 0);
}

static void test_broken_invariants(void **state)
{
	(void)state;
	taken = pool_take(&pool);
	assert_true(panics(give_twice));
	assert_true(panics(give_never_taken));
	assert_true(panics(give_unaligned));
	assert_true(panics(give_foreign));
	assert_true(panics(ask_for_an_address_outside));
	assert_true(panics(ask_for_an_address_below));
	assert_true(panics(take_run_of_none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_pages_once, set_up),
		cmocka_unit_test_setup(test_a_free_page_is_not_touched, set_up),
		cmocka_unit_test_setup(test_runs, set_up),
		cmocka_unit_test_setup(test_runs_in_fragments, set_up),
		cmocka_unit_test_setup(test_chain, set_up),
		cmocka_unit_test_setup(test_two_chains, set_up),
		cmocka_unit_test_setup(test_addresses, set_up),
		cmocka_unit_test_setup(test_bookkeeping_of_several_pages, set_up),
		cmocka_unit_test_setup(test_broken_invariants, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
