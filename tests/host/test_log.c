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

/* Foreign texts can be in a line: they end none, and steer no terminal. */
static void test_control_characters(void **state)
{
	(void)state;
	log_line("acpi", "%s", "a\nb\x1b[2Jc\x7f\td");
	assert_string_equal(captured_log(), "[    0.000000] acpi: a?b?[2Jc??d\n");
	captured_log_clear();
	log_console("net", "\r\0\xc3\xa4", 4); /* what is no ASCII is none of these */
	assert_string_equal(captured_log(), "[    0.000000] net| ??\xc3\xa4\n");
}

static unsigned lines_seen;

static void count_line(const char *text, size_t length)
{
	(void)text;
	(void)length;
	lines_seen++;
}

/* The capture is one of the four. */
static void test_more_sinks_are_ignored(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		log_add_sink(count_line);
	log_line("s", "x");
	assert_int_equal(lines_seen, 3);
}

/* The last test, as there is no way back. */
static void test_raw_only(void **state)
{
	(void)state;
	log_raw_only();
	log_line("s", "not heard");
	log_console("net", "nor this", 8);
	log_raw("the panic\n");
	assert_string_equal(captured_log(), "the panic\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line, set_up),
		cmocka_unit_test_setup(test_without_clock, set_up),
		cmocka_unit_test_setup(test_console_line, set_up),
		cmocka_unit_test_setup(test_long_lines, set_up),
		cmocka_unit_test_setup(test_raw, set_up),
		cmocka_unit_test_setup(test_control_characters, set_up),
		cmocka_unit_test_setup(test_more_sinks_are_ignored, set_up),
		cmocka_unit_test_setup(test_raw_only, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
