// sources: arch/x86/guest_cr4.c
#include "tests/host/harness.h"

#include "arch/x86/guest_cr4.h"
#include "arch/x86/msr.h"
#include "hv/base/bits.h"

#define ALL ~0ull

static const struct vcpu_state protected_mode = {.cr0 = CR0_PE};
static const struct vcpu_state long_mode = {
	.cr0 = CR0_PE | CR0_PG,
	.cr3 = 0x123000,
	.cr4 = CR4_PAE,
	.efer = EFER_LME | EFER_LMA,
};

static void test_allowed(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		bool takes_long_mode = BIT(bit) == CR4_PCIDE;

		assert_int_equal(guest_cr4_is_valid(&protected_mode, BIT(bit), BIT(bit)),
				 !takes_long_mode);
		assert_false(guest_cr4_is_valid(&protected_mode, ~BIT(bit), BIT(bit)));
		assert_false(guest_cr4_is_valid(&long_mode, ~BIT(bit), CR4_PAE | BIT(bit)));
	}
}

/* PAE and LA57 are the shape of the tables that the CPU is using. */
static void test_long_mode(void **state)
{
	struct vcpu_state five_levels = long_mode;

	(void)state;
	five_levels.cr4 |= CR4_LA57;
	assert_true(guest_cr4_is_valid(&long_mode, ALL, CR4_PAE | CR4_PGE));
	assert_false(guest_cr4_is_valid(&long_mode, ALL, CR4_PGE));
	assert_false(guest_cr4_is_valid(&long_mode, ALL, CR4_PAE | CR4_LA57));
	assert_true(guest_cr4_is_valid(&five_levels, ALL, CR4_PAE | CR4_LA57 | CR4_PGE));
	assert_false(guest_cr4_is_valid(&five_levels, ALL, CR4_PAE));
	assert_true(guest_cr4_is_valid(&protected_mode, ALL, CR4_PAE | CR4_LA57));
	/* LME without paging is not long mode yet. */
	five_levels.efer = EFER_LME;
	assert_true(guest_cr4_is_valid(&five_levels, ALL, 0));
}

static void test_pcide(void **state)
{
	struct vcpu_state process = long_mode;

	(void)state;
	assert_true(guest_cr4_is_valid(&long_mode, ALL, CR4_PAE | CR4_PCIDE));
	for (unsigned bit = 0; bit < 12; bit++) {
		process.cr3 = 0x123000 | BIT(bit);
		assert_false(guest_cr4_is_valid(&process, ALL, CR4_PAE | CR4_PCIDE));
	}
	/* Once it is set, CR3 may hold any. */
	process.cr4 |= CR4_PCIDE;
	assert_true(guest_cr4_is_valid(&process, ALL, CR4_PAE | CR4_PCIDE | CR4_PGE));
	assert_true(guest_cr4_is_valid(&process, ALL, CR4_PAE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_long_mode),
		cmocka_unit_test(test_pcide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
