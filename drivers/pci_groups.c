/*
 * Functions start alone and are united by what binds them. A function's `group` leads to one of a lower
 * index in the same group, or to itself; the first of a group holds its bonds.
 */
#include "drivers/pci_groups.h"

#include "drivers/pci_regs.h"

#define FULL_ACS                                                                                   \
	(PCI_ACS_VALIDATION | PCI_ACS_REDIRECT | PCI_ACS_REDIRECT_ANSWER | PCI_ACS_UPSTREAM)
#define REDIRECTING (PCI_ACS_REDIRECT | PCI_ACS_REDIRECT_ANSWER)

static bool has_acs(const struct pci_function *function, u16 wanted)
{
	return (function->acs & wanted) == wanted;
}

static bool is_port_down(const struct pci_function *function)
{
	return function->pcie_type == PCI_PCIE_ROOT_PORT ||
	       function->pcie_type == PCI_PCIE_DOWNSTREAM;
}

/*
 * True if what the function asks for, or a port's function passes on, goes to the root complex before it can
 * come to another function of its device (PCIe 5.0, 6.12.1.1 and 6.12.1.2). Conventional functions have no
 * such services, nor have bridges to PCI and event collectors.
 */
static bool redirects(const struct pci_function *function)
{
	switch (function->pcie_type) {
	case PCI_PCIE_ROOT_PORT:
	case PCI_PCIE_DOWNSTREAM:
		return has_acs(function, FULL_ACS);
	case PCI_PCIE_ENDPOINT:
	case PCI_PCIE_LEGACY_ENDPOINT:
	case PCI_PCIE_UPSTREAM:
	case PCI_PCIE_RC_ENDPOINT:
		return has_acs(function, REDIRECTING);
	default:
		return false;
	}
}

/* Inside a switch requests go from port to port, unless each sends them up. */
static bool switch_redirects(const struct pci_topology *topology, u32 upstream)
{
	for (u32 i = upstream + 1; i < topology->count; i++) {
		const struct pci_function *inside = &topology->function[i];

		if (inside->parent == upstream &&
		    (inside->pcie_type != PCI_PCIE_DOWNSTREAM || !redirects(inside)))
			return false;
	}
	return true;
}

static bool is_open(const struct pci_topology *topology, u32 index)
{
	const struct pci_function *bridge = &topology->function[index];

	if (bridge->header_type == 0)
		return false;
	if (bridge->pcie_type == PCI_PCIE_UPSTREAM)
		return !switch_redirects(topology, index);
	return !is_port_down(bridge) || !redirects(bridge);
}

static u16 first_of(const struct pci_topology *topology, u32 index)
{
	while (topology->function[index].group != index)
		index = topology->function[index].group;
	return (u16)index;
}

static void unite(struct pci_topology *topology, u32 a, u32 b, u8 bond)
{
	u16 x = first_of(topology, a);
	u16 y = first_of(topology, b);
	u16 first = x < y ? x : y;
	u16 other = x < y ? y : x;

	topology->function[other].group = first;
	topology->function[first].bonds |= topology->function[other].bonds | bond;
}

bool pci_same_device(const struct pci_function *a, const struct pci_function *b)
{
	return a->address.segment == b->address.segment &&
	       sbdf_bus(a->address) == sbdf_bus(b->address) &&
	       sbdf_device(a->address) == sbdf_device(b->address);
}

/* One that does not redirect is enough: it reaches the others, and what is below them. */
static void unite_device(struct pci_topology *topology, u32 a, u32 b)
{
	struct pci_function *one = &topology->function[a];
	struct pci_function *other = &topology->function[b];

	if (!pci_same_device(one, other) || (redirects(one) && redirects(other)))
		return;
	unite(topology, a, b, PCI_BOND_DEVICE);
	one->open |= one->header_type != 0;
	other->open |= other->header_type != 0;
}

static bool share_requester(const struct pci_requesters *a, const struct pci_requesters *b)
{
	for (u8 i = 0; i < a->count; i++)
		for (u8 j = 0; j < b->count; j++)
			if (sbdf_equal(a->id[i], b->id[j]))
				return true;
	return false;
}

static void unite_pairs(struct pci_topology *topology, u32 index)
{
	struct pci_requesters own, other;

	pci_requesters(topology, &topology->function[index], &own);
	for (u32 i = 0; i < index; i++) {
		unite_device(topology, i, index);
		pci_requesters(topology, &topology->function[i], &other);
		if (share_requester(&own, &other))
			unite(topology, i, index, PCI_BOND_REQUESTER);
	}
}

/* Below an open bridge all is open, and reached from the bridge's own place. */
static void unite_with_parent(struct pci_topology *topology, u32 index)
{
	struct pci_function *function = &topology->function[index];
	const struct pci_function *parent;

	if (function->parent == PCI_NO_PARENT)
		return;
	parent = &topology->function[function->parent];
	if (!parent->open)
		return;
	function->open |= function->header_type != 0;
	unite(topology, function->parent, index,
	      is_port_down(parent) || parent->pcie_type == PCI_PCIE_UPSTREAM ? PCI_BOND_PORT
									     : PCI_BOND_BUS);
}

void pci_group(struct pci_topology *topology)
{
	struct pci_function *function = topology->function;

	for (u32 i = 0; i < topology->count; i++) {
		function[i].group = (u16)i;
		function[i].bonds = 0;
		function[i].open = is_open(topology, i);
	}
	for (u32 i = 0; i < topology->count; i++)
		unite_pairs(topology, i);
	/* A parent precedes its children: whether it is open is known before they ask. */
	for (u32 i = 0; i < topology->count; i++)
		unite_with_parent(topology, i);
	for (u32 i = 0; i < topology->count; i++) {
		function[i].group = first_of(topology, i);
		function[i].bonds = function[function[i].group].bonds;
	}
}
