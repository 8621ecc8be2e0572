// sources: iommu/dmar.c iommu/dmar_format.c hv/platform/acpi_table.c tests/host/table.c
/* The DMAR parser on good tables, hand-made for what real ones lack, and how they print. */
#include "tests/host/harness.h"

#include "iommu/dmar.h"
#include "tests/host/dmar_builder.h"

static void assert_line(unsigned structure, const char *wanted)
{
	char line[1024];
	size_t length = dmar_format(&dmar, &dmar.structure[structure], line, sizeof(line));

	assert_string_equal(line, wanted);
	assert_int_equal(length, strlen(wanted));
}

static void test_header(void **state)
{
	(void)state;
	begin();
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.revision, 1);
	assert_int_equal(dmar.host_address_width, 39);
	assert_int_equal(dmar.flags, 0x05);
	assert_int_equal(dmar.structure_count, 0);
	assert_int_equal(dmar.unknown_count, 0);
}

static void test_drhd(void **state)
{
	const u8 path[] = {0x1e, 7};

	(void)state;
	begin();
	u32 start = begin_drhd(DMAR_DRHD_INCLUDE_PCI_ALL, 0xf4, 5, 0xfed90000);

	put_scope(DMAR_SCOPE_IOAPIC, 0, 2, 0xf0, path, 1);
	end_structure(start);
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.structure_count, 1);

	const struct dmar_structure *drhd = &dmar.structure[0];

	assert_int_equal(drhd->type, DMAR_DRHD);
	assert_int_equal(drhd->offset, 48);
	assert_int_equal(drhd->flags, DMAR_DRHD_INCLUDE_PCI_ALL);
	assert_int_equal(drhd->size_code, 4); /* the upper half is reserved */
	assert_int_equal(drhd->segment, 5);
	assert_int_equal(drhd->base, 0xfed90000);
	assert_int_equal(drhd->first_scope, 0);
	assert_int_equal(drhd->scope_count, 1);
	assert_int_equal(dmar.scope[0].type, DMAR_SCOPE_IOAPIC);
	assert_int_equal(dmar.scope[0].enumeration_id, 2);
	assert_int_equal(dmar.scope[0].start_bus, 0xf0);
	assert_int_equal(dmar.scope[0].hop_count, 1);
	assert_int_equal(dmar.scope[0].hop[0].device, 0x1e);
	assert_int_equal(dmar.scope[0].hop[0].function, 7);
	assert_line(0, "DRHD offset 0x30 segment 5 flags 0x01 base 0xfed90000 size 0x10000 "
		       "scopes: ioapic id 2 f0:1e.7");
}

static void test_every_scope_type_and_paths_of_several_hops(void **state)
{
	const u8 path[] = {0x01, 0, 0x1f, 7, 0x02, 1, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};

	(void)state;
	begin();
	u32 start = begin_drhd(0, 0, 0, 0xfed90000);

	for (u8 type = 0; type <= 6; type++)
		put_scope(type, 0, type, 0x80, path, type ? type : 8);
	end_structure(start);
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.structure[0].scope_count, 7);
	for (u8 type = 0; type <= 6; type++) {
		const struct dmar_scope *scope = &dmar.scope[type];

		assert_int_equal(scope->type, type);
		assert_int_equal(scope->enumeration_id, type);
		assert_int_equal(scope->hop_count, type ? type : 8);
		assert_memory_equal(scope->hop, path, 2 * scope->hop_count);
	}
	assert_line(0, "DRHD offset 0x30 segment 0 flags 0x00 base 0xfed90000 size 0x1000 "
		       "scopes: type-0x0 id 0 80:01.0>1f.7>02.1>03.3>04.4>05.5>06.6>07.7; "
		       "endpoint id 1 80:01.0; bridge id 2 80:01.0>1f.7; "
		       "ioapic id 3 80:01.0>1f.7>02.1; hpet id 4 80:01.0>1f.7>02.1>03.3; "
		       "acpi id 5 80:01.0>1f.7>02.1>03.3>04.4; "
		       "type-0x6 id 6 80:01.0>1f.7>02.1>03.3>04.4>05.5");
}

static void test_rmrr(void **state)
{
	const u8 path[] = {0x14, 0};

	(void)state;
	begin();
	u32 start = begin_rmrr(3, 0x123456789000, 0x12345679ffff);

	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 1);
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1, path, 1);
	end_structure(start);
	assert_int_equal(parse(), OK);
	assert_line(0, "RMRR offset 0x30 segment 3 base 0x123456789000 limit 0x12345679ffff "
		       "scopes: endpoint 00:14.0; endpoint 01:14.0");
	assert_int_equal(dmar.structure[0].base, 0x123456789000);
	assert_int_equal(dmar.structure[0].limit, 0x12345679ffff);
	assert_int_equal(dmar.structure[0].segment, 3);
}

static void test_other_types(void **state)
{
	const u8 path[] = {0x1c, 4};
	u32 start;

	(void)state;
	begin();
	start = begin_structure(DMAR_ATSR);
	table_put(&table, 2, DMAR_ATSR_ALL_PORTS);
	table_put(&table, 2, 7);
	end_structure(start);
	start = begin_structure(DMAR_RHSA);
	table_put(&table, 4, 0);
	table_put(&table, 8, 0xfbffe000);
	table_put(&table, 4, 0x89abcdef);
	end_structure(start);
	start = begin_structure(DMAR_ANDD);
	table_put(&table, 4, 9u << 24);
	table_put_bytes(&table, "\\_SB.UA00", 10);
	end_structure(start);
	start = begin_structure(DMAR_SATC);
	table_put(&table, 2, DMAR_SATC_ATC_REQUIRED);
	table_put(&table, 2, 1);
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 1);
	end_structure(start);
	start = begin_structure(DMAR_SIDP);
	table_put(&table, 2, 0);
	table_put(&table, 2, 2);
	put_scope(DMAR_SCOPE_BRIDGE, 0x1c, 0, 0, path, 1);
	end_structure(start);

	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.structure_count, 5);
	assert_line(0, "ATSR offset 0x30 segment 7 flags 0x01 scopes: none");
	assert_line(1, "RHSA offset 0x38 base 0xfbffe000 proximity 2309737967");
	assert_line(2, "ANDD offset 0x4c device 9 name \\_SB.UA00");
	assert_line(3, "SATC offset 0x5e segment 1 flags 0x01 scopes: endpoint 00:1c.4");
	assert_line(4, "SIDP offset 0x6e segment 2 scopes: bridge flags 0x1c 00:1c.4");
	assert_int_equal(dmar.structure[1].proximity_domain, 0x89abcdef);
	assert_int_equal(dmar.structure[2].device_number, 9);
	assert_int_equal(dmar.structure[4].first_scope, 1);
	assert_int_equal(dmar.scope[1].flags, 0x1c);
}

static void test_unknown_structures_are_skipped_and_counted(void **state)
{
	(void)state;
	begin();
	for (u16 type = 7; type < 10; type++) {
		u32 start = begin_structure(type == 9 ? 0xffff : type);

		table_put_zeros(&table, type);
		end_structure(start);
	}
	end_structure(begin_drhd(0, 0, 0, 0x1000));
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.unknown_count, 3);
	assert_int_equal(dmar.structure_count, 1);
	assert_int_equal(dmar.structure[0].base, 0x1000);
}

static void test_names(void **state)
{
	char name[200];

	(void)state;
	memset(name, 'A', sizeof(name));
	begin();
	put_andd(name, sizeof(name)); /* too long, and without a NUL */
	put_andd("AB", 2);
	put_andd("", 0);
	put_andd("A\033[2J\n\xff", 8);
	assert_int_equal(parse(), OK);
	assert_int_equal(strlen(dmar.structure[0].name), DMAR_NAME_MAX - 1);
	assert_string_equal(dmar.structure[1].name, "AB");
	assert_string_equal(dmar.structure[2].name, "");
	assert_line(3, "ANDD offset 0x112 device 0 name A?[2J??");
}

static void test_bytes_after_the_table_are_not_read(void **state)
{
	(void)state;
	begin();
	end_structure(begin_drhd(0, 0, 0, 0x1000));
	table_seal(&table);
	table_put(&table, 8, 0x1234567890abcdef);
	assert_int_equal(dmar_parse((struct bytes){table.data, table.size}, &dmar, &error), OK);
	assert_int_equal(dmar.structure_count, 1);
}

static void test_a_line_is_cut_to_its_buffer(void **state)
{
	static const char whole[] = "DRHD offset 0x30 segment 0 flags 0x00 base 0x1000 "
				    "size 0x1000 scopes: none";
	char line[sizeof(whole) + 1];

	(void)state;
	begin();
	end_structure(begin_drhd(0, 0, 0, 0x1000));
	assert_int_equal(parse(), OK);
	for (size_t size = 0; size <= sizeof(line); size++) {
		size_t kept = size > sizeof(whole) ? sizeof(whole) - 1 : size ? size - 1 : 0;

		memset(line, '#', sizeof(line));
		assert_int_equal(dmar_format(&dmar, &dmar.structure[0], line, size),
				 sizeof(whole) - 1);
		assert_memory_equal(line, whole, kept);
		if (size)
			assert_int_equal(line[kept], 0);
		if (size < sizeof(line))
			assert_int_equal(line[size], '#');
	}
}

/* Any outcome will do, as long as it is a sound one. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_drhd),
		cmocka_unit_test(test_every_scope_type_and_paths_of_several_hops),
		cmocka_unit_test(test_rmrr),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_unknown_structures_are_skipped_and_counted),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bytes_after_the_table_are_not_read),
		cmocka_unit_test(test_a_line_is_cut_to_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
