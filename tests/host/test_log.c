#include "tests/host/harness.h"

#include "hv/base/log.h"

static u64 now;

static u64 test_clock(void)
{
	return now;
}

static int set_up(void **state)
{
	(void)state;
	captured_log_clear();
	log_set_clock(test_clock);
	now = 0;
	return 0;
}

static void test_line(void **state)
{
	(void)state;
	now = 12345678;
	log_line("vtd", "unit %u at %#lx", 3u, 0xfed90000ul);
	assert_string_equal(captured_log(), "[   12.345678] vtd: unit 3 at 0xfed90000\n");
}

static void test_without_clock(void **state)
{
	(void)state;
	log_set_clock(NULL);
	log_line("boot", "early");
	assert_string_equal(captured_log(), "[    0.000000] boot: early\n");
}

static void test_console_line(void **state)
{
	(void)state;
	log_console("net", "no NUL here", 6);
	assert_string_equal(captured_log(), "[    0.000000] net| no NUL\n");
	captured_log_clear();
	log_console("net", "100% %s", 7); /* a guest's text is no format */
	assert_string_equal(captured_log(), "[    0.000000] net| 100% %s\n");
}

/* Cut, and one line all the same. */
static void test_long_lines(void **state)
{
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (u32 length = 200; length < 400; length++) {
		captured_log_clear();
		log_line("s", "%.*s", (int)length, text);
		assert_true(strlen(captured_log()) <= LOG_LINE_MAX);
		assert_ptr_equal(strchr(captured_log(), '\n'),
				 captured_log() + strlen(captured_log()) - 1);
		captured_log_clear();
		log_console("s", text, length);
		assert_true(strlen(captured_log()) <= LOG_LINE_MAX);
		assert_ptr_equal(strchr(captured_log(), '\n'),
				 captured_log() + strlen(captured_log()) - 1);
	}
	captured_log_clear();
	log_line(text, "no room for more");
	assert_true(strlen(captured_log()) <= LOG_LINE_MAX);
	assert_ptr_equal(strchr(captured_log(), '\n'), captured_log() + strlen(captured_log()) - 1);
}

static void test_raw(void **state)
{
	(void)state;
	log_raw("two\nlines %d\n", 2);
	assert_string_equal(captured_log(), "two\nlines 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line, set_up),
		cmocka_unit_test_setup(test_without_clock, set_up),
		cmocka_unit_test_setup(test_console_line, set_up),
		cmocka_unit_test_setup(test_long_lines, set_up),
		cmocka_unit_test_setup(test_raw, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
