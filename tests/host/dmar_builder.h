/* Making DMAR tables structure by structure, and parsing them. Each test program has one of its own. */
#ifndef TESTS_HOST_DMAR_BUILDER_H
#define TESTS_HOST_DMAR_BUILDER_H

#include "iommu/dmar.h"
#include "tests/host/harness.h"
#include "tests/host/table.h"

static struct table table;
static struct dmar dmar;
static struct dmar_error error;

static inline void begin(void)
{
	table_begin(&table, "DMAR", 1);
	table_put(&table, 1, 38);
	table_put(&table, 1, 0x05);
	table_put_zeros(&table, 10);
}

/* A remapping structure's header and fixed part; what follows is up to end_structure(). */
static inline u32 begin_structure(u16 type)
{
	u32 start = table.size;

	table_put(&table, 2, type);
	table_put(&table, 2, 0);
	return start;
}

static inline void end_structure(u32 start)
{
	table_set(&table, start + 2, 2, table.size - start);
}

static inline u32 begin_drhd(u8 flags, u8 size_code, u16 segment, u64 base)
{
	u32 start = begin_structure(DMAR_DRHD);

	table_put(&table, 1, flags);
	table_put(&table, 1, size_code);
	table_put(&table, 2, segment);
	table_put(&table, 8, base);
	return start;
}

static inline u32 begin_rmrr(u16 segment, u64 base, u64 limit)
{
	u32 start = begin_structure(DMAR_RMRR);

	table_put(&table, 2, 0);
	table_put(&table, 2, segment);
	table_put(&table, 8, base);
	table_put(&table, 8, limit);
	return start;
}

static inline void put_scope(u8 type, u8 flags, u8 id, u8 bus, const u8 *path, u8 hops)
{
	table_put(&table, 1, type);
	table_put(&table, 1, 6 + 2 * hops);
	table_put(&table, 1, flags);
	table_put(&table, 1, 0);
	table_put(&table, 1, id);
	table_put(&table, 1, bus);
	table_put_bytes(&table, path, 2 * hops);
}

static inline void put_andd(const char *name, u32 count)
{
	u32 start = begin_structure(DMAR_ANDD);

	table_put(&table, 4, 0);
	table_put_bytes(&table, name, count);
	end_structure(start);
}

static inline enum status parse(void)
{
	return dmar_parse(table_seal(&table), &dmar, &error);
}

static inline void assert_refused(enum status wanted, u32 offset)
{
	assert_int_equal(parse(), wanted);
	assert_int_equal(error.offset, offset);
	assert_non_null(error.reason);
}

#endif
