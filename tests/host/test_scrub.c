// sources: hv/vm/scrub.c
#include "tests/host/harness.h"

#include "arch/x86/paging.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/scrub.h"

/* Clearing memory: all of it and no more, and what else is to be done meanwhile. */

#define PAGES 1700 /* three pieces and part of a fourth */
#define FILL  0x5a

static u8 memory[(PAGES + 2) * PAGE_SIZE];
static u64 at_a_stretch, longest; /* bytes */
static u32 windows, calls;

void *paging_window(u32 index, hpa_t address)
{
	assert_int_equal(index, 0);
	assert_true(range_within(address.v, PAGE_SIZE, 0, sizeof(memory)));
	windows = 1;
	at_a_stretch += PAGE_SIZE;
	longest = max_u64(longest, at_a_stretch);
	return memory + address.v;
}

void paging_window_end(u32 index)
{
	assert_int_equal(index, 0);
	windows = 0;
}

/* What it does may need the windows. */
void housekeeping(void)
{
	assert_int_equal(windows, 0);
	at_a_stretch = 0;
	calls++;
}

static void test_all_of_it(void **state)
{
	(void)state;
	memset(memory, FILL, sizeof(memory));
	scrub(hpa(PAGE_SIZE), PAGES * PAGE_SIZE);
	for (size_t i = 0; i < sizeof(memory); i++)
		assert_int_equal(memory[i], i / PAGE_SIZE % (PAGES + 1) ? 0 : FILL);
}

static void test_meanwhile(void **state)
{
	(void)state;
	longest = at_a_stretch = calls = 0;
	scrub(hpa(0), PAGES * PAGE_SIZE);
	assert_int_equal(longest, HOUSEKEEPING_PIECE);
	assert_int_equal(calls, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
