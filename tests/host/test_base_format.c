// sources: hv/base/format.c
/* format_text() against the C library's snprintf, and where it is meant to differ. */
#include "tests/host/harness.h"

#include <limits.h>

#include "hv/base/format.h"

/* Expects what libc prints, for the same arguments. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char ours[256];                                                                    \
		char wanted[256];                                                                  \
		size_t length = format_text(ours, sizeof(ours), __VA_ARGS__);                      \
		assert_int_equal(length, snprintf(wanted, sizeof(wanted), __VA_ARGS__));           \
		assert_string_equal(ours, wanted);                                                 \
	} while (0)

#define IS(wanted, ...)                                                                            \
	do {                                                                                       \
		char ours[256];                                                                    \
		assert_int_equal(format_text(ours, sizeof(ours), __VA_ARGS__), strlen(wanted));    \
		assert_string_equal(ours, wanted);                                                 \
	} while (0)

static const char *const flags[] = {"", "0", "-", "#", "0#", "-#", "-0"};
static const char *const widths[] = {"", "1", "5", "12", "30"};
static const char *const precisions[] = {"", ".1", ".3", ".15", ".25"};

/* Calls check with every combination of flags, width and precision. */
static void each_spec(void (*check)(const char *spec))
{
	char spec[32];

	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++)
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++)
			for (unsigned p = 0; p < ARRAY_SIZE(precisions); p++) {
				snprintf(spec, sizeof(spec), "%s%s%s", flags[f], widths[w],
					 precisions[p]);
				check(spec);
			}
}

static void check_integers(const char *spec)
{
	static const u64 values[] = {
		1,
		9,
		10,
		0x7f,
		0x80,
		0xff,
		0x7fff,
		0x8000,
		12345678,
		INT_MAX,
		0x80000000,
		UINT_MAX,
		0x123456789abcdef,
		INT64_MAX,
		0x8000000000000000,
		UINT64_MAX,
		~0xffull,
	};
	static const char conversions[] = "diuxX";
	char format[64];

	for (unsigned c = 0; conversions[c]; c++) {
		/* C leaves the flag # open for decimal numbers. */
		if (strchr(spec, '#') && conversions[c] < 'x' && conversions[c] != 'X')
			continue;
		for (unsigned v = 0; v < ARRAY_SIZE(values); v++) {
			snprintf(format, sizeof(format), "<%%%sll%c>", spec, conversions[c]);
			SAME(format, (unsigned long long)values[v]);
			snprintf(format, sizeof(format), "<%%%sl%c>", spec, conversions[c]);
			SAME(format, (unsigned long)values[v]);
			snprintf(format, sizeof(format), "<%%%sz%c>", spec, conversions[c]);
			SAME(format, (size_t)values[v]);
			if (!(u8)values[v]) /* zero is told apart below */
				continue;
			snprintf(format, sizeof(format), "<%%%s%c>", spec, conversions[c]);
			SAME(format, (unsigned)values[v]);
			snprintf(format, sizeof(format), "<%%%sh%c>", spec, conversions[c]);
			SAME(format, (unsigned)values[v]);
			snprintf(format, sizeof(format), "<%%%shh%c>", spec, conversions[c]);
			SAME(format, (unsigned)values[v]);
		}
	}
}

static void test_integers(void **state)
{
	(void)state;
	each_spec(check_integers);
	SAME("%d %d %lld", INT_MIN, INT_MAX, LLONG_MIN);
}

static void check_texts(const char *spec)
{
	char format[64];

	if (strpbrk(spec, "0#"))
		return;
	snprintf(format, sizeof(format), "<%%%ss>", spec);
	SAME(format, "");
	SAME(format, "abc");
	SAME(format, "a longer text than all widths are here");
}

static void test_texts(void **state)
{
	const char unterminated[3] = {'a', 'b', 'c'};
	const char *volatile null = NULL; /* hidden from gcc, which warns */

	(void)state;
	each_spec(check_texts);
	SAME("<%.3s>", unterminated);
	IS("<>", "<%.0s>", unterminated);
	SAME("<%.*s>", 2, unterminated);
	SAME("<%.*s>", -1, "all of it");
	IS("<(null)>", "<%s>", null);
}

static void test_zero(void **state)
{
	(void)state;
	SAME("%d %u %x %5d %-5d| %05d %.3d", 0, 0, 0, 0, 0, 0, 0);
	IS("0 0x0 0X0", "%.0d %#x %s", 0, 0, "0X0");
	IS("0x00000000", "%#010x", 0);
}

static void test_characters(void **state)
{
	char text[8];

	(void)state;
	SAME("%c%c%c", 'a', '%', '\n');
	SAME("<%3c> <%-3c> <%1c>", 'a', 'b', 'c');
	assert_int_equal(format_text(text, sizeof(text), "a%cb", 0), 3);
	assert_memory_equal(text, "a\0b", 4);
}

static void test_widths_as_arguments(void **state)
{
	(void)state;
	SAME("<%*d> <%*d> <%-*d>", 5, 1, 0, 2, 5, 3);
	SAME("<%*d> <%*s> <%*c>", -5, 1, -6, "ab", -3, 'c');
	SAME("<%.*d> <%.*d>", 4, 1, -4, 2);
	SAME("<%*.*x>", 10, 4, 0xab);
	SAME("<%0*llx>", 16, 0xfed90000ull);
	SAME("<%0*d>", -6, 3);
}

static void test_pointers(void **state)
{
	(void)state;
	IS("0xfed90000 0x0", "%p %p", (void *)0xfed90000, NULL);
	IS("<  0x1>", "<%5p>", (void *)1);
}

static void test_plain_text(void **state)
{
	(void)state;
	IS("", "%s", "");
	SAME("100%% of %s%%", "it");
	SAME("no conversions at all%s", "");
}

/* gcc checks literals, and these are wrong on purpose. */
static void test_what_is_not_known(void **state)
{
	const char *format = "%q %y";

	(void)state;
	IS("%q %y", format, 1);
	format = "%5";
	IS("", format, 1);
	format = "abc%";
	IS("abc", format, 1);
	format = "%-08.3lk|";
	IS("%k|", format, 1);
}

static void test_the_buffer_is_never_overrun(void **state)
{
	static const char whole[] = "unit 12 at 0x00000000fed90000";
	char buffer[sizeof(whole) + 4];

	(void)state;
	for (size_t size = 0; size < sizeof(buffer); size++) {
		memset(buffer, '#', sizeof(buffer));
		assert_int_equal(
			format_text(buffer, size, "unit %d at %#018llx", 12, 0xfed90000ull),
			sizeof(whole) - 1);

		size_t kept = size > sizeof(whole) - 1 ? sizeof(whole) - 1 : size ? size - 1 : 0;

		assert_memory_equal(buffer, whole, kept);
		if (size)
			assert_int_equal(buffer[kept], 0);
		for (size_t i = size; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
	assert_int_equal(format_text(NULL, 0, "%100d", 1), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_widths_as_arguments),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_plain_text),
		cmocka_unit_test(test_what_is_not_known),
		cmocka_unit_test(test_the_buffer_is_never_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
