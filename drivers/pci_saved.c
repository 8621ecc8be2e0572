#include "drivers/pci_regs.h"
#include "drivers/pci_reset_parts.h"

/* Offsets in the PCI Express capability, PCIe 5.0 7.5.3: Device, Link, Device 2 and Link 2 Control. */
static const u8 pcie_register[] = {0x08, 0x10, 0x28, 0x30};
#define PCIE_VERSION_MASK 0xf
#define PCIE_IN_VERSION_1 2 /* how many of them are in version 1's */

/*
 * Of the header: cache line size and latency timer, BARs, ROM, interrupt line (PCI 3.0 6.1). Not what is
 * beside the first two: a write of BIST may start a test.
 */
static const struct {
	u8 offset;
	u8 width;
} header_register[] = {
	{0x0c, 2}, {0x10, 4}, {0x14, 4}, {0x18, 4}, {0x1c, 4},
	{0x20, 4}, {0x24, 4}, {0x30, 4}, {0x3c, 1},
};

/* Resizable BARs, PCIe 5.0 7.8.6: a capability and a control register for each. */
#define EXT_CAP_REBAR 0x15
#define REBAR_CONTROL 0x08
#define REBAR_STRIDE  8

static u32 pcie_count(const struct pci_function *function, u16 at)
{
	u32 version = pci_read(function->address, at + PCI_PCIE_CAPABILITIES, 2);

	return (version & PCIE_VERSION_MASK) < 2 ? PCIE_IN_VERSION_1 : ARRAY_SIZE(pcie_register);
}

/* How many BARs can be resized: the first control register says it. */
static u32 rebar_count(const struct pci_function *function, u16 at)
{
	u32 count = (u32)bits_get(pci_read(function->address, at + REBAR_CONTROL, 4), 7, 5);

	return count <= PCI_REBAR_MAX ? count : 0;
}

/* What pci_isolate() turned on; 0 where there is none. */
static u16 acs_control(const struct pci_function *function)
{
	u16 acs = pci_cap_find(function, PCI_EXT_CAP_ACS, true);

	return acs && acs + PCI_ACS_END <= PCI_EXT_CAP_END ? acs + PCI_ACS_CONTROL : 0;
}

void pci_save(const struct pci_function *function, struct pci_saved *saved)
{
	struct sbdf address = function->address;
	u16 pcie = pci_cap_find(function, PCI_CAP_PCIE, false);
	u16 rebar = pci_cap_find(function, EXT_CAP_REBAR, true);

	u16 acs = acs_control(function);

	*saved = (struct pci_saved){.function = function};
	if (acs)
		saved->acs = (u16)pci_read(address, acs, 2);
	for (u32 i = 0; i < ARRAY_SIZE(header_register); i++)
		saved->header[i] =
			pci_read(address, header_register[i].offset, header_register[i].width);
	for (u32 i = 0; pcie && i < pcie_count(function, pcie); i++)
		saved->pcie[i] = (u16)pci_read(address, pcie + pcie_register[i], 2);
	for (u32 i = 0; rebar && i < rebar_count(function, rebar); i++)
		saved->rebar[i] =
			pci_read(address, (u16)(rebar + REBAR_CONTROL + i * REBAR_STRIDE), 4);
}

static bool bars_are_back(const struct pci_saved *saved)
{
	for (u32 i = 0; i < ARRAY_SIZE(header_register); i++) {
		u8 offset = header_register[i].offset;

		if (offset >= PCI_BAR0 && offset < PCI_BAR0 + 4 * PCI_MAX_BARS &&
		    pci_read(saved->function->address, offset, 4) != saved->header[i])
			return false;
	}
	return true;
}

static bool acs_is_back(const struct pci_saved *saved)
{
	u16 acs = acs_control(saved->function);

	return !acs || pci_read(saved->function->address, acs, 2) == saved->acs;
}

/* The sizes come before the addresses, whose low bits follow from them. */
bool pci_restore(const struct pci_saved *saved)
{
	const struct pci_function *function = saved->function;
	struct sbdf address = function->address;
	u16 pcie = pci_cap_find(function, PCI_CAP_PCIE, false);
	u16 rebar = pci_cap_find(function, EXT_CAP_REBAR, true);

	u16 acs = acs_control(function);

	pci_write(address, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	pci_silence(function, false);
	if (acs)
		pci_write(address, acs, 2, saved->acs);
	for (u32 i = 0; pcie && i < pcie_count(function, pcie); i++)
		pci_write(address, pcie + pcie_register[i], 2, saved->pcie[i]);
	for (u32 i = 0; rebar && i < rebar_count(function, rebar); i++)
		pci_write(address, (u16)(rebar + REBAR_CONTROL + i * REBAR_STRIDE), 4,
			  saved->rebar[i]);
	for (u32 i = 0; i < ARRAY_SIZE(header_register); i++)
		pci_write(address, header_register[i].offset, header_register[i].width,
			  saved->header[i]);
	return bars_are_back(saved) && acs_is_back(saved);
}
