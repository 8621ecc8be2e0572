// sources: drivers/ega.c
#include "tests/host/harness.h"

#include "drivers/ega.h"

enum { COLUMNS = 10, ROWS = 4, STRIDE = 12, GUARD = 0x5555 };

static u16 cells[ROWS * STRIDE + STRIDE];

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		cells[i] = GUARD;
	return ega_init(cells, COLUMNS, ROWS, STRIDE * 2);
}

static void print(const char *text)
{
	ega_sink(text, strlen(text));
}

/* The row's text without trailing blanks; and nothing outside the screen was written. */
static void check_row(u32 row, const char *expected)
{
	char text[COLUMNS + 1] = "";

	for (u32 i = 0; i < COLUMNS; i++) {
		assert_int_equal(cells[row * STRIDE + i] >> 8, 0x07);
		text[i] = (char)cells[row * STRIDE + i];
	}
	for (u32 i = COLUMNS; i > 0 && text[i - 1] == ' '; i--)
		text[i - 1] = 0;
	assert_string_equal(text, expected);
	for (u32 i = COLUMNS; i < STRIDE; i++)
		assert_int_equal(cells[row * STRIDE + i], GUARD);
	for (u32 i = ROWS * STRIDE; i < ARRAY_SIZE(cells); i++)
		assert_int_equal(cells[i], GUARD);
}

static void it_starts_clear(void **state)
{
	(void)state;
	for (u32 row = 0; row < ROWS; row++)
		check_row(row, "");
}

static void lines_follow_each_other(void **state)
{
	(void)state;
	print("one\ntwo\n");
	print("thr\xe9\x01");
	check_row(0, "one");
	check_row(1, "two");
	check_row(2, "thr??");
	check_row(3, "");
}

static void long_lines_go_on_below(void **state)
{
	(void)state;
	print("0123456789\n");
	print("0123456789ab\nx");
	check_row(0, "0123456789");
	check_row(1, "0123456789");
	check_row(2, "ab");
	check_row(3, "x");
}

static void the_screen_scrolls(void **state)
{
	(void)state;
	print("one\ntwo\nthree\nfour\nfive\nsix");
	check_row(0, "three");
	check_row(1, "four");
	check_row(2, "five");
	check_row(3, "six");
}

static void returns_and_tabs_move(void **state)
{
	(void)state;
	print("abc\rX\n\tt\n123456789\tu");
	check_row(0, "Xbc");
	check_row(1, "        t");
	check_row(2, "123456789");
	check_row(3, "u");
}

static void any_screen_takes_any_text(void **state)
{
	static u16 small[64];

	(void)state;
	for (u32 columns = 1; columns <= 9; columns++) {
		for (u32 rows = 1; rows <= 4; rows++) {
			memset(small, 0, sizeof(small));
			assert_int_equal(ega_init(small, columns, rows, columns * 2), OK);
			print("a\tb\t\t\tc\n\n\r\t0123456789\n\tx");
			for (size_t i = columns * rows; i < ARRAY_SIZE(small); i++)
				assert_int_equal(small[i], 0);
		}
	}
}

static void senseless_screens_are_refused(void **state)
{
	(void)state;
	assert_int_equal(ega_init(NULL, 80, 25, 160), ERR_INVALID);
	assert_int_equal(ega_init(cells, 0, 25, 160), ERR_INVALID);
	assert_int_equal(ega_init(cells, 80, 0, 160), ERR_INVALID);
	assert_int_equal(ega_init(cells, 80, 25, 159), ERR_INVALID);
	assert_int_equal(ega_init(cells, 0x80000050, 25, 160), ERR_INVALID);
	print("still there");
	check_row(0, "still ther");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_starts_clear, set_up),
		cmocka_unit_test_setup(lines_follow_each_other, set_up),
		cmocka_unit_test_setup(long_lines_go_on_below, set_up),
		cmocka_unit_test_setup(the_screen_scrolls, set_up),
		cmocka_unit_test_setup(returns_and_tabs_move, set_up),
		cmocka_unit_test(any_screen_takes_any_text),
		cmocka_unit_test_setup(senseless_screens_are_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
