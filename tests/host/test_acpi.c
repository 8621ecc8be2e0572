// sources: hv/platform/acpi.c hv/platform/acpi_table.c tests/host/table.c
/* Finding ACPI tables: RSDP, RSDT, XSDT, and the scan of low memory. */
#include "tests/host/harness.h"

#include "hv/base/bits.h"
#include "hv/platform/acpi.h"
#include "tests/host/table.h"

/* Physical memory: 1 MiB from 0, where scans look, and 2 MiB at 256 MiB, where tables are. */
#define HIGH_BASE 0x10000000ull

static u8 low[MIB(1)];
static u8 high[MIB(2)];
static u64 next_place;
static struct table table;
static struct acpi_tables tables;
static struct acpi_error error;
static u64 unmappable; /* an address at which mapping fails */

static struct bytes map(hpa_t address, u64 size)
{
	if (unmappable && range_within(unmappable, 1, address.v, size))
		return (struct bytes){NULL, 0};
	if (range_within(address.v, size, 0, sizeof(low)))
		return (struct bytes){low + address.v, size};
	if (range_within(address.v, size, HIGH_BASE, sizeof(high)))
		return (struct bytes){high + (address.v - HIGH_BASE), size};
	return (struct bytes){NULL, 0};
}

static int set_up(void **state)
{
	(void)state;
	memset(low, 0, sizeof(low));
	memset(high, 0xcc, sizeof(high));
	next_place = HIGH_BASE + 1; /* nothing is aligned */
	unmappable = 0;
	captured_log_clear();
	memset(&tables, 0xaa, sizeof(tables));
	return 0;
}

/* Puts the table being made into memory as it is; returns where. */
static u64 place(void)
{
	u64 address = next_place;

	memcpy(high + (address - HIGH_BASE), table.data, table.size);
	next_place += table.size + 1;
	return address;
}

static u64 place_table(const char *signature, u32 payload)
{
	table_begin(&table, signature, 1);
	table_put_zeros(&table, payload);
	table_seal(&table);
	return place();
}

static u64 place_root(const char *signature, const u64 *entries, unsigned count)
{
	table_begin(&table, signature, 1);
	for (unsigned i = 0; i < count; i++)
		table_put(&table, signature[0] == 'X' ? 8 : 4, entries[i]);
	table_seal(&table);
	return place();
}

/* Makes the first size bytes add up to zero by the one at. */
static void balance(u8 *rsdp, unsigned at, unsigned size)
{
	rsdp[at] = (u8)(rsdp[at] - acpi_sum((struct bytes){rsdp, size}));
}

static void put_u32(u8 *at, u64 value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (u8)(value >> (8 * i));
}

static struct bytes make_rsdp(u8 *rsdp, u8 revision, u64 rsdt, u64 xsdt)
{
	memset(rsdp, 0, ACPI_RSDP_SIZE);
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, "SLUICE", 6);
	rsdp[15] = revision;
	put_u32(rsdp + 16, rsdt);
	balance(rsdp, 8, 20);
	if (revision < 2)
		return (struct bytes){rsdp, 20};
	rsdp[20] = ACPI_RSDP_SIZE;
	put_u32(rsdp + 24, xsdt);
	put_u32(rsdp + 28, xsdt >> 32);
	balance(rsdp, 32, 36);
	return (struct bytes){rsdp, 36};
}

static enum status find(u8 revision, u64 rsdt, u64 xsdt)
{
	u8 rsdp[ACPI_RSDP_SIZE];

	return acpi_find_tables(make_rsdp(rsdp, revision, rsdt, xsdt), map, &tables, &error);
}

static void assert_is(struct bytes found, u64 address, u32 size)
{
	assert_ptr_equal(found.data, high + (address - HIGH_BASE));
	assert_int_equal(found.size, size);
}

static void test_xsdt(void **state)
{
	u64 entry[] = {
		place_table("FACP", 240), place_table("SSDT", 9),  place_table("APIC", 8),
		place_table("MCFG", 24),  place_table("DMAR", 28),
	};
	u64 xsdt = place_root("XSDT", entry, ARRAY_SIZE(entry));

	(void)state;
	assert_int_equal(find(2, 0, xsdt), OK);
	assert_int_equal(tables.table_count, 5);
	assert_int_equal(tables.bad_count, 0);
	assert_int_equal(tables.rsdp_revision, 2);
	assert_string_equal(tables.oem_id, "SLUICE");
	assert_is(tables.fadt, entry[0], 276);
	assert_is(tables.madt, entry[2], 44);
	assert_is(tables.mcfg, entry[3], 60);
	assert_is(tables.dmar, entry[4], 64);
	assert_string_equal(captured_log(), "");
}

static void test_rsdt_of_revision_0(void **state)
{
	u64 entry[] = {place_table("APIC", 8), place_table("DMAR", 12)};
	u64 rsdt = place_root("RSDT", entry, ARRAY_SIZE(entry));

	(void)state;
	assert_int_equal(find(0, rsdt, 0), OK);
	assert_int_equal(tables.table_count, 2);
	assert_int_equal(tables.rsdp_revision, 0);
	assert_is(tables.madt, entry[0], 44);
	assert_is(tables.dmar, entry[1], 48);
	assert_null(tables.mcfg.data);
	assert_int_equal(tables.mcfg.size, 0);
	assert_null(tables.fadt.data);
}

static void test_xsdt_goes_before_rsdt(void **state)
{
	u64 old = place_table("APIC", 8);
	u64 new = place_table("APIC", 16);
	u64 rsdt = place_root("RSDT", &old, 1);
	u64 xsdt = place_root("XSDT", &new, 1);
	u8 rsdp[ACPI_RSDP_SIZE];
	struct bytes bytes = make_rsdp(rsdp, 2, rsdt, xsdt);

	(void)state;
	assert_int_equal(find(2, rsdt, xsdt), OK);
	assert_is(tables.madt, new, 52);
	assert_int_equal(find(2, rsdt, 0), OK);
	assert_is(tables.madt, old, 44);
	/* Loaders may give the first 20 bytes of a revision 2 RSDP. */
	bytes.size = 20;
	assert_int_equal(acpi_find_tables(bytes, map, &tables, &error), OK);
	assert_is(tables.madt, old, 44);
}

static void test_rsdt_serves_where_the_xsdt_is_broken(void **state)
{
	u64 apic = place_table("APIC", 8);
	u64 rsdt = place_root("RSDT", &apic, 1);
	u64 xsdt = place_root("XSDT", &apic, 1);

	(void)state;
	high[xsdt - HIGH_BASE + 40] ^= 1;
	assert_int_equal(find(2, rsdt, xsdt), OK);
	assert_is(tables.madt, apic, 44);
	assert_non_null(strstr(captured_log(), "XSDT"));
	assert_int_equal(find(2, 0, xsdt), ERR_CHECKSUM);
	assert_int_equal(find(2, 0, rsdt), ERR_INVALID); /* the signature */
}

static void test_no_root(void **state)
{
	(void)state;
	assert_int_equal(find(2, 0, 0), ERR_NOT_FOUND);
	assert_int_equal(find(2, 0, 0xdead00000000), ERR_NOT_FOUND);
	assert_non_null(error.reason);
}

static void test_root_lengths(void **state)
{
	u64 apic = place_table("APIC", 8);
	u64 xsdt = place_root("XSDT", &apic, 1);
	u8 *length = high + (xsdt - HIGH_BASE) + 4;

	(void)state;
	for (unsigned i = 0; i < 36; i++) {
		put_u32(length, i);
		assert_int_equal(find(2, 0, xsdt), ERR_INVALID);
		assert_int_equal(error.offset, 4);
	}
	put_u32(length, ACPI_TABLE_MAX + 1);
	assert_int_equal(find(2, 0, xsdt), ERR_INVALID);

	/* More entries than one maps headers for. */
	table_begin(&table, "XSDT", 1);
	table_put_zeros(&table, 1025 * 8);
	table_seal(&table);
	assert_int_equal(find(2, 0, place()), ERR_INVALID);
	table_begin(&table, "XSDT", 1);
	table_seal(&table);
	assert_int_equal(find(2, 0, place()), OK);
	assert_int_equal(tables.table_count, 0);
}

static void test_bad_tables_are_left_out_and_told(void **state)
{
	u64 entry[] = {
		place_table("APIC", 8),
		place_table("MCFG", 24),
		place_table("FACP", 80),
		place_table("DMAR", 12),
		place_table("SSDT", 1),
		0xdead00000000,
		0,
	};
	u64 xsdt = place_root("XSDT", entry, ARRAY_SIZE(entry));

	(void)state;
	high[entry[0] - HIGH_BASE + 40] ^= 1;		 /* checksum */
	put_u32(high + (entry[1] - HIGH_BASE) + 4, 20);	 /* length below the header */
	put_u32(high + (entry[2] - HIGH_BASE) + 4, ~0u); /* length beyond reason */
	high[entry[4] - HIGH_BASE + 36] ^= 1;		 /* not one of ours */
	assert_int_equal(find(2, 0, xsdt), OK);
	assert_int_equal(tables.table_count, 7);
	assert_int_equal(tables.bad_count, 3);
	assert_null(tables.madt.data);
	assert_null(tables.mcfg.data);
	assert_null(tables.fadt.data);
	assert_is(tables.dmar, entry[3], 48);
	assert_non_null(strstr(captured_log(), "acpi: APIC at"));
	assert_non_null(strstr(captured_log(), "acpi: MCFG at"));
	assert_non_null(strstr(captured_log(), "acpi: FACP at"));
	assert_null(strstr(captured_log(), "SSDT"));
}

static void test_a_table_that_ends_where_nothing_is_mapped(void **state)
{
	u64 apic = place_table("APIC", 100);
	u64 xsdt = place_root("XSDT", &apic, 1);

	(void)state;
	unmappable = apic + 120;
	assert_int_equal(find(2, 0, xsdt), OK);
	assert_int_equal(tables.bad_count, 1);
	assert_null(tables.madt.data);
}

static void test_the_first_of_two_serves(void **state)
{
	u64 entry[] = {place_table("APIC", 8), place_table("APIC", 16)};
	u64 xsdt = place_root("XSDT", entry, 2);

	(void)state;
	assert_int_equal(find(2, 0, xsdt), OK);
	assert_is(tables.madt, entry[0], 44);
	assert_int_equal(tables.bad_count, 0);
	high[entry[0] - HIGH_BASE + 40] ^= 1;
	assert_int_equal(find(2, 0, xsdt), OK);
	assert_is(tables.madt, entry[1], 52);
	assert_int_equal(tables.bad_count, 1);
}

static void refuse_rsdp(struct bytes rsdp, enum status status, u32 offset)
{
	assert_int_equal(acpi_find_tables(rsdp, map, &tables, &error), status);
	assert_int_equal(error.offset, offset);
	assert_non_null(error.reason);
}

static void test_bad_rsdp(void **state)
{
	u64 apic = place_table("APIC", 8);
	u64 xsdt = place_root("XSDT", &apic, 1);
	u8 rsdp[ACPI_RSDP_SIZE];
	struct bytes bytes = make_rsdp(rsdp, 2, 0, xsdt);

	(void)state;
	rsdp[16] ^= 1;
	refuse_rsdp(bytes, ERR_CHECKSUM, 8);
	rsdp[16] ^= 1;
	rsdp[33] ^= 1; /* reserved bytes count too */
	refuse_rsdp(bytes, ERR_CHECKSUM, 32);
	rsdp[33] ^= 1;
	rsdp[0] = 'r';
	refuse_rsdp(bytes, ERR_INVALID, 0);
	rsdp[0] = 'R';
	for (size_t size = 0; size < 20; size++)
		refuse_rsdp((struct bytes){rsdp, size}, ERR_TRUNCATED, (u32)size);
	for (size_t size = 21; size < 36; size++)
		refuse_rsdp((struct bytes){rsdp, size}, ERR_TRUNCATED, 20);
	rsdp[20] = 35;
	refuse_rsdp(bytes, ERR_INVALID, 20);
	rsdp[20] = 37;
	refuse_rsdp(bytes, ERR_TRUNCATED, 20);
	rsdp[20] = 36;
	assert_int_equal(acpi_find_tables(bytes, map, &tables, &error), OK);
	refuse_rsdp((struct bytes){NULL, 0}, ERR_TRUNCATED, 0);
}

static void test_oem_id_is_made_printable(void **state)
{
	u64 xsdt = place_root("XSDT", NULL, 0);
	u8 rsdp[ACPI_RSDP_SIZE];
	struct bytes bytes = make_rsdp(rsdp, 2, 0, xsdt);

	(void)state;
	memcpy(rsdp + 9, "A\033 \0\xff~", 6);
	balance(rsdp, 8, 20);
	balance(rsdp, 32, 36);
	assert_int_equal(acpi_find_tables(bytes, map, &tables, &error), OK);
	assert_string_equal(tables.oem_id, "A? ??~");
}

static void test_scan(void **state)
{
	static const u32 places[] = {0xe0000, 0xe0010, 0xf5ab0, 0xfffd0, 0x9fc00, 0x9ffd0};
	u8 rsdp[ACPI_RSDP_SIZE];
	u8 found[ACPI_RSDP_SIZE];
	u8 size;

	(void)state;
	for (u8 revision = 0; revision <= 2; revision += 2) {
		struct bytes bytes = make_rsdp(rsdp, revision, 0x1000, 0x2000);

		for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
			memset(low, 0, sizeof(low));
			put_u32(low + 0x40e, 0x9fc0);
			memcpy(low + places[i], rsdp, bytes.size);
			size = 0;
			assert_int_equal(acpi_scan_rsdp(map, found, &size), OK);
			assert_int_equal(size, bytes.size);
			assert_memory_equal(found, rsdp, size);
		}
	}
}

static void test_scan_finds_nothing(void **state)
{
	static const u32 places[] = {0xe0008, 0x9fbf0, 0xdfff0, 0xffff0};
	u8 rsdp[ACPI_RSDP_SIZE];
	u8 found[ACPI_RSDP_SIZE];
	u8 size;
	struct bytes bytes = make_rsdp(rsdp, 2, 0x1000, 0x2000);

	(void)state;
	assert_int_equal(acpi_scan_rsdp(map, found, &size), ERR_NOT_FOUND);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		memset(low, 0, sizeof(low));
		put_u32(low + 0x40e, 0x9fc0);
		memcpy(low + places[i], rsdp, min_u64(bytes.size, sizeof(low) - places[i]));
		assert_int_equal(acpi_scan_rsdp(map, found, &size), ERR_NOT_FOUND);
	}
	/* An EBDA that can't be one is not looked at; a broken RSDP is passed over. */
	memset(low, 0, sizeof(low));
	put_u32(low + 0x40e, 0x1000);
	memcpy(low + 0x10000, rsdp, 36);
	memcpy(low + 0xe0000, rsdp, 36);
	low[0xe0000 + 35] ^= 1;
	assert_int_equal(acpi_scan_rsdp(map, found, &size), ERR_NOT_FOUND);
	memcpy(low + 0xe0100, rsdp, 36);
	assert_int_equal(acpi_scan_rsdp(map, found, &size), OK);
	unmappable = 0x40e;
	assert_int_equal(acpi_scan_rsdp(map, found, &size), OK);
	unmappable = 0xe0000;
	assert_int_equal(acpi_scan_rsdp(map, found, &size), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_xsdt, set_up),
		cmocka_unit_test_setup(test_rsdt_of_revision_0, set_up),
		cmocka_unit_test_setup(test_xsdt_goes_before_rsdt, set_up),
		cmocka_unit_test_setup(test_rsdt_serves_where_the_xsdt_is_broken, set_up),
		cmocka_unit_test_setup(test_no_root, set_up),
		cmocka_unit_test_setup(test_root_lengths, set_up),
		cmocka_unit_test_setup(test_bad_tables_are_left_out_and_told, set_up),
		cmocka_unit_test_setup(test_a_table_that_ends_where_nothing_is_mapped, set_up),
		cmocka_unit_test_setup(test_the_first_of_two_serves, set_up),
		cmocka_unit_test_setup(test_bad_rsdp, set_up),
		cmocka_unit_test_setup(test_oem_id_is_made_printable, set_up),
		cmocka_unit_test_setup(test_scan, set_up),
		cmocka_unit_test_setup(test_scan_finds_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
