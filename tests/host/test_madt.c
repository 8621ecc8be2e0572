// sources: hv/platform/madt.c hv/platform/acpi_table.c tests/host/table.c
/* The MADT parser: every entry type, merging of CPUs, flags, malformed tables, and the corpus. */
#include "tests/host/harness.h"

#include "hv/platform/acpi.h"
#include "tests/host/table.h"

#define ENTRIES 44u

static struct table table;
static struct madt madt;
static struct acpi_error error;

static void begin(u32 flags)
{
	table_begin(&table, "APIC", 5);
	table_put(&table, 4, 0xfee00000);
	table_put(&table, 4, flags);
}

static void put_header(u8 type, u8 length)
{
	table_put(&table, 1, type);
	table_put(&table, 1, length);
}

static void put_cpu(u8 uid, u8 apic_id, u32 flags)
{
	put_header(0, 8);
	table_put(&table, 1, uid);
	table_put(&table, 1, apic_id);
	table_put(&table, 4, flags);
}

static void put_x2cpu(u32 uid, u32 apic_id, u32 flags)
{
	put_header(9, 16);
	table_put(&table, 2, 0);
	table_put(&table, 4, apic_id);
	table_put(&table, 4, flags);
	table_put(&table, 4, uid);
}

static void put_ioapic(u8 id, u32 address, u32 gsi)
{
	put_header(1, 12);
	table_put(&table, 2, id);
	table_put(&table, 4, address);
	table_put(&table, 4, gsi);
}

static void put_override(u8 bus, u8 source, u32 gsi, u16 flags)
{
	put_header(2, 10);
	table_put(&table, 1, bus);
	table_put(&table, 1, source);
	table_put(&table, 4, gsi);
	table_put(&table, 2, flags);
}

static enum status parse(void)
{
	return madt_parse(table_seal(&table), &madt, &error);
}

static void assert_refused(enum status status, u32 offset)
{
	assert_int_equal(parse(), status);
	assert_int_equal(error.offset, offset);
	assert_non_null(error.reason);
}

static void assert_cpu(unsigned index, u32 apic_id, u32 uid, bool enabled, bool capable,
		       bool x2apic)
{
	assert_true(index < madt.cpu_count);
	assert_int_equal(madt.cpu[index].apic_id, apic_id);
	assert_int_equal(madt.cpu[index].uid, uid);
	assert_int_equal(madt.cpu[index].enabled, enabled);
	assert_int_equal(madt.cpu[index].online_capable, capable);
	assert_int_equal(madt.cpu[index].x2apic, x2apic);
}

static void test_header(void **state)
{
	(void)state;
	begin(1);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.local_apic.v, 0xfee00000);
	assert_true(madt.pcat_compat);
	assert_int_equal(madt.cpu_count, 0);
	begin(0xfffffffe);
	assert_int_equal(parse(), OK);
	assert_false(madt.pcat_compat);
}

static void test_cpus(void **state)
{
	(void)state;
	begin(1);
	put_cpu(1, 0, 1);
	put_cpu(2, 4, 0);
	put_cpu(3, 6, 2);
	put_x2cpu(0x12345, 0x1000, 1);
	put_x2cpu(9, 0xfffffffe, 0xfffffffe);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.cpu_count, 5);
	assert_cpu(0, 0, 1, true, false, false);
	assert_cpu(1, 4, 2, false, false, false);
	assert_cpu(2, 6, 3, false, true, false);
	assert_cpu(3, 0x1000, 0x12345, true, false, true);
	assert_cpu(4, 0xfffffffe, 9, false, true, true);
}

static void test_cpus_with_one_apic_id_are_merged(void **state)
{
	(void)state;
	begin(1);
	put_cpu(1, 0, 1);
	put_cpu(2, 2, 0);
	put_cpu(5, 0, 0); /* an unused slot with the ID of a CPU */
	put_x2cpu(1, 0, 1);
	put_x2cpu(7, 2, 1); /* this one tells that it is there */
	put_cpu(8, 2, 2);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.cpu_count, 2);
	assert_cpu(0, 0, 1, true, false, true);
	assert_cpu(1, 2, 7, true, true, true);
}

static void test_broadcast_ids_are_no_cpus(void **state)
{
	(void)state;
	begin(1);
	put_cpu(1, 0xff, 0);
	put_cpu(2, 0xff, 1);
	put_x2cpu(3, 0xffffffff, 1);
	put_x2cpu(4, 0xff, 1); /* as an x2APIC ID it is an ordinary one */
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.cpu_count, 1);
	assert_cpu(0, 0xff, 4, true, false, true);
	assert_int_equal(madt.cpu_dropped, 0);
}

static void test_too_many_cpus_are_dropped_and_counted(void **state)
{
	(void)state;
	begin(1);
	for (u32 i = 0; i < MADT_MAX_CPUS + 3; i++)
		put_x2cpu(i, i, 1);
	put_ioapic(1, 0xfec00000, 0);
	put_x2cpu(0, 7, 1); /* known already */
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.cpu_count, MADT_MAX_CPUS);
	assert_int_equal(madt.cpu_dropped, 3);
	assert_cpu(MADT_MAX_CPUS - 1, MADT_MAX_CPUS - 1, MADT_MAX_CPUS - 1, true, false, true);
	assert_int_equal(madt.ioapic_count, 1);
}

static void test_ioapics(void **state)
{
	(void)state;
	begin(1);
	for (u8 i = 0; i < MADT_MAX_IOAPICS; i++)
		put_ioapic(i + 8, 0xfec00000 + 0x1000 * i, 24 * i);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.ioapic_count, MADT_MAX_IOAPICS);
	assert_int_equal(madt.ioapic[1].id, 9);
	assert_int_equal(madt.ioapic[1].address.v, 0xfec01000);
	assert_int_equal(madt.ioapic[1].gsi_base, 24);
	u32 last = table.size;

	put_ioapic(1, 0xfed00000, 0);
	assert_refused(ERR_NO_MEMORY, last);
}

static void test_override_flags(void **state)
{
	static const struct {
		u16 flags;
		bool low, level;
	} cases[] = {
		{0x0, false, false},  {0x1, false, false}, {0x2, false, false},
		{0x3, true, false},   {0x4, false, false}, {0x5, false, false},
		{0x7, true, false},   {0x8, false, false}, {0xc, false, true},
		{0xd, false, true},   {0xf, true, true},   {0xfff0, false, false},
		{0xffff, true, true},
	};

	(void)state;
	begin(1);
	for (u8 i = 0; i < ARRAY_SIZE(cases); i++)
		put_override(0, i, 0x10000 + i, cases[i].flags);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.override_count, ARRAY_SIZE(cases));
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(madt.override[i].source, i);
		assert_int_equal(madt.override[i].gsi, 0x10000 + i);
		assert_int_equal(madt.override[i].active_low, cases[i].low);
		assert_int_equal(madt.override[i].level, cases[i].level);
	}
}

static void test_overrides_of_other_buses_and_too_many(void **state)
{
	(void)state;
	begin(1);
	put_override(1, 9, 20, 0xf);
	for (u8 i = 0; i < MADT_MAX_OVERRIDES; i++)
		put_override(0, i, i, 0);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.override_count, MADT_MAX_OVERRIDES);
	assert_int_equal(madt.unknown_count, 1);
	u32 last = table.size;

	put_override(0, 0, 0, 0);
	assert_refused(ERR_NO_MEMORY, last);
}

static void test_other_entries(void **state)
{
	(void)state;
	begin(1);
	put_header(3, 8);
	table_put_zeros(&table, 6);
	put_header(4, 6);
	table_put_zeros(&table, 4);
	put_header(10, 12);
	table_put_zeros(&table, 10);
	put_header(5, 12);
	table_put(&table, 2, 0);
	table_put(&table, 8, 0x123456789000);
	put_header(0x7f, 2);
	put_header(0x80, 255);
	table_put_zeros(&table, 253);
	put_cpu(0, 3, 1);
	assert_int_equal(parse(), OK);
	assert_int_equal(madt.nmi_count, 3);
	assert_int_equal(madt.local_apic.v, 0x123456789000);
	assert_int_equal(madt.unknown_count, 2);
	assert_cpu(0, 3, 0, true, false, false);
}

static void test_bad_header(void **state)
{
	struct bytes bytes;

	(void)state;
	begin(1);
	bytes = table_seal(&table);
	bytes.size = 43;
	assert_int_equal(madt_parse(bytes, &madt, &error), ERR_TRUNCATED);
	assert_int_equal(error.offset, 4);
	bytes.size = 44;
	table.data[40] ^= 1;
	assert_int_equal(madt_parse(bytes, &madt, &error), ERR_CHECKSUM);
	assert_int_equal(error.offset, 9);
	table.size = 43;
	assert_refused(ERR_INVALID, 4);
	table_begin(&table, "MCFG", 1);
	table_put_zeros(&table, 8);
	assert_refused(ERR_INVALID, 0);
}

static void test_entry_lengths(void **state)
{
	static const struct {
		u8 type, size;
	} known[] = {{0, 8}, {1, 12}, {2, 10}, {3, 8}, {4, 6}, {5, 12}, {9, 16}, {10, 12}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		begin(1);
		put_header(known[i].type, known[i].size);
		table_put_zeros(&table, known[i].size - 2);
		assert_int_equal(parse(), OK);
		assert_int_equal(madt.unknown_count, 0);
		table_set(&table, ENTRIES + 1, 1, 0);
		assert_refused(ERR_INVALID, ENTRIES + 1);
		table_set(&table, ENTRIES + 1, 1, 1);
		assert_refused(ERR_INVALID, ENTRIES + 1);
		table_set(&table, ENTRIES + 1, 1, known[i].size - 1);
		assert_refused(ERR_INVALID, ENTRIES + 1);
		table_set(&table, ENTRIES + 1, 1, known[i].size + 1);
		assert_refused(ERR_TRUNCATED, ENTRIES + 1);
	}
	for (u8 length = 0; length < 2; length++) {
		begin(1);
		put_header(0x7f, length);
		assert_refused(ERR_INVALID, ENTRIES + 1);
	}
	begin(1);
	put_cpu(0, 0, 1);
	table_put(&table, 1, 0);
	assert_refused(ERR_TRUNCATED, ENTRIES + 8);
}

static void check_damaged(struct bytes bytes)
{
	if (madt_parse(bytes, &madt, &error) != OK) {
		assert_true(error.offset <= bytes.size);
		assert_non_null(error.reason);
		return;
	}
	assert_true(madt.cpu_count <= MADT_MAX_CPUS);
	assert_true(madt.ioapic_count <= MADT_MAX_IOAPICS);
	assert_true(madt.override_count <= MADT_MAX_OVERRIDES);
}

static void check_corpus_table(const char *name, struct bytes bytes)
{
	if (madt_parse(bytes, &madt, &error) != OK)
		fail_msg("%s: offset %#x: %s", name, error.offset, error.reason);
	assert_true(madt.cpu_count > 0);
	assert_true(madt.cpu[0].enabled);
	assert_true(madt.ioapic_count > 0);
	assert_int_equal(madt.unknown_count, 0);
	table_damage(bytes, check_damaged);
}

static void test_corpus(void **state)
{
	(void)state;
	assert_true(corpus_each("apic", check_corpus_table) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_cpus_with_one_apic_id_are_merged),
		cmocka_unit_test(test_broadcast_ids_are_no_cpus),
		cmocka_unit_test(test_too_many_cpus_are_dropped_and_counted),
		cmocka_unit_test(test_ioapics),
		cmocka_unit_test(test_override_flags),
		cmocka_unit_test(test_overrides_of_other_buses_and_too_many),
		cmocka_unit_test(test_other_entries),
		cmocka_unit_test(test_bad_header),
		cmocka_unit_test(test_entry_lengths),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
