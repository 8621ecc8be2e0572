// sources: hv/platform/fadt.c hv/platform/acpi_table.c tests/host/table.c
/* The FADT parser: all revisions' lengths, 64-bit fields against old ones, refusals. */
#include "tests/host/harness.h"

#include "hv/base/bits.h"
#include "hv/platform/acpi.h"
#include "tests/host/table.h"

static struct table table;
static struct fadt fadt;
static struct acpi_error error;

/* A FADT of 276 bytes in which every field that is read has a value of its own. */
static void begin(void)
{
	table_begin(&table, "FACP", 6);
	table_put_zeros(&table, 276 - table.size);
	table_set(&table, 40, 4, 0x7fe00040);	       /* DSDT */
	table_set(&table, 46, 2, 9);		       /* SCI_INT */
	table_set(&table, 64, 4, 0x604);	       /* PM1a_CNT_BLK */
	table_set(&table, 76, 4, 0x608);	       /* PM_TMR_BLK */
	table_set(&table, 91, 1, 4);		       /* PM_TMR_LEN */
	table_set(&table, 112, 4, FADT_RESET_REG_SUP); /* Flags */
	table_set(&table, 116, 1, 1);		       /* RESET_REG: I/O */
	table_set(&table, 120, 8, 0xcf9);	       /* its address */
	table_set(&table, 128, 1, 0x0f);	       /* RESET_VALUE */
	table_set(&table, 140, 8, 0x123456789a);       /* X_DSDT */
	table_set(&table, 172, 1, 1);		       /* X_PM1a_CNT_BLK: I/O */
	table_set(&table, 176, 8, 0x1804);
	table_set(&table, 208, 1, 1); /* X_PM_TMR_BLK: I/O */
	table_set(&table, 212, 8, 0x1808);
}

static enum status parse(void)
{
	return fadt_parse(table_seal(&table), &fadt, &error);
}

static void test_a_whole_one(void **state)
{
	(void)state;
	begin();
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.flags, FADT_RESET_REG_SUP);
	assert_int_equal(fadt.sci_gsi, 9);
	assert_int_equal(fadt.pm_timer_port, 0x1808);
	assert_false(fadt.pm_timer_32bit);
	assert_int_equal(fadt.pm1a_control_port, 0x1804);
	assert_int_equal(fadt.dsdt, 0x123456789a);
	assert_int_equal(fadt.reset_space, 1);
	assert_int_equal(fadt.reset_address, 0xcf9);
	assert_int_equal(fadt.reset_value, 0x0f);
}

static void test_short_revisions(void **state)
{
	static const u32 sizes[] = {116, 128, 129, 132, 147, 148, 187, 219, 220, 244, 268, 276};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		begin();
		table.size = sizes[i];
		assert_int_equal(parse(), OK);
		assert_int_equal(fadt.sci_gsi, 9);
		assert_int_equal(fadt.reset_address, sizes[i] >= 129 ? 0xcf9 : 0);
		assert_int_equal(fadt.reset_space, sizes[i] >= 129);
		assert_int_equal(fadt.reset_value, sizes[i] >= 129 ? 0x0f : 0);
		assert_int_equal(fadt.dsdt, sizes[i] >= 148 ? 0x123456789a : 0x7fe00040);
		assert_int_equal(fadt.pm1a_control_port, sizes[i] >= 184 ? 0x1804 : 0x604);
		assert_int_equal(fadt.pm_timer_port, sizes[i] >= 220 ? 0x1808 : 0x608);
	}
}

static void test_old_fields_serve_where_new_ones_are_zero(void **state)
{
	(void)state;
	begin();
	table_set(&table, 140, 8, 0);
	table_set(&table, 176, 8, 0);
	table_set(&table, 212, 8, 0);
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.dsdt, 0x7fe00040);
	assert_int_equal(fadt.pm1a_control_port, 0x604);
	assert_int_equal(fadt.pm_timer_port, 0x608);
}

static void test_pm_timer(void **state)
{
	(void)state;
	begin();
	table_set(&table, 112, 4, FADT_TMR_VAL_EXT);
	assert_int_equal(parse(), OK);
	assert_true(fadt.pm_timer_32bit);
	table_set(&table, 208, 1, 0); /* in memory */
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.pm_timer_port, 0);
	assert_false(fadt.pm_timer_32bit);
	table_set(&table, 208, 1, 1);
	table_set(&table, 212, 8, 0x10000); /* no port */
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.pm_timer_port, 0);
	table_set(&table, 212, 8, 0xffff);
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.pm_timer_port, 0xffff);
	table_set(&table, 91, 1, 0); /* no timer */
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.pm_timer_port, 0);
	begin();
	table.size = 116;
	table_set(&table, 76, 4, 0x10608);
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.pm_timer_port, 0);
}

static void test_flags_that_take_registers_away(void **state)
{
	(void)state;
	begin();
	table_set(&table, 112, 4, 0);
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.reset_address, 0);
	assert_int_equal(fadt.reset_value, 0);
	table_set(&table, 112, 4, FADT_HW_REDUCED_ACPI | FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP);
	assert_int_equal(parse(), OK);
	assert_int_equal(fadt.pm_timer_port, 0);
	assert_false(fadt.pm_timer_32bit);
	assert_int_equal(fadt.pm1a_control_port, 0);
	assert_int_equal(fadt.sci_gsi, 0);
	assert_int_equal(fadt.reset_address, 0xcf9);
}

static void test_refusals(void **state)
{
	struct bytes bytes;

	(void)state;
	begin();
	table.size = 115;
	assert_int_equal(parse(), ERR_INVALID);
	assert_int_equal(error.offset, 4);
	begin();
	bytes = table_seal(&table);
	bytes.size--;
	assert_int_equal(fadt_parse(bytes, &fadt, &error), ERR_TRUNCATED);
	assert_int_equal(error.offset, 4);
	bytes.size++;
	table.data[200] ^= 1;
	assert_int_equal(fadt_parse(bytes, &fadt, &error), ERR_CHECKSUM);
	table.data[0] = 'f';
	assert_int_equal(fadt_parse(bytes, &fadt, &error), ERR_INVALID);
	assert_int_equal(error.offset, 0);
}

static void check_damaged(struct bytes bytes)
{
	if (fadt_parse(bytes, &fadt, &error) != OK) {
		assert_true(error.offset <= bytes.size);
		assert_non_null(error.reason);
	}
}

static void test_damage(void **state)
{
	(void)state;
	begin();
	table_damage(table_seal(&table), check_damaged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_one),
		cmocka_unit_test(test_short_revisions),
		cmocka_unit_test(test_old_fields_serve_where_new_ones_are_zero),
		cmocka_unit_test(test_pm_timer),
		cmocka_unit_test(test_flags_that_take_registers_away),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
