#include "drivers/pci.h"
#include "drivers/pci_regs.h"

#define FUNCTION_BITS 3

static bool replaces_ids(const struct pci_function *bridge)
{
	return bridge->pcie_type == PCI_PCIE_TO_PCI || bridge->pcie_type == PCI_PCIE_NONE ||
	       bridge->pcie_type == PCI_PCIE_FROM_PCI;
}

static struct sbdf replacement(const struct pci_function *bridge)
{
	return bridge->pcie_type == PCI_PCIE_TO_PCI
		       ? SBDF(bridge->address.segment, bridge->secondary_bus, 0, 0)
		       : bridge->address;
}

/* The topmost bridge that replaces IDs has the last word. NULL: there is none. */
static const struct pci_function *last_to_replace(const struct pci_topology *topology,
						  const struct pci_function *function)
{
	const struct pci_function *last = NULL;

	while (function->parent != PCI_NO_PARENT) {
		function = &topology->function[function->parent];
		if (replaces_ids(function))
			last = function;
	}
	return last;
}

struct sbdf pci_requester_id(const struct pci_topology *topology,
			     const struct pci_function *function)
{
	const struct pci_function *bridge = last_to_replace(topology, function);

	return bridge ? replacement(bridge) : function->address;
}

static void add(struct pci_requesters *requesters, struct sbdf id)
{
	for (u8 i = 0; i < requesters->count; i++)
		if (sbdf_equal(requesters->id[i], id))
			return;
	if (requesters->count < PCI_MAX_REQUESTERS)
		requesters->id[requesters->count++] = id;
}

/* PCIe 5.0 7.5.3.3: the function number's highest bits, so many, are anything. */
static void add_phantoms(struct pci_requesters *requesters, const struct pci_function *function)
{
	unsigned step = BIT(FUNCTION_BITS - function->phantom_bits);
	struct sbdf id = function->address;

	id.bdf &= ~(u16)((1u << FUNCTION_BITS) - step);
	for (unsigned i = 0; i < BIT(function->phantom_bits); i++, id.bdf += step)
		add(requesters, id);
}

void pci_requesters(const struct pci_topology *topology, const struct pci_function *function,
		    struct pci_requesters *requesters)
{
	const struct pci_function *last = last_to_replace(topology, function);

	*requesters = (struct pci_requesters){
		.whole_bus = last && last->pcie_type == PCI_PCIE_TO_PCI,
		.phantom_bits = last ? 0 : function->phantom_bits,
	};
	add(requesters, last ? replacement(last) : function->address);
	add_phantoms(requesters, function);
	while (function->parent != PCI_NO_PARENT) {
		function = &topology->function[function->parent];
		if (replaces_ids(function))
			add(requesters, replacement(function));
	}
}
