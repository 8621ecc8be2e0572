// sources: iommu/dmar.c iommu/dmar_format.c hv/platform/acpi_table.c tests/host/table.c
/* The DMAR parser on malformed and damaged tables, and on the corpus of real ones. */
#include "tests/host/harness.h"

#include "iommu/dmar.h"
#include "tests/host/dmar_builder.h"

/* Any outcome will do, as long as it is a sound one. */
static void check_damaged(struct bytes bytes)
{
	char line[300];

	if (dmar_parse(bytes, &dmar, &error) != OK) {
		assert_true(error.offset <= bytes.size);
		assert_non_null(error.reason);
		return;
	}
	assert_true(dmar.structure_count <= DMAR_MAX_STRUCTURES);
	for (unsigned i = 0; i < dmar.structure_count; i++) {
		const struct dmar_structure *structure = &dmar.structure[i];

		assert_true(structure->offset < bytes.size);
		assert_true(structure->first_scope + structure->scope_count <= dmar.scope_count);
		dmar_format(&dmar, structure, line, sizeof(line));
	}
}

static void test_bad_header(void **state)
{
	struct bytes bytes;

	(void)state;
	begin();
	end_structure(begin_drhd(0, 0, 0, 0x1000));
	bytes = table_seal(&table);
	table.data[3] = 'Q';
	assert_int_equal(dmar_parse(table_sum(&table), &dmar, &error), ERR_INVALID);
	assert_int_equal(error.offset, 0);
	table.data[3] = 'R';
	table.data[50] ^= 1;
	assert_int_equal(dmar_parse(bytes, &dmar, &error), ERR_CHECKSUM);
	assert_int_equal(error.offset, 9);
	table.data[50] ^= 1;

	const struct {
		u32 length;
		enum status status;
	} cases[] = {{0, ERR_INVALID},
		     {35, ERR_INVALID},
		     {36, ERR_INVALID},
		     {47, ERR_INVALID},
		     {table.size + 1, ERR_TRUNCATED},
		     {0xffffffff, ERR_TRUNCATED}};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		table_set(&table, 4, 4, cases[i].length);
		assert_int_equal(dmar_parse(table_sum(&table), &dmar, &error), cases[i].status);
		assert_int_equal(error.offset, 4);
	}
	assert_int_equal(dmar_parse((struct bytes){NULL, 0}, &dmar, &error), ERR_TRUNCATED);
	assert_int_equal(error.offset, 0);
}

static void test_host_address_width(void **state)
{
	(void)state;
	begin();
	table_set(&table, 36, 1, 63);
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.host_address_width, 64);
	table_set(&table, 36, 1, 64);
	assert_refused(ERR_INVALID, 36);
	table_set(&table, 36, 1, 255);
	assert_refused(ERR_INVALID, 36);
}

static void test_structure_lengths(void **state)
{
	/* Each type's fixed part, less a byte, is refused. */
	static const u8 fixed[] = {16, 24, 8, 20, 8, 8, 8};
	u32 start;

	(void)state;
	for (u16 type = 0; type < ARRAY_SIZE(fixed); type++) {
		begin();
		end_structure(begin_drhd(0, 0, 0, 0x1000));
		start = begin_structure(type);
		table_put_zeros(&table, fixed[type] - 5);
		end_structure(start);
		assert_refused(ERR_INVALID, start + 2);
		table_put_zeros(&table, 1);
		end_structure(start);
		assert_int_equal(parse(), OK);
		assert_int_equal(dmar.structure_count, 2);
	}
	for (u16 type = 0; type < 20; type++) {
		begin();
		start = begin_structure(type);
		table_put_zeros(&table, 60);
		for (u16 length = 0; length < 4; length++) {
			table_set(&table, start + 2, 2, length);
			assert_refused(ERR_INVALID, start + 2);
		}
		table_set(&table, start + 2, 2, 65);
		assert_refused(ERR_TRUNCATED, start + 2);
		table_set(&table, start + 2, 2, 0xffff);
		assert_refused(ERR_TRUNCATED, start + 2);
	}
	for (u32 rest = 1; rest < 4; rest++) {
		begin();
		end_structure(begin_drhd(0, 0, 0, 0x1000));
		table_put_zeros(&table, rest);
		assert_refused(ERR_TRUNCATED, 64);
	}
}

static void test_scope_lengths(void **state)
{
	const u8 path[20] = {0};
	u32 start;
	u32 scope;

	(void)state;
	begin();
	start = begin_drhd(0, 0, 0, 0x1000);
	scope = table.size;
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 2);
	end_structure(start);
	end_structure(begin_drhd(0, 0, 0, 0x2000)); /* bytes past the structure, in the table */
	assert_int_equal(parse(), OK);

	for (u8 length = 0; length < 8; length++) {
		table_set(&table, scope + 1, 1, length);
		assert_refused(ERR_INVALID, scope + 1);
	}
	table_set(&table, scope + 1, 1, 9);
	assert_refused(ERR_INVALID, scope + 1);
	table_set(&table, scope + 1, 1, 8); /* leaves two bytes that are no entry */
	assert_refused(ERR_TRUNCATED, scope + 8);
	table_set(&table, scope + 1, 1, 12); /* past the structure */
	assert_refused(ERR_TRUNCATED, scope + 1);
	table_set(&table, scope + 1, 1, 0xfe);
	assert_refused(ERR_TRUNCATED, scope + 1);
}

static void test_paths(void **state)
{
	u8 path[2 * (DMAR_MAX_HOPS + 1)] = {0};
	u32 start;
	u32 scope;

	(void)state;
	begin();
	start = begin_drhd(0, 0, 0, 0x1000);
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 1);
	scope = table.size;
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, DMAR_MAX_HOPS + 1);
	end_structure(start);
	assert_refused(ERR_UNSUPPORTED, scope + 1);

	/* What is no device and function can't become a requester ID. */
	begin();
	start = begin_drhd(0, 0, 0, 0x1000);
	scope = table.size;
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 2);
	end_structure(start);
	table_set(&table, scope + 8, 1, 31);
	table_set(&table, scope + 9, 1, 7);
	assert_int_equal(parse(), OK);
	table_set(&table, scope + 8, 1, 32);
	assert_refused(ERR_INVALID, scope + 8);
	table_set(&table, scope + 8, 1, 31);
	table_set(&table, scope + 9, 1, 8);
	assert_refused(ERR_INVALID, scope + 8);
}

static void test_register_base(void **state)
{
	(void)state;
	begin();
	u32 start = begin_drhd(0, 0, 0, 0);

	end_structure(start);
	assert_int_equal(parse(), OK); /* a unit that is off, as real tables have it */
	assert_int_equal(dmar.structure[0].base, 0);
	table_set(&table, start + 8, 8, 0xfed90800);
	assert_refused(ERR_INVALID, start + 8);
}

static void test_reserved_memory_range(void **state)
{
	const struct {
		u64 base, limit;
		enum status status;
	} cases[] = {
		{0x1000, 0x1fff, OK},
		{0x1234, 0x5678, OK}, /* not of whole pages: rounded by who maps it */
		{0x1000, 0x1000, OK},
		{0x1000, 0x0fff, ERR_INVALID},
		{0x2000, 0, ERR_INVALID},
		{0, UINT64_MAX, ERR_INVALID},
		{0xfffffffffffff000, UINT64_MAX, ERR_INVALID},
		{0, UINT64_MAX - 0x1000, OK},
		{0, UINT64_MAX - 0xfff, ERR_INVALID},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		end_structure(begin_rmrr(0, cases[i].base, cases[i].limit));
		assert_int_equal(parse(), cases[i].status);
		if (cases[i].status != OK)
			assert_int_equal(error.offset, 48 + 16);
	}
}

static void test_maxima(void **state)
{
	const u8 path[2] = {0};
	u32 start = 0;

	(void)state;
	begin();
	for (unsigned i = 0; i < DMAR_MAX_STRUCTURES; i++)
		end_structure(begin_drhd(0, 0, 0, 0x1000));
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.structure_count, DMAR_MAX_STRUCTURES);
	start = table.size;
	end_structure(begin_drhd(0, 0, 0, 0x1000));
	assert_refused(ERR_NO_MEMORY, start);

	begin();
	start = begin_drhd(0, 0, 0, 0x1000);
	for (unsigned i = 0; i < DMAR_MAX_SCOPES; i++)
		put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 1);
	end_structure(start);
	assert_int_equal(parse(), OK);
	assert_int_equal(dmar.scope_count, DMAR_MAX_SCOPES);
	u32 last = table.size;

	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 1);
	end_structure(start);
	assert_refused(ERR_NO_MEMORY, last);
}

static void test_damaged_hand_made_table(void **state)
{
	const u8 path[] = {1, 2, 3, 4, 5, 6};
	u32 start;

	(void)state;
	begin();
	start = begin_drhd(1, 0, 5, 0xfed90000);
	put_scope(DMAR_SCOPE_BRIDGE, 0, 0, 0, path, 3);
	put_scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0, path, 1);
	end_structure(start);
	put_andd("\\_SB", 5);
	start = begin_structure(DMAR_SIDP);
	table_put(&table, 4, 0);
	put_scope(DMAR_SCOPE_ENDPOINT, 0x1f, 0, 0, path, 2);
	end_structure(start);
	table_damage(table_seal(&table), check_damaged);
}

static void check_corpus_table(const char *name, struct bytes bytes)
{
	enum status status = dmar_parse(bytes, &dmar, &error);

	if (status != OK)
		fail_msg("%s: offset %#x: %s", name, error.offset, error.reason);
	assert_int_equal(dmar.unknown_count, 0);
	table_damage(bytes, check_damaged);
}

static unsigned structures_of_type[8];

static void count_structures(const char *name, struct bytes bytes)
{
	(void)name;
	assert_int_equal(dmar_parse(bytes, &dmar, &error), OK);
	for (unsigned i = 0; i < dmar.structure_count; i++)
		structures_of_type[dmar.structure[i].type]++;
}

static void test_corpus(void **state)
{
	(void)state;
	assert_true(corpus_each("dmar", check_corpus_table) > 0);
}

static void test_corpus_counts(void **state)
{
	(void)state;
	corpus_each("dmar", count_structures);
	for (unsigned type = DMAR_DRHD; type <= DMAR_SIDP; type++)
		assert_true(structures_of_type[type] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_header),
		cmocka_unit_test(test_host_address_width),
		cmocka_unit_test(test_structure_lengths),
		cmocka_unit_test(test_scope_lengths),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_register_base),
		cmocka_unit_test(test_reserved_memory_range),
		cmocka_unit_test(test_maxima),
		cmocka_unit_test(test_damaged_hand_made_table),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_corpus_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
