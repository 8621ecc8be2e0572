#include "drivers/pci.h"
#include "drivers/pci_regs.h"

#define WANTED                                                                                     \
	(PCI_ACS_VALIDATION | PCI_ACS_NO_TRANSLATED | PCI_ACS_REDIRECT | PCI_ACS_REDIRECT_ANSWER | \
	 PCI_ACS_UPSTREAM)
/* PCIe 5.0, 6.12.3: past redirection, by a vector of ports or for requests that say they are translated. */
#define EXCEPTIONS (PCI_ACS_EGRESS | PCI_ACS_DIRECT)

#define REDIRECTION (PCI_ACS_REDIRECT | PCI_ACS_REDIRECT_ANSWER | PCI_ACS_UPSTREAM)

/*
 * PCIe 5.0, 6.12.1: a function implements the controls of what it could do otherwise, so that what it does
 * not implement it need not be kept from. A switch's ports have to implement all of them.
 */
static u16 need_not_be_controlled(const struct pci_function *function, u16 capability)
{
	if (function->pcie_type == PCI_PCIE_DOWNSTREAM)
		return 0;
	return REDIRECTION & ~capability;
}

static u16 enable_acs(const struct pci_function *function)
{
	u16 at = pci_cap_find(function, PCI_EXT_CAP_ACS, true);

	if (!at || at + PCI_ACS_END > PCI_EXT_CAP_END)
		return 0;

	u16 capability = (u16)pci_read(function->address, at + PCI_ACS_CAPABILITY, 2);
	u16 control = (u16)pci_read(function->address, at + PCI_ACS_CONTROL, 2);

	pci_write(function->address, at + PCI_ACS_CONTROL, 2,
		  (control | (capability & WANTED)) & ~(u32)EXCEPTIONS);
	control = (u16)pci_read(function->address, at + PCI_ACS_CONTROL, 2);
	/* All ones are of a function that is gone. */
	if (control & EXCEPTIONS)
		return 0;
	return (control & capability & WANTED) | need_not_be_controlled(function, capability);
}

/* PCIe 5.0, 7.5.3.3 and 7.5.3.4. */
static u8 disable_phantoms(const struct pci_function *function)
{
	u16 at = pci_cap_find(function, PCI_CAP_PCIE, false);
	u16 control_at = at + PCI_PCIE_CONTROL;

	if (!at || at + PCI_PCIE_CONTROL_END > PCI_EXT_CAP_BASE)
		return 0;

	u32 control = pci_read(function->address, control_at, 2);

	if (!(control & PCI_PCIE_CONTROL_PHANTOM))
		return 0;
	pci_write(function->address, control_at, 2, control & ~(u32)PCI_PCIE_CONTROL_PHANTOM);
	if (!(pci_read(function->address, control_at, 2) & PCI_PCIE_CONTROL_PHANTOM))
		return 0;
	return (u8)bits_get(pci_read(function->address, at + PCI_PCIE_DEVICE, 4), PCI_PCIE_PHANTOM);
}

void pci_isolate(struct pci_topology *topology)
{
	for (u32 i = 0; i < topology->count; i++) {
		struct pci_function *function = &topology->function[i];

		function->acs = enable_acs(function);
		function->phantom_bits = disable_phantoms(function);
	}
}
