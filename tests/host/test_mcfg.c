// sources: hv/platform/mcfg.c hv/platform/acpi_table.c tests/host/table.c
/* The MCFG parser: windows, refusals, and the corpus. */
#include "tests/host/harness.h"

#include "hv/platform/acpi.h"
#include "tests/host/table.h"

#define ENTRIES 44u

static struct table table;
static struct mcfg mcfg;
static struct acpi_error error;

static void begin(void)
{
	table_begin(&table, "MCFG", 1);
	table_put_zeros(&table, 8);
}

static void put_window(u64 base, u16 segment, u8 first, u8 last)
{
	table_put(&table, 8, base);
	table_put(&table, 2, segment);
	table_put(&table, 1, first);
	table_put(&table, 1, last);
	table_put(&table, 4, 0xffffffff);
}

static enum status parse(void)
{
	return mcfg_parse(table_seal(&table), &mcfg, &error);
}

static void assert_refused(enum status status, u32 offset)
{
	assert_int_equal(parse(), status);
	assert_int_equal(error.offset, offset);
	assert_non_null(error.reason);
}

static void test_no_window(void **state)
{
	(void)state;
	begin();
	assert_int_equal(parse(), OK);
	assert_int_equal(mcfg.window_count, 0);
}

static void test_windows(void **state)
{
	(void)state;
	begin();
	put_window(0xe0000000, 0, 0, 127);
	put_window(0x123456700000, 0, 128, 255);
	put_window(0xe0000000, 5, 7, 7);
	assert_int_equal(parse(), OK);
	assert_int_equal(mcfg.window_count, 3);
	assert_int_equal(mcfg.window[0].base.v, 0xe0000000);
	assert_int_equal(mcfg.window[0].segment, 0);
	assert_int_equal(mcfg.window[0].first_bus, 0);
	assert_int_equal(mcfg.window[0].last_bus, 127);
	assert_int_equal(mcfg.window[1].base.v, 0x123456700000);
	assert_int_equal(mcfg.window[1].first_bus, 128);
	assert_int_equal(mcfg.window[2].segment, 5);
	assert_int_equal(mcfg.window[2].last_bus, 7);
}

static void test_refused_windows(void **state)
{
	(void)state;
	begin();
	put_window(0, 0, 0, 255);
	assert_refused(ERR_INVALID, ENTRIES);
	begin();
	put_window(0xe0080000, 0, 0, 255);
	assert_refused(ERR_INVALID, ENTRIES);
	begin();
	put_window(0xfffffffff0000000, 0, 0, 254);
	assert_int_equal(parse(), OK);
	begin();
	put_window(0xfffffffff0000000, 0, 0, 255);
	assert_refused(ERR_INVALID, ENTRIES);
	begin();
	put_window(0xe0000000, 0, 1, 0);
	assert_refused(ERR_INVALID, ENTRIES + 10);
}

static void test_overlaps(void **state)
{
	static const struct {
		u8 first, last;
		enum status status;
	} cases[] = {
		{0, 9, OK},	      {0, 10, ERR_EXISTS},  {0, 255, ERR_EXISTS},
		{15, 16, ERR_EXISTS}, {20, 20, ERR_EXISTS}, {20, 30, ERR_EXISTS},
		{21, 30, OK},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		put_window(0x80000000, 1, 10, 20);
		put_window(0xc0000000, 1, cases[i].first, cases[i].last);
		assert_int_equal(parse(), cases[i].status);
		if (cases[i].status != OK)
			assert_int_equal(error.offset, ENTRIES + 16 + 10);
		table_set(&table, ENTRIES + 16 + 8, 2, 2); /* another segment */
		assert_int_equal(parse(), OK);
	}
}

static void test_maximum(void **state)
{
	(void)state;
	begin();
	for (u16 i = 0; i < MCFG_MAX_WINDOWS; i++)
		put_window(0xe0000000, i, 0, 255);
	assert_int_equal(parse(), OK);
	assert_int_equal(mcfg.window_count, MCFG_MAX_WINDOWS);
	u32 last = table.size;

	put_window(0xe0000000, MCFG_MAX_WINDOWS, 0, 255);
	assert_refused(ERR_NO_MEMORY, last);
}

static void test_lengths(void **state)
{
	(void)state;
	begin();
	put_window(0xe0000000, 0, 0, 255);
	for (u32 size = ENTRIES + 1; size < ENTRIES + 16; size++) {
		table.size = size;
		assert_refused(ERR_TRUNCATED, ENTRIES);
	}
	table.size = ENTRIES - 1;
	assert_refused(ERR_INVALID, 4);
	table_begin(&table, "APIC", 1);
	table_put_zeros(&table, 8);
	assert_refused(ERR_INVALID, 0);
	begin();
	table_seal(&table);
	table.data[9] ^= 1;
	assert_int_equal(mcfg_parse((struct bytes){table.data, table.size}, &mcfg, &error),
			 ERR_CHECKSUM);
}

static void check_damaged(struct bytes bytes)
{
	if (mcfg_parse(bytes, &mcfg, &error) != OK) {
		assert_true(error.offset <= bytes.size);
		assert_non_null(error.reason);
		return;
	}
	assert_true(mcfg.window_count <= MCFG_MAX_WINDOWS);
	for (unsigned i = 0; i < mcfg.window_count; i++)
		assert_true(mcfg.window[i].first_bus <= mcfg.window[i].last_bus);
}

static void check_corpus_table(const char *name, struct bytes bytes)
{
	if (mcfg_parse(bytes, &mcfg, &error) != OK)
		fail_msg("%s: offset %#x: %s", name, error.offset, error.reason);
	assert_int_equal(mcfg.window_count, (bytes.size - ENTRIES) / 16);
	table_damage(bytes, check_damaged);
}

static void test_corpus(void **state)
{
	(void)state;
	assert_true(corpus_each("mcfg", check_corpus_table) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_window),	cmocka_unit_test(test_windows),
		cmocka_unit_test(test_refused_windows), cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_maximum),		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
