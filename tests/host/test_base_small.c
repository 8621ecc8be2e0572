/* The small parts of hv/base: names of errors, the lock. */
#include "tests/host/harness.h"

#include <pthread.h>

#include "hv/base/bits.h"
#include "hv/base/lock.h"
#include "hv/base/status.h"

#define ROUNDS 100000

static void every_status_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = OK; i <= ERR_HARDWARE; i++) {
		assert_string_not_equal(status_name((enum status)i), "unknown");
		for (int j = OK; j < i; j++)
			assert_string_not_equal(status_name((enum status)i),
						status_name((enum status)j));
	}
	assert_string_equal(status_name((enum status)(ERR_HARDWARE + 1)), "unknown");
}

static struct lock lock;
static volatile u32 shared;

static void *count(void *unused)
{
	(void)unused;
	for (u32 i = 0; i < ROUNDS; i++) {
		lock_take(&lock);
		shared = shared + 1;
		lock_release(&lock);
	}
	return NULL;
}

/* Two that would overwrite each other's sums, were they let in together. */
static void the_lock_lets_one_in(void **state)
{
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, count, NULL), 0);
	(void)count(NULL);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(shared, 2 * ROUNDS);
	assert_int_equal(lock.held, 0);
}

static void ranges_meet_by_a_byte_or_not_at_all(void **state)
{
	(void)state;
	assert_true(ranges_overlap(10, 5, 14, 1));
	assert_false(ranges_overlap(10, 5, 15, 1));
	assert_true(ranges_overlap(14, 1, 10, 5));
	assert_false(ranges_overlap(15, 1, 10, 5));
	assert_false(ranges_overlap(10, 0, 10, 5));
	assert_false(ranges_overlap(10, 5, 12, 0));
	/* Up to the last byte there is. */
	assert_true(ranges_overlap(~0ull, 1, ~0ull - 4, 5));
	assert_false(ranges_overlap(0, 1, ~0ull, 1));
	assert_true(range_within(~0ull, 1, ~0ull - 4, 5));
	assert_false(range_within(~0ull, 2, ~0ull - 4, 5));
	assert_false(range_within(9, 1, 10, 5));
	assert_false(range_within(14, 2, 10, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_name_of_its_own),
		cmocka_unit_test(the_lock_lets_one_in),
		cmocka_unit_test(ranges_meet_by_a_byte_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
