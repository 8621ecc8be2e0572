// sources: arch/x86/guest_xcr0.c
#include "tests/host/harness.h"

#include "arch/x86/guest_xcr0.h"

/* Every value of the low 8 bits, against the rules one by one (SDM volume 1, 13.3). */
static void test_combinations(void **state)
{
	(void)state;
	for (u64 value = 0; value < 256; value++) {
		bool x87 = value & 1, sse = value & 2, avx = value & 4;
		u64 avx512 = value >> 5;
		bool valid = x87 && (!avx || sse) && (avx512 == 0 || (avx512 == 7 && avx)) &&
			     !(value & 0x18);

		assert_int_equal(guest_xcr0_is_valid(GUEST_XCR0_KNOWN, value), valid);
	}
}

/* What the CPU does not have, and what guests are not shown. */
static void test_not_there(void **state)
{
	(void)state;
	assert_true(guest_xcr0_is_valid(3, 3));
	assert_false(guest_xcr0_is_valid(3, 7));
	assert_true(guest_xcr0_is_valid(7, 7));
	assert_false(guest_xcr0_is_valid(7, 0xe7));
	assert_false(guest_xcr0_is_valid(0, 1));
	for (unsigned bit = 8; bit < 64; bit++)
		assert_false(guest_xcr0_is_valid(GUEST_XCR0_KNOWN, 1ull << bit | 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
