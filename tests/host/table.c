#include "tests/host/table.h"

#include <dirent.h>

#include "hv/base/bits.h"
#include "hv/platform/acpi_table.h"
#include "tests/host/harness.h"

void table_begin(struct table *table, const char *signature, u8 revision)
{
	table->size = 0;
	table_put_bytes(table, signature, 4);
	table_put(table, 4, 0);
	table_put(table, 1, revision);
	table_put_zeros(table, ACPI_HEADER_SIZE - table->size);
}

void table_put_bytes(struct table *table, const void *bytes, u32 count)
{
	assert_true(count <= TABLE_MAX - table->size);
	memcpy(table->data + table->size, bytes, count);
	table->size += count;
}

void table_put_zeros(struct table *table, u32 count)
{
	assert_true(count <= TABLE_MAX - table->size);
	memset(table->data + table->size, 0, count);
	table->size += count;
}

void table_put(struct table *table, unsigned width, u64 value)
{
	table_put_zeros(table, width);
	table_set(table, table->size - width, width, value);
}

void table_set(struct table *table, u32 offset, unsigned width, u64 value)
{
	assert_true(range_within(offset, width, 0, table->size));
	for (unsigned i = 0; i < width; i++)
		table->data[offset + i] = (u8)(value >> (8 * i));
}

struct bytes table_sum(struct table *table)
{
	struct bytes bytes = {table->data, table->size};

	table->data[ACPI_CHECKSUM] = (u8)(table->data[ACPI_CHECKSUM] - acpi_sum(bytes));
	return bytes;
}

struct bytes table_seal(struct table *table)
{
	table_set(table, ACPI_LENGTH, 4, table->size);
	return table_sum(table);
}

static void check_copy(struct bytes table, table_check_t check)
{
	u8 *copy = malloc(table.size ? table.size : 1);

	assert_non_null(copy);
	memcpy(copy, table.data, table.size);
	check((struct bytes){copy, table.size});
	free(copy);
}

static void damage_length(struct bytes table, table_check_t check)
{
	static struct table copy;

	for (u32 size = 0; size < table.size; size++) {
		check_copy((struct bytes){table.data, size}, check);
		if (size < ACPI_HEADER_SIZE)
			continue;
		copy.size = 0;
		table_put_bytes(&copy, table.data, size);
		check_copy(table_seal(&copy), check);
	}
}

static void damage_at(struct table *copy, u32 offset, unsigned width, u64 value,
		      table_check_t check)
{
	u8 saved[2] = {copy->data[offset], copy->data[offset + width - 1]};

	table_set(copy, offset, width, value);
	check_copy(table_sum(copy), check);
	copy->data[offset] = saved[0];
	copy->data[offset + width - 1] = saved[1];
}

void table_damage(struct bytes table, table_check_t check)
{
	static struct table copy;

	damage_length(table, check);
	copy.size = 0;
	table_put_bytes(&copy, table.data, (u32)table.size);
	for (u32 at = 0; at < table.size; at++) {
		u8 byte = table.data[at];
		u8 changed[] = {(u8)~byte,	(u8)(byte ^ 1), (u8)(byte ^ 0x80), 0,
				(u8)(byte - 1), (u8)(byte + 1), (u8)(byte + 2)};

		for (unsigned i = 0; i < sizeof(changed); i++)
			damage_at(&copy, at, 1, changed[i], check);
		if (at + 1 < table.size) {
			damage_at(&copy, at, 2, 0xffff, check);
			damage_at(&copy, at, 2, table.size - at, check);
		}
	}
}

unsigned corpus_each(const char *kind, corpus_check_t check)
{
	const char *corpus = corpus_folder();
	char path[1024];
	unsigned count = 0;

	snprintf(path, sizeof(path), "%s/%s", corpus ? corpus : ".", kind);
	DIR *folder = corpus ? opendir(path) : NULL;

	if (!folder) {
		printf("SKIPPED corpus of %s tables: the folder ../shared/corpus/%s is missing\n",
		       kind, kind);
		skip();
	}
	for (struct dirent *entry; (entry = readdir(folder));) {
		struct bytes table;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", corpus, kind, entry->d_name);
		u8 *data = read_whole_file(path, &table.size);

		assert_non_null(data);
		table.data = data;
		check(entry->d_name, table);
		free(data);
		count++;
	}
	closedir(folder);
	return count;
}
