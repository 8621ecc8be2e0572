#include "drivers/pci.h"
#include "drivers/pci_regs.h"

struct sbdf pci_requester_id(const struct pci_topology *topology,
			     const struct pci_function *function)
{
	struct sbdf id = function->address;
	u16 parent = function->parent;

	/* The topmost bridge that replaces the ID has the last word. A parent precedes its children. */
	while (parent != PCI_NO_PARENT) {
		const struct pci_function *bridge = &topology->function[parent];

		if (bridge->pcie_type == PCI_PCIE_TO_PCI)
			id = SBDF(bridge->address.segment, bridge->secondary_bus, 0, 0);
		else if (bridge->pcie_type == PCI_PCIE_NONE ||
			 bridge->pcie_type == PCI_PCIE_FROM_PCI)
			id = bridge->address;
		parent = bridge->parent;
	}
	return id;
}
