#include "hv/platform/acpi.h"

#include "hv/base/log.h"
#include "hv/base/string.h"

/* 5.2.5.3: the RSDP. */
#define RSDP_CHECKSUM	  8 /* over the first 20 bytes */
#define RSDP_OEM_ID	  9
#define RSDP_REVISION	  15
#define RSDP_RSDT	  16 /* u32 */
#define RSDP_LENGTH	  20 /* u32, from revision 2 on, as all that follows */
#define RSDP_XSDT	  24 /* u64 */
#define RSDP_EXT_CHECKSUM 32 /* over RSDP_LENGTH bytes */

/* The tables that are kept, and where. */
static const struct wanted {
	char signature[5];
	size_t offset; /* in struct acpi_tables */
} wanted_tables[] = {
	{"APIC", offsetof(struct acpi_tables, madt)},
	{"MCFG", offsetof(struct acpi_tables, mcfg)},
	{"FACP", offsetof(struct acpi_tables, fadt)},
	{"DMAR", offsetof(struct acpi_tables, dmar)},
};

/* Real machines have some dozens; each entry's header is mapped. */
#define MAX_ROOT_ENTRIES 1024

/* A table of tables: RSDT (5.2.7) or XSDT (5.2.8). */
struct root {
	const char *signature;
	u8 entry_size;
	hpa_t address; /* 0: none */
};

/* A revision 2 RSDP of which the loader copied the first 20 bytes only is as good as revision 0. */
static bool is_extended(struct bytes rsdp)
{
	return bytes_u8(rsdp, RSDP_REVISION) >= 2 && rsdp.size > ACPI_RSDP_SIZE_V1;
}

static enum status check_rsdp(struct bytes rsdp, struct acpi_error *error)
{
	if (!bytes_has(rsdp, 0, ACPI_RSDP_SIZE_V1))
		return acpi_refuse(error, ERR_TRUNCATED, (u32)rsdp.size,
				   "the RSDP has less than 20 bytes");
	if (memcmp(rsdp.data, "RSD PTR ", 8) != 0)
		return acpi_refuse(error, ERR_INVALID, 0, "the RSDP's signature is wrong");
	if (acpi_sum(bytes_slice(rsdp, 0, ACPI_RSDP_SIZE_V1)) != 0)
		return acpi_refuse(error, ERR_CHECKSUM, RSDP_CHECKSUM,
				   "the RSDP's first 20 bytes do not add up to zero");
	if (!is_extended(rsdp))
		return OK;

	u32 length = bytes_u32(rsdp, RSDP_LENGTH);

	if (length < ACPI_RSDP_SIZE)
		return acpi_refuse(error, ERR_INVALID, RSDP_LENGTH,
				   "the RSDP's length is less than 36 bytes");
	if (length > rsdp.size)
		return acpi_refuse(error, ERR_TRUNCATED, RSDP_LENGTH,
				   "the RSDP's length is more than there is of it");
	if (acpi_sum(bytes_slice(rsdp, 0, length)) != 0)
		return acpi_refuse(error, ERR_CHECKSUM, RSDP_EXT_CHECKSUM,
				   "the RSDP's bytes do not add up to zero");
	return OK;
}

/* Maps a table in two steps, since only its header tells its length, and checks it. */
static enum status map_table(acpi_map_t map, hpa_t address, const char *signature,
			     struct bytes *table, struct acpi_error *error)
{
	struct bytes header = map(address, ACPI_HEADER_SIZE);
	u32 length = bytes_u32(header, ACPI_LENGTH);

	if (!header.data)
		return acpi_refuse(error, ERR_NOT_FOUND, 0, "the table's header can't be mapped");
	if (length > ACPI_TABLE_MAX)
		return acpi_refuse(error, ERR_INVALID, ACPI_LENGTH,
				   "the table's length is beyond all reason");
	*table = map(address, max_u64(length, ACPI_HEADER_SIZE));
	if (!table->data)
		return acpi_refuse(error, ERR_NOT_FOUND, 0, "the table can't be mapped");
	return acpi_table_check(table, signature, ACPI_HEADER_SIZE, error);
}

static const struct wanted *find_wanted(struct bytes header)
{
	for (unsigned i = 0; i < ARRAY_SIZE(wanted_tables); i++)
		if (header.data && memcmp(header.data, wanted_tables[i].signature, 4) == 0)
			return &wanted_tables[i];
	return NULL;
}

/* Keeps the table at address if it is wanted and sound. The first of a kind serves. */
static void keep_table(acpi_map_t map, hpa_t address, struct acpi_tables *tables)
{
	const struct wanted *wanted = find_wanted(map(address, ACPI_HEADER_SIZE));
	struct acpi_error error;
	struct bytes table;

	if (!wanted)
		return;

	struct bytes *kept = (struct bytes *)((u8 *)tables + wanted->offset);

	if (map_table(map, address, wanted->signature, &table, &error) != OK) {
		tables->bad_count++;
		log_line("acpi", "%s at %#llx left out: offset %#x: %s", wanted->signature,
			 (unsigned long long)address.v, error.offset, error.reason);
	} else if (kept->data) {
		log_line("acpi", "%s at %#llx left out: there is one already", wanted->signature,
			 (unsigned long long)address.v);
	} else {
		*kept = table;
	}
}

static enum status walk_root(acpi_map_t map, const struct root *root, struct acpi_tables *tables,
			     struct acpi_error *error)
{
	struct bytes table = {NULL, 0};
	enum status status = map_table(map, root->address, root->signature, &table, error);

	if (status != OK)
		return status;
	tables->table_count = (u32)(table.size - ACPI_HEADER_SIZE) / root->entry_size;
	if (tables->table_count > MAX_ROOT_ENTRIES)
		return acpi_refuse(error, ERR_INVALID, ACPI_LENGTH,
				   "the table has more entries than a machine has tables");
	for (u32 i = 0; i < tables->table_count; i++) {
		size_t at = ACPI_HEADER_SIZE + (size_t)i * root->entry_size;

		/* The XSDT's entries are not aligned; bytes_u64() doesn't mind. */
		keep_table(map,
			   hpa(root->entry_size == 8 ? bytes_u64(table, at) : bytes_u32(table, at)),
			   tables);
	}
	return OK;
}

static void copy_oem_id(struct bytes rsdp, char *oem_id)
{
	for (unsigned i = 0; i < 6; i++) {
		u8 c = bytes_u8(rsdp, RSDP_OEM_ID + i);

		oem_id[i] = c >= ' ' && c <= '~' ? (char)c : '?';
	}
}

enum status acpi_find_tables(struct bytes rsdp, acpi_map_t map, struct acpi_tables *tables,
			     struct acpi_error *error)
{
	enum status status = check_rsdp(rsdp, error);

	if (status != OK)
		return status;
	*tables = (struct acpi_tables){.rsdp_revision = bytes_u8(rsdp, RSDP_REVISION)};
	copy_oem_id(rsdp, tables->oem_id);

	struct root roots[] = {
		{"XSDT", 8, hpa(is_extended(rsdp) ? bytes_u64(rsdp, RSDP_XSDT) : 0)},
		{"RSDT", 4, hpa(bytes_u32(rsdp, RSDP_RSDT))},
	};

	status = acpi_refuse(error, ERR_NOT_FOUND, RSDP_RSDT,
			     "the RSDP points to neither RSDT nor XSDT");
	for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
		if (!roots[i].address.v)
			continue;
		status = walk_root(map, &roots[i], tables, error);
		if (status == OK)
			break;
		log_line("acpi", "%s at %#llx: offset %#x: %s", roots[i].signature,
			 (unsigned long long)roots[i].address.v, error->offset, error->reason);
	}
	return status;
}

/* 5.2.5.1: an RSDP starts at a multiple of 16. */
static enum status scan(struct bytes area, u8 rsdp[ACPI_RSDP_SIZE], u8 *size)
{
	for (size_t at = 0; at < area.size; at += 16) {
		struct bytes found = bytes_slice(area, at, ACPI_RSDP_SIZE_V1);
		struct acpi_error error;

		if (bytes_u8(found, RSDP_REVISION) >= 2)
			found = bytes_slice(area, at, ACPI_RSDP_SIZE);
		if (check_rsdp(found, &error) != OK)
			continue;
		memcpy(rsdp, found.data, found.size);
		*size = (u8)found.size;
		return OK;
	}
	return ERR_NOT_FOUND;
}

enum status acpi_scan_rsdp(acpi_map_t map, u8 rsdp[ACPI_RSDP_SIZE], u8 *size)
{
	/* The BIOS data area has the segment of the EBDA, which is in the last KiBs below 640 KiB. */
	hpa_t ebda = hpa((u64)bytes_u16(map(hpa(0x40e), 2), 0) << 4);

	if (range_within(ebda.v, KIB(1), 0x80000, 0x20000) &&
	    scan(map(ebda, KIB(1)), rsdp, size) == OK)
		return OK;
	return scan(map(hpa(0xe0000), 0x20000), rsdp, size);
}
