// sources: hv/platform/acpi.c hv/platform/acpi_table.c
// runs: 8000
// max_len: 1024
/*
 * RSDP, RSDT and XSDT: a machine whose firmware area begins with the input. Its last byte says whether
 * checksums are put right as tables are mapped, and whether the RSDP is looked for or given.
 */
#include "tests/fuzz/fuzz.h"

#include "hv/platform/acpi.h"

#define AREA	  0xe0000ull
#define AREA_SIZE 0x20000u
#define REPAIRED  0x1
#define GIVEN_V1  0x2
#define GIVEN_V2  0x4
#define MAPS_KEPT 8192

static u8 area[AREA_SIZE];
static bool repaired;
static u8 *kept[MAPS_KEPT]; /* what was mapped stays so */
static u32 kept_count;

static struct bytes map(hpa_t address, u64 size)
{
	MUST(size && size <= ACPI_TABLE_MAX);
	if (!range_within(address.v, size, AREA, AREA_SIZE))
		return (struct bytes){NULL, 0};

	u8 *copy = fuzz_copy((struct bytes){area + (address.v - AREA), size});

	MUST(kept_count < MAPS_KEPT);
	kept[kept_count++] = copy;
	if (repaired && size >= ACPI_HEADER_SIZE && size < AREA_SIZE) {
		char signature[4];

		memcpy(signature, copy, sizeof(signature));
		fuzz_table_seal(copy, size, signature);
		/* The header alone has the length of the table, which stays as it was. */
		memcpy(copy + ACPI_LENGTH, area + (address.v - AREA) + ACPI_LENGTH, 4);
	}
	return (struct bytes){copy, size};
}

static void repair_rsdp(void)
{
	u8 sum = 0;

	memcpy(area, "RSD PTR ", 8);
	area[8] = 0;
	for (unsigned i = 0; i < ACPI_RSDP_SIZE_V1; i++)
		sum += area[i];
	area[8] = (u8)-sum;
	sum = 0;
	area[32] = 0;
	for (unsigned i = 0; i < ACPI_RSDP_SIZE; i++)
		sum += area[i];
	area[32] = (u8)-sum;
}

static void check_table(struct bytes table, const char *signature)
{
	if (!table.data)
		return;
	MUST(table.size >= ACPI_HEADER_SIZE);
	MUST(memcmp(table.data, signature, 4) == 0);
	MUST(bytes_u32(table, ACPI_LENGTH) == table.size);
	MUST(acpi_sum(table) == 0);
}

static void find(struct bytes rsdp)
{
	struct acpi_tables tables;
	struct acpi_error error = {0};

	memset(&tables, 0xa5, sizeof(tables));
	if (acpi_find_tables(rsdp, map, &tables, &error) != OK) {
		fuzz_check_reason(error.reason);
		return;
	}
	check_table(tables.madt, "APIC");
	check_table(tables.mcfg, "MCFG");
	check_table(tables.fadt, "FACP");
	check_table(tables.dmar, "DMAR");
	MUST(tables.bad_count <= tables.table_count);
	MUST(fuzz_is_text(tables.oem_id, sizeof(tables.oem_id)));
}

static void look(void)
{
	u8 rsdp[ACPI_RSDP_SIZE];
	u8 size = 0;

	if (acpi_scan_rsdp(map, rsdp, &size) != OK)
		return;
	MUST(size == ACPI_RSDP_SIZE_V1 || size == ACPI_RSDP_SIZE);
	find((struct bytes){rsdp, size});
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 how = size ? data[size - 1] : 0;

	if (size > AREA_SIZE)
		return 0;
	if (size)
		memcpy(area, data, size);
	repaired = how & REPAIRED;
	if (repaired)
		repair_rsdp();
	if (how & (GIVEN_V1 | GIVEN_V2)) {
		size_t given = how & GIVEN_V2 ? ACPI_RSDP_SIZE : ACPI_RSDP_SIZE_V1;
		u8 *rsdp = fuzz_copy((struct bytes){area, given});

		find((struct bytes){rsdp, given});
		free(rsdp);
	} else {
		look();
	}
	while (kept_count)
		free(kept[--kept_count]);
	memset(area, 0, max_u64(size, ACPI_RSDP_SIZE));
	return 0;
}
