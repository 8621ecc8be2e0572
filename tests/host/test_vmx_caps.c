// sources: arch/x86/vmx/caps.c
#include "tests/host/harness.h"

#include "tests/host/random.h"
#include "tests/host/vmx_words.h"

static struct vmx_caps caps;
static const char *missing;

static enum status decode(struct vmx_words words)
{
	memset(&caps, 0xa5, sizeof(caps));
	missing = "unset";
	return vmx_caps_decode(&words, &caps, &missing);
}

static void assert_refused(struct vmx_words words, const char *named)
{
	assert_int_equal(decode(words), ERR_UNSUPPORTED);
	if (!strstr(missing, named))
		fail_msg("\"%s\" is told, not \"%s\"", missing, named);
}

/* Nothing but what is asked for and what the CPU demands. */
static void test_controls(void **state)
{
	(void)state;
	assert_int_equal(decode(vmx_skylake), OK);
	assert_null(missing);
	assert_int_equal(caps.revision, 4);
	assert_int_equal(caps.pin, 0x16 | 0x08 | 0x20 | 0x40);
	assert_int_equal(caps.proc, 0x04006172 | 0xb2000c00);
	assert_int_equal(caps.proc2, 0x02 | 0x08 | 0x20 | 0x80 | 0x1000);
	assert_int_equal(caps.exit, 0x36dfb | 0x04 | 0x200 | 0x3c0000);
	assert_int_equal(caps.entry, 0x11fb | 0x04 | 0xc000);
	assert_int_equal(caps.pin_allowed, vmx_skylake.pin);
	assert_int_equal(caps.proc_allowed, vmx_skylake.proc);
	assert_int_equal(caps.proc2_allowed, vmx_skylake.proc2);
	assert_int_equal(caps.exit_allowed, vmx_skylake.exit);
	assert_int_equal(caps.entry_allowed, vmx_skylake.entry);
	assert_int_equal(caps.cr0_fixed0, 0x80000021);
	assert_int_equal(caps.cr0_fixed1, 0xffffffff);
	assert_int_equal(caps.cr4_fixed0, 0x2000);
	assert_int_equal(caps.cr4_fixed1, 0x3767ff);
	assert_int_equal(caps.address_bits, 46);
	assert_int_equal(caps.linear_bits, 48);
	assert_true(caps.ept_2m && caps.ept_1g && caps.ept_walk_wb && caps.ept_accessed_dirty);
	assert_true(caps.vpid && caps.invept_single && caps.invvpid_single);
	assert_true(caps.event_length_0 && !caps.event_error_any);
}

/* Those whose secondary controls and EPT Bochs shows; without unrestricted guest: Lynnfield. */
static void test_models(void **state)
{
	static const struct {
		u32 proc2;
		u64 ept_vpid;
		bool usable, rdtscp, large, accessed_dirty;
	} rows[] = {
		{0x00000041, 0, false, false, false, false},
		{0x0000007f, 0xf0106114141, false, false, false, false},
		{0x000000ff, 0xf0106114141, true, true, false, false},
		{0x000008ff, 0xf0106114141, true, true, false, false},
		{0x00047fff, 0xf0106334141, true, true, true, true},
		{0x02177fff, 0xf0106334141, true, true, true, true},
		{0x02157cff, 0xf0106334141, true, true, true, true},
		{0x02977fff, 0xf0106b34141, true, true, true, true},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vmx_words words = vmx_skylake;

		words.proc2 = (u64)rows[i].proc2 << 32;
		words.ept_vpid = rows[i].ept_vpid;
		assert_int_equal(decode(words), rows[i].usable ? OK : ERR_UNSUPPORTED);
		if (!rows[i].usable)
			continue;
		assert_int_equal(!!(caps.proc2 & VMX_PROC2_RDTSCP), rows[i].rdtscp);
		assert_true(caps.ept_2m && caps.vpid);
		assert_int_equal(caps.ept_1g, rows[i].large);
		assert_int_equal(caps.ept_accessed_dirty, rows[i].accessed_dirty);
	}
}

#define WORD(name) offsetof(struct vmx_words, name)

enum need {
	ON,
	OFF,
};

/* Every control without which, or with which, guests can't run; the bits as the manual numbers them. */
static const struct {
	size_t word;
	u8 bit;
	enum need need;
	const char *named;
} needs[] = {
	{WORD(pin), 0, OFF, "interrupts without exits"},
	{WORD(pin), 3, ON, "NMI exiting"},
	{WORD(pin), 5, ON, "virtual NMIs"},
	{WORD(pin), 6, ON, "preemption timer"},
	{WORD(proc), 2, OFF, "interrupts without exits"},
	{WORD(proc), 7, OFF, "HLT"},
	{WORD(proc), 9, OFF, "INVLPG"},
	{WORD(proc), 10, ON, "MWAIT"},
	{WORD(proc), 11, ON, "RDPMC"},
	{WORD(proc), 12, OFF, "RDTSC"},
	{WORD(proc), 15, OFF, "CR3 loads"},
	{WORD(proc), 16, OFF, "CR3 stores"},
	{WORD(proc), 19, OFF, "CR8 loads"},
	{WORD(proc), 20, OFF, "CR8 stores"},
	{WORD(proc), 21, OFF, "CR8 as"},
	{WORD(proc), 22, ON, "NMI-window"},
	{WORD(proc), 25, ON, "I/O bitmaps"},
	{WORD(proc), 28, ON, "MSR bitmaps"},
	{WORD(proc), 29, ON, "MONITOR"},
	{WORD(proc), 31, ON, "secondary"},
	{WORD(proc2), 1, ON, "EPT"},
	{WORD(proc2), 7, ON, "unrestricted"},
	{WORD(exit), 2, ON, "DR7 saved"},
	{WORD(exit), 9, ON, "64-bit host"},
	{WORD(exit), 15, OFF, "left pending"},
	{WORD(exit), 18, ON, "PAT saved"},
	{WORD(exit), 19, ON, "PAT loaded at exits"},
	{WORD(exit), 20, ON, "EFER saved"},
	{WORD(exit), 21, ON, "EFER loaded at exits"},
	{WORD(entry), 2, ON, "DR7 loaded"},
	{WORD(entry), 9, ON, "64-bit guests"},
	{WORD(entry), 14, ON, "PAT loaded at entries"},
	{WORD(entry), 15, ON, "EFER loaded at entries"},
};

static const char *named_for(size_t word, unsigned bit, enum need need)
{
	for (unsigned i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].word == word && needs[i].bit == bit && needs[i].need == need)
			return needs[i].named;
	return NULL;
}

static void assert_fits(u32 value, u64 allowed)
{
	assert_int_equal(value & (u32)allowed, (u32)allowed);
	assert_int_equal(value & ~(allowed >> 32), 0);
}

/* Each bit of each word forced off and forced on: those above are told, all others are taken as they are. */
static void test_each_control(void **state)
{
	static const size_t words_at[] = {WORD(pin), WORD(proc), WORD(proc2), WORD(exit),
					  WORD(entry)};
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(words_at) * 64; i++) {
		struct vmx_words words = vmx_skylake;
		size_t at = words_at[i / 64];
		u64 *word = (u64 *)((u8 *)&words + at);
		unsigned bit = i % 32;
		enum need need = i & 32 ? OFF : ON;
		const char *named = named_for(at, bit, need);

		if (need == ON)
			*word &= ~(BIT(bit) | BIT(bit + 32));
		else
			*word |= BIT(bit) | BIT(bit + 32);
		if (named) {
			refused++;
			assert_refused(words, named);
			continue;
		}
		assert_int_equal(decode(words), OK);
		assert_fits(caps.pin, words.pin);
		assert_fits(caps.proc, words.proc);
		assert_fits(caps.proc2, words.proc2);
		assert_fits(caps.exit, words.exit);
		assert_fits(caps.entry, words.entry);
	}
	assert_int_equal(refused, ARRAY_SIZE(needs));
}

/* The older control MSRs demand what the true ones don't. */
static void test_without_true_controls(void **state)
{
	struct vmx_words words = vmx_skylake;

	(void)state;
	words.proc |= 0x0401e172;
	assert_refused(words, "IA32_VMX_TRUE_PROCBASED_CTLS");
}

static void test_firmware(void **state)
{
	struct vmx_words words = vmx_skylake;

	(void)state;
	words.cpuid_1_ecx = ~(u32)BIT(5);
	assert_refused(words, "CPUID 1 ECX");
	assert_refused((struct vmx_words){0}, "CPUID 1 ECX");
	words = vmx_skylake;
	words.feature_control = 1;
	assert_refused(words, "locked it off");
	words.feature_control = 1 | 2; /* inside of SMX operation only */
	assert_refused(words, "locked it off");
	words.feature_control = 0;
	assert_int_equal(decode(words), OK);
	words.feature_control = 4;
	assert_int_equal(decode(words), OK);
	words = vmx_skylake;
	words.misc = ~BIT(5);
	assert_refused(words, "LMA");
}

static enum status decode_ept(u64 cleared)
{
	struct vmx_words words = vmx_skylake;

	words.ept_vpid &= ~cleared;
	return decode(words);
}

/* A.10. */
static void test_ept(void **state)
{
	(void)state;
	assert_int_equal(decode_ept(BIT(6)), ERR_UNSUPPORTED);
	assert_string_equal(missing, "EPT of 4 levels");
	assert_int_equal(decode_ept(BIT(8) | BIT(14)), ERR_UNSUPPORTED);
	assert_non_null(strstr(missing, "memory type"));
	assert_int_equal(decode_ept(BIT(8)), OK);
	assert_true(caps.ept_walk_wb);
	assert_int_equal(decode_ept(BIT(14)), OK);
	assert_false(caps.ept_walk_wb);
	assert_int_equal(decode_ept(BIT(16)), OK);
	assert_true(!caps.ept_2m && caps.ept_1g);
	assert_int_equal(decode_ept(BIT(17)), OK);
	assert_true(caps.ept_2m && !caps.ept_1g);
	assert_int_equal(decode_ept(BIT(21)), OK);
	assert_false(caps.ept_accessed_dirty);
	assert_int_equal(decode_ept(BIT(20)), ERR_UNSUPPORTED);
	assert_string_equal(missing, "INVEPT");
	assert_int_equal(decode_ept(BIT(25) | BIT(26)), ERR_UNSUPPORTED);
	assert_string_equal(missing, "INVEPT");
	assert_int_equal(decode_ept(BIT(25)), OK);
	assert_false(caps.invept_single);
	assert_int_equal(decode_ept(BIT(26)), OK);
	assert_true(caps.invept_single);
}

static void test_events(void **state)
{
	struct vmx_words words = vmx_skylake;

	(void)state;
	words.basic |= BIT(56);
	words.misc &= ~BIT(30);
	assert_int_equal(decode(words), OK);
	assert_true(!caps.event_length_0 && caps.event_error_any);
}

static void test_vpid(void **state)
{
	static const u64 without[] = {BIT(32), BIT(41) | BIT(42), BIT(32) | BIT(41) | BIT(42)};
	struct vmx_words words = vmx_skylake;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(without); i++) {
		assert_int_equal(decode_ept(without[i]), OK);
		assert_false(caps.vpid || caps.proc2 & VMX_PROC2_VPID);
	}
	assert_int_equal(decode_ept(BIT(41)), OK);
	assert_true(caps.vpid && caps.proc2 & VMX_PROC2_VPID && !caps.invvpid_single);
	assert_int_equal(decode_ept(BIT(42)), OK);
	assert_true(caps.vpid && caps.invvpid_single);
	words.proc2 &= ~BIT(32 + 5);
	assert_int_equal(decode(words), OK);
	assert_false(caps.vpid || caps.proc2 & VMX_PROC2_VPID);
}

/* Whatever the MSRs say: a reason, or controls that the CPU takes. */
static void test_random(void **state)
{
	unsigned usable = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct vmx_words words = vmx_skylake;
		u64 *word = (u64 *)((u8 *)&words + WORD(basic) + 8 * (random_u64() % 6));

		*word ^= BIT(random_u64() % 64);
		words.ept_vpid ^= BIT(random_u64() % 64);
		if (decode(words) != OK) {
			assert_non_null(missing);
			continue;
		}
		usable++;
		assert_int_equal(caps.pin & 0x69, 0x68);
		assert_int_equal(caps.proc2 & 0x82, 0x82);
	}
	assert_in_range(usable, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_controls),     cmocka_unit_test(test_models),
		cmocka_unit_test(test_each_control), cmocka_unit_test(test_without_true_controls),
		cmocka_unit_test(test_firmware),     cmocka_unit_test(test_ept),
		cmocka_unit_test(test_events),	     cmocka_unit_test(test_vpid),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
