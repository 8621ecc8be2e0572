// sources: arch/x86/guest_msr.c
#include "tests/host/harness.h"

#include "arch/x86/guest_msr.h"
#include "arch/x86/msr.h"
#include "hv/base/bits.h"

static void test_pat(void **state)
{
	(void)state;
	for (unsigned place = 0; place < 8; place++)
		for (u32 type = 0; type < 256; type++)
			assert_int_equal(guest_msr_is_valid(MSR_PAT, (u64)type << 8 * place),
					 type <= 7 && type != 2 && type != 3);
}

static void test_addresses(void **state)
{
	static const u32 holding[] = {0x175,	  0x176,      0xc0000082, 0xc0000083,
				      0xc0000100, 0xc0000101, 0xc0000102};
	static const u32 others[] = {0x174, 0xc0000081, 0xc0000084};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(holding); i++) {
		assert_true(guest_msr_is_valid(holding[i], 0x00ffffffffffffffull));
		assert_true(guest_msr_is_valid(holding[i], 0xff00000000000000ull));
		assert_false(guest_msr_is_valid(holding[i], 0x0100000000000000ull));
		assert_false(guest_msr_is_valid(holding[i], 0xfeffffffffffffffull));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		assert_true(guest_msr_is_valid(others[i], 0x0100000000000000ull));
}

static void test_efer_bits(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		bool known = bit == 0 || bit == 8 || bit == 10 || bit == 11;
		u64 efer = 0;

		assert_int_equal(guest_efer_write(&efer, CR0_PE, BIT(bit), false),
				 known ? OK : ERR_INVALID);
		/* LMA is written without effect. */
		assert_int_equal(efer, known && bit != 10 ? BIT(bit) : 0);
		efer = 0;
		assert_int_equal(guest_efer_write(&efer, CR0_PE, BIT(bit), true),
				 known || bit == 14 ? OK : ERR_INVALID);
	}
}

static void test_efer_with_paging(void **state)
{
	const u64 cr0 = CR0_PE | CR0_PG;
	u64 efer = EFER_LME | EFER_LMA;

	(void)state;
	assert_int_equal(guest_efer_write(&efer, cr0, EFER_LMA | EFER_SCE, false), ERR_INVALID);
	assert_int_equal(efer, EFER_LME | EFER_LMA);
	assert_int_equal(guest_efer_write(&efer, cr0, EFER_LME | EFER_NXE, false), OK);
	assert_int_equal(efer, EFER_LME | EFER_LMA | EFER_NXE);
	efer = 0;
	assert_int_equal(guest_efer_write(&efer, cr0, EFER_LME, false), ERR_INVALID);
	assert_int_equal(guest_efer_write(&efer, CR0_PE, EFER_LME, false), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pat),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_efer_bits),
		cmocka_unit_test(test_efer_with_paging),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
