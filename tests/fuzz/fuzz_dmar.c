// sources: iommu/dmar.c iommu/dmar_format.c iommu/scope.c hv/platform/acpi_table.c
// sources: drivers/pci_alias.c drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c tests/host/fake_pci.c
// libs: -lcmocka
// runs: 60000
// max_len: 2048
// corpus: dmar
/*
 * DMAR and its device scopes: the table as it is, and with signature, length and checksum put right. What
 * follows after the table's length is a PCI topology, 6 bytes for each function.
 */
#include "tests/fuzz/fuzz.h"

#include "iommu/scope.h"

#define FUNCTIONS 16
#define LINE	  200

static struct dmar dmar;
static struct pci_function function[FUNCTIONS];
static struct pci_topology pci = {.function = function, .capacity = FUNCTIONS};

static void make_topology(struct bytes bytes)
{
	struct fuzz_input input = {.bytes = bytes};

	for (pci.count = 0; pci.count < FUNCTIONS && fuzz_has_more(&input); pci.count++) {
		u8 flags = (u8)fuzz_take(&input, 1);
		u8 parent = flags >> 4;

		function[pci.count] = (struct pci_function){
			.header_type = flags & 1,
			.class_code = flags & 1 ? 0x060400 : 0x020000,
			/* The scan lists bridges before what is below them. */
			.parent = parent < pci.count ? parent : PCI_NO_PARENT,
			.address = {flags >> 1 & 1, (u16)fuzz_take(&input, 2)},
			.secondary_bus = (u8)fuzz_take(&input, 1),
			.subordinate_bus = (u8)fuzz_take(&input, 1),
		};
	}
}

static void check_scopes(void)
{
	for (u32 n = 0; n < dmar.scope_count; n++) {
		const struct dmar_scope *scope = &dmar.scope[n];
		struct sbdf address;

		MUST(scope->hop_count && scope->hop_count <= DMAR_MAX_HOPS);
		for (u32 i = 0; i < scope->hop_count; i++)
			MUST(scope->hop[i].device < 32 && scope->hop[i].function < 8);
		if (scope_resolve(scope, 1, &pci, &address) == OK)
			MUST(address.segment == 1 &&
			     (u8)address.bdf == (scope->hop[scope->hop_count - 1].device << 3 |
						 scope->hop[scope->hop_count - 1].function));
	}
}

/* The line is cut, and its whole length told. */
static void check_format(const struct dmar_structure *structure)
{
	char whole[8192];
	size_t length = dmar_format(&dmar, structure, whole, sizeof(whole));
	size_t size = min_u64(length, LINE);
	char *cut = malloc(size + 1);

	MUST(cut && fuzz_is_text(whole, sizeof(whole)));
	MUST(dmar_format(&dmar, structure, cut, size + 1) == length);
	MUST(strlen(cut) == size && strncmp(cut, whole, size) == 0);
	free(cut);
}

static void check_structures(struct bytes table)
{
	u32 scopes = 0;

	MUST(dmar.structure_count <= DMAR_MAX_STRUCTURES && dmar.scope_count <= DMAR_MAX_SCOPES);
	for (u32 n = 0; n < dmar.structure_count; n++) {
		const struct dmar_structure *structure = &dmar.structure[n];

		MUST(structure->offset < table.size);
		MUST(!n || structure->offset > structure[-1].offset);
		if (structure->scope_count)
			MUST(structure->first_scope == scopes);
		scopes += structure->scope_count;
		if (structure->type == DMAR_RMRR)
			MUST(structure->base <= structure->limit);
		MUST(fuzz_is_text(structure->name, sizeof(structure->name)));
		check_format(structure);
	}
	MUST(scopes == dmar.scope_count);
}

/* A unit that serves a requester is of its segment, and names it or serves all. */
static void check_units(void)
{
	unsigned count = scope_unit_count(&dmar);

	MUST(count <= dmar.structure_count && !scope_unit(&dmar, count));
	for (u32 n = 0; n < pci.count; n++) {
		const struct dmar_structure *drhd;
		u16 unit = 0xffff;

		if (scope_unit_of(&dmar, &pci, function[n].address, &unit) != OK)
			continue;
		MUST(unit < count);
		drhd = scope_unit(&dmar, unit);
		MUST(drhd && drhd->type == DMAR_DRHD);
		MUST(drhd->segment == function[n].address.segment);
		MUST(drhd->flags & DMAR_DRHD_INCLUDE_PCI_ALL ||
		     scope_covers(&dmar, drhd, &pci, function[n].address));
	}
	for (unsigned id = 0; id < 4; id++) {
		struct sbdf source;
		u16 unit = 0xffff;

		if (scope_unit_of_platform_device(&dmar, &pci, DMAR_SCOPE_IOAPIC, (u8)id, &unit,
						  &source) == OK)
			MUST(unit < count);
	}
}

static void parse(struct bytes table)
{
	struct dmar_error error = {0};
	u32 length = bytes_u32(table, 4);

	memset(&dmar, 0xa5, sizeof(dmar));
	if (dmar_parse(table, &dmar, &error) != OK) {
		fuzz_check_reason(error.reason);
		MUST(error.offset <= table.size);
		return;
	}
	make_topology(bytes_slice(table, length, table.size - length));
	check_structures(table);
	check_scopes();
	check_units();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_table((struct bytes){data, size}, "DMAR", parse);
	return 0;
}
