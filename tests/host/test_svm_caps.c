// sources: arch/x86/svm/caps.c
#include "tests/host/harness.h"

#include "arch/x86/svm/internal.h"

static const struct svm_words usable = {
	.ext_1_ecx = BIT(2),
	.revision = 1,
	.asids = 16,
	.address_bits = 40,
	.features = BIT(0),
};

static struct svm_caps caps;
static const char *missing;

static enum status decode(struct svm_words words)
{
	memset(&caps, 0xa5, sizeof(caps));
	missing = "unset";
	return svm_caps_decode(&words, &caps, &missing);
}

/* QEMU's TCG: nested paging and nothing else. */
static void test_least(void **state)
{
	(void)state;
	assert_int_equal(decode(usable), OK);
	assert_null(missing);
	assert_int_equal(caps.asids, 16);
	assert_int_equal(caps.address_bits, 40);
	assert_false(caps.nrip_save || caps.flush_by_asid || caps.decode_assists || caps.fast_fxsr);
}

static void test_each_feature(void **state)
{
	struct svm_words words = usable;

	(void)state;
	words.features = BIT(0) | BIT(3);
	assert_int_equal(decode(words), OK);
	assert_true(caps.nrip_save && !caps.flush_by_asid && !caps.decode_assists);
	words.features = BIT(0) | BIT(6);
	assert_int_equal(decode(words), OK);
	assert_true(!caps.nrip_save && caps.flush_by_asid && !caps.decode_assists);
	words.features = BIT(0) | BIT(7);
	assert_int_equal(decode(words), OK);
	assert_true(!caps.nrip_save && !caps.flush_by_asid && caps.decode_assists);
	words.ext_1_edx = BIT(25);
	assert_int_equal(decode(words), OK);
	assert_true(caps.fast_fxsr);
	words.features = ~0u;
	assert_int_equal(decode(words), OK);
	assert_true(caps.nrip_save && caps.flush_by_asid && caps.decode_assists);
}

static void assert_refused(struct svm_words words, const char *named)
{
	assert_int_equal(decode(words), ERR_UNSUPPORTED);
	assert_non_null(strstr(missing, named));
}

static void test_refusals(void **state)
{
	struct svm_words words = usable;

	(void)state;
	words.ext_1_ecx = ~(u32)BIT(2);
	assert_refused(words, "SVM (CPUID");
	words = usable;
	words.vm_cr = VM_CR_SVMDIS;
	assert_refused(words, "locked");
	words = usable;
	words.revision = 0xffffff00;
	assert_refused(words, "revision");
	words = usable;
	words.asids = 1; /* the host's own */
	assert_refused(words, "ASID");
	words.asids = 0;
	assert_refused(words, "ASID");
	words = usable;
	words.features = ~(u32)BIT(0);
	assert_refused(words, "nested paging");
	assert_refused((struct svm_words){0}, "SVM (CPUID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_each_feature),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
