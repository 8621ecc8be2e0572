#include "drivers/pci.h"
#include "drivers/pci_regs.h"

static void clear_bits(const struct pci_function *function, u16 offset, u16 bits)
{
	u32 value = pci_read(function->address, offset, 2);

	pci_write(function->address, offset, 2, value & ~(u32)bits);
}

void pci_silence(const struct pci_function *function, bool keep_master)
{
	/* A bridge's bus master bit is what lets the devices below it through. */
	bool master = keep_master || function->header_type != 0;
	u32 command = pci_read(function->address, PCI_COMMAND, 2);

	pci_write(function->address, PCI_COMMAND, 2,
		  (command & ~(u32)(master ? 0 : PCI_COMMAND_MASTER)) | PCI_COMMAND_INTX_DISABLE);
	if (function->msi)
		clear_bits(function, (u16)(function->msi + PCI_MSI_CONTROL), PCI_MSI_ENABLE);
	if (function->msix)
		clear_bits(function, (u16)(function->msix + PCI_MSIX_CONTROL), PCI_MSIX_ENABLE);
}

void pci_ats_off(const struct pci_function *function)
{
	if (function->ats)
		clear_bits(function, (u16)(function->ats + PCI_ATS_CONTROL), PCI_ATS_ENABLE);
}
