#include "iommu/scope.h"

unsigned scope_unit_count(const struct dmar *dmar)
{
	unsigned count = 0;

	for (unsigned i = 0; i < dmar->structure_count; i++)
		count += dmar->structure[i].type == DMAR_DRHD;
	return count;
}

const struct dmar_structure *scope_unit(const struct dmar *dmar, unsigned unit)
{
	for (unsigned i = 0; i < dmar->structure_count; i++)
		if (dmar->structure[i].type == DMAR_DRHD && unit-- == 0)
			return &dmar->structure[i];
	return NULL;
}

enum status scope_resolve(const struct dmar_scope *scope, u16 segment,
			  const struct pci_topology *pci, struct sbdf *address)
{
	u8 bus = scope->start_bus;

	for (unsigned i = 0; i < scope->hop_count; i++) {
		const struct dmar_hop *hop = &scope->hop[i];
		const struct pci_function *bridge;

		*address = SBDF(segment, bus, hop->device, hop->function);
		if (i + 1u == scope->hop_count)
			return OK;
		bridge = pci_find(pci, *address);
		if (!bridge || bridge->header_type != 1)
			return ERR_NOT_FOUND;
		bus = bridge->secondary_bus;
	}
	return ERR_NOT_FOUND;
}

/* An endpoint's requests may carry another requester ID at the root: that of a bridge above it. */
static bool endpoint_covers(const struct pci_topology *pci, struct sbdf endpoint,
			    struct sbdf requester)
{
	const struct pci_function *function = pci_find(pci, endpoint);

	return sbdf_equal(endpoint, requester) ||
	       (function && sbdf_equal(pci_requester_id(pci, function), requester));
}

static bool bridge_covers(const struct pci_topology *pci, struct sbdf bridge, struct sbdf requester)
{
	const struct pci_function *function = pci_find(pci, bridge);

	if (sbdf_equal(bridge, requester))
		return true;
	return function && function->header_type == 1 && bridge.segment == requester.segment &&
	       function->secondary_bus && sbdf_bus(requester) >= function->secondary_bus &&
	       sbdf_bus(requester) <= function->subordinate_bus;
}

static bool one_scope_covers(const struct dmar_scope *scope, u16 segment,
			     const struct pci_topology *pci, struct sbdf requester)
{
	struct sbdf end;

	if (scope->type != DMAR_SCOPE_ENDPOINT && scope->type != DMAR_SCOPE_BRIDGE)
		return false;
	if (scope_resolve(scope, segment, pci, &end) != OK)
		return false;
	return scope->type == DMAR_SCOPE_BRIDGE ? bridge_covers(pci, end, requester)
						: endpoint_covers(pci, end, requester);
}

bool scope_covers(const struct dmar *dmar, const struct dmar_structure *structure,
		  const struct pci_topology *pci, struct sbdf requester)
{
	if (structure->segment != requester.segment)
		return false;
	for (unsigned i = 0; i < structure->scope_count; i++)
		if (one_scope_covers(&dmar->scope[structure->first_scope + i], structure->segment,
				     pci, requester))
			return true;
	return false;
}

enum status scope_unit_of(const struct dmar *dmar, const struct pci_topology *pci,
			  struct sbdf requester, u16 *unit)
{
	const struct dmar_structure *drhd;

	for (unsigned i = 0; (drhd = scope_unit(dmar, i)) != NULL; i++) {
		if (scope_covers(dmar, drhd, pci, requester)) {
			*unit = (u16)i;
			return OK;
		}
	}
	for (unsigned i = 0; (drhd = scope_unit(dmar, i)) != NULL; i++) {
		if (drhd->flags & DMAR_DRHD_INCLUDE_PCI_ALL && drhd->segment == requester.segment) {
			*unit = (u16)i;
			return OK;
		}
	}
	return ERR_NOT_FOUND;
}

static const struct dmar_scope *find_enumerated(const struct dmar *dmar,
						const struct dmar_structure *structure,
						enum dmar_scope_type type, u8 enumeration_id)
{
	for (unsigned i = 0; i < structure->scope_count; i++) {
		const struct dmar_scope *scope = &dmar->scope[structure->first_scope + i];

		if (scope->type == type && scope->enumeration_id == enumeration_id)
			return scope;
	}
	return NULL;
}

enum status scope_unit_of_platform_device(const struct dmar *dmar, const struct pci_topology *pci,
					  enum dmar_scope_type type, u8 enumeration_id, u16 *unit,
					  struct sbdf *source)
{
	const struct dmar_structure *drhd;

	for (unsigned i = 0; (drhd = scope_unit(dmar, i)) != NULL; i++) {
		const struct dmar_scope *scope = find_enumerated(dmar, drhd, type, enumeration_id);

		if (scope && scope_resolve(scope, drhd->segment, pci, source) == OK) {
			*unit = (u16)i;
			return OK;
		}
	}
	return ERR_NOT_FOUND;
}
