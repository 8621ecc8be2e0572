// sources: iommu/scope.c drivers/pci_alias.c
// cbmc: --unwind 5
// cbmc-limits: DMAR_MAX_STRUCTURES=2 DMAR_MAX_SCOPES=2 DMAR_MAX_HOPS=4
/*
 * scope_resolve() and scope_unit_of(): for each topology of three functions that are bridges or not, with any
 * buses behind them, even the ones they are on, and each path of up to three hops from any bus:
 *   the walk comes to an end, at the address of the last hop, if and only if every hop before it is a bridge that
 *   is there; else ERR_NOT_FOUND;
 *   a requester's unit is the first of those with a scope of an endpoint or bridge that covers it, else the first
 *   that includes all of its segment; else ERR_NOT_FOUND.
 */
#include "iommu/scope.h"
#include "tests/proof/proof.h"

#define HOPS 3u

PROOF_POINTS(6);

static struct pci_function functions[3];
static const struct pci_topology pci = {.function = functions, .count = 3, .capacity = 3};
static struct dmar dmar;

const struct pci_function *pci_find(const struct pci_topology *topology, struct sbdf address)
{
	for (u32 i = 0; i < topology->count; i++)
		if (sbdf_equal(topology->function[i].address, address))
			return &topology->function[i];
	return NULL;
}

/* Two on the first bus, one on the second. */
static void choose_topology(void)
{
	static const struct sbdf address[3] = {{0, 0x000}, {0, 0x008}, {0, 0x100}};

	for (u32 i = 0; i < 3; i++) {
		functions[i] = (struct pci_function){
			.address = address[i],
			.parent = PCI_NO_PARENT,
			.header_type = (u8)proof_choose(2),
		};
		if (functions[i].header_type == 1) {
			functions[i].secondary_bus = (u8)proof_choose(3);
			functions[i].subordinate_bus =
				(u8)(functions[i].secondary_bus + proof_choose(2));
		}
	}
}

static void choose_path(struct dmar_scope *scope)
{
	*scope = (struct dmar_scope){
		.type = (u8)(1 + proof_choose(3)),
		.start_bus = (u8)proof_choose(2),
		.hop_count = (u8)proof_choose(HOPS + 1),
	};
	for (u32 i = 0; i < scope->hop_count; i++)
		scope->hop[i].device = (u8)proof_choose(2);
}

/* Where a path ends; false if nowhere. */
static bool model_end(const struct dmar_scope *scope, struct sbdf *end)
{
	u8 bus = scope->start_bus;

	for (u32 i = 0; i < scope->hop_count; i++) {
		*end = SBDF(0, bus, scope->hop[i].device, 0);
		if (i + 1 == scope->hop_count)
			return true;

		const struct pci_function *bridge = NULL;

		for (u32 f = 0; f < 3; f++)
			if (functions[f].address.bdf == end->bdf && functions[f].header_type == 1)
				bridge = &functions[f];
		if (!bridge)
			return false;
		bus = bridge->secondary_bus;
	}
	return false;
}

static bool model_covers(const struct dmar_scope *scope, u16 requester)
{
	struct sbdf end;

	if (scope->type == DMAR_SCOPE_IOAPIC || !model_end(scope, &end))
		return false;
	if (end.bdf == requester)
		return true;
	for (u32 f = 0; f < 3; f++)
		if (scope->type == DMAR_SCOPE_BRIDGE && functions[f].address.bdf == end.bdf &&
		    functions[f].secondary_bus && requester >> 8 >= functions[f].secondary_bus &&
		    requester >> 8 <= functions[f].subordinate_bus)
			return true;
	return false;
}

/* The second unit includes all, or does not; the first one does too, or is of another segment, or neither. */
static void choose_units(u32 how)
{
	dmar.structure_count = 2;
	dmar.structure[0] =
		(struct dmar_structure){.type = DMAR_DRHD, .segment = how == 2, .flags = how == 1};
	dmar.structure[1] =
		(struct dmar_structure){.type = DMAR_DRHD, .flags = how != 3, .scope_count = 1};
}

static void check_unit(struct sbdf requester, u32 how)
{
	enum status status;
	u16 unit = 77;

	status = scope_unit_of(&dmar, &pci, requester, &unit);
	if (model_covers(&dmar.scope[0], requester.bdf)) {
		MUST(status == OK && unit == 1);
		REACHED(0);
	} else if (how == 1) {
		MUST(status == OK && unit == 0);
		REACHED(1);
	} else if (how != 3) {
		MUST(status == OK && unit == 1);
		REACHED(2);
	} else {
		MUST(status == ERR_NOT_FOUND);
		REACHED(3);
	}
}

void proof(void)
{
	struct sbdf end = {9, 9}, wanted = {9, 9};
	u32 how = proof_choose(4);

	choose_topology();
	choose_path(&dmar.scope[0]);

	bool found = model_end(&dmar.scope[0], &wanted);
	enum status status = scope_resolve(&dmar.scope[0], 0, &pci, &end);

	MUST(status == (found ? OK : ERR_NOT_FOUND));
	if (found)
		MUST(sbdf_equal(end, wanted));
	REACHED(found ? 4 : 5);
	choose_units(how);
	for (u16 bus = 0; bus < 4; bus++)
		for (u16 device = 0; device < 2; device++)
			check_unit(SBDF(0, bus, device, 0), how);
}
