#include "drivers/pci_regs.h"
#include "drivers/pci_scan.h"

#define PCI_CARDBUS_CAP_POINTER 0x14
#define PCI_CAP_OFFSET		0xfc /* the lower two bits are reserved */
#define PCI_MSI_MAX_LOG		5

/* Notes a capability; false if it is known already (the list is a loop) or there is no more room. */
static bool add_cap(struct pci_function *function, u16 id, u16 offset)
{
	for (u8 i = 0; i < function->cap_count; i++)
		if (function->cap[i].offset == offset)
			return false;
	if (function->cap_count == PCI_MAX_CAPS)
		return false;
	function->cap[function->cap_count++] = (struct pci_cap){id, offset};
	return true;
}

static void read_list(struct pci_function *function)
{
	struct sbdf address = function->address;
	u16 pointer = function->header_type == 2 ? PCI_CARDBUS_CAP_POINTER : PCI_CAP_POINTER;

	if (!(pci_read(address, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return;

	u8 offset = pci_read(address, pointer, 1) & PCI_CAP_OFFSET;

	while (offset >= PCI_CAP_BASE) {
		u16 header = (u16)pci_read(address, offset, 2);

		if (header == 0xffff || !add_cap(function, header & 0xff, offset))
			return;
		offset = (header >> 8) & PCI_CAP_OFFSET;
	}
}

/* PCIe 5.0 7.6.3: ID 15:0, version 19:16, next 31:20. */
static void read_extended_list(struct pci_function *function)
{
	u16 offset = PCI_EXT_CAP_BASE;

	while (offset >= PCI_EXT_CAP_BASE) {
		u32 header = pci_read(function->address, offset, 4);

		if (header == 0 || header == 0xffffffff || !add_cap(function, (u16)header, offset))
			return;
		offset = (header >> 20) & ~3u;
	}
}

u16 pci_cap_find(const struct pci_function *function, u16 id, bool extended)
{
	for (u8 i = 0; i < function->cap_count; i++) {
		const struct pci_cap *cap = &function->cap[i];

		if (cap->id == id && (cap->offset >= PCI_EXT_CAP_BASE) == extended)
			return cap->offset;
	}
	return 0;
}

static u8 read_pcie_type(const struct pci_function *function)
{
	u16 at = pci_cap_find(function, PCI_CAP_PCIE, false);

	if (!at)
		return PCI_PCIE_NONE;
	return (u8)bits_get(pci_read(function->address, at + PCI_PCIE_CAPABILITIES, 2), 7, 4);
}

/* PCI 3.0 6.8.1: 10 bytes, 4 more for 64-bit addresses, 10 more for the mask and pending bits. */
static void read_msi(struct pci_function *function)
{
	u16 at = pci_cap_find(function, PCI_CAP_MSI, false);

	if (!at)
		return;

	u16 control = (u16)pci_read(function->address, at + PCI_MSI_CONTROL, 2);
	u64 vectors_log = bits_get(control, 3, 1);
	u32 size = 10 + (control & PCI_MSI_64 ? 4 : 0) + (control & PCI_MSI_MASKABLE ? 10 : 0);

	if (at + size > PCI_EXT_CAP_BASE)
		return;
	function->msi = at;
	function->msi_vectors = (u8)(1 << min_u64(vectors_log, PCI_MSI_MAX_LOG));
	function->msi_64 = control & PCI_MSI_64;
	function->msi_maskable = control & PCI_MSI_MASKABLE;
}

static bool in_memory_bar(const struct pci_function *function, u8 bar, u32 offset, u64 size)
{
	return bar < function->bar_count &&
	       (function->bar[bar].kind == PCI_BAR_MEM32 ||
		function->bar[bar].kind == PCI_BAR_MEM64) &&
	       range_within(offset, size, 0, function->bar[bar].size);
}

static void read_msix(struct pci_function *function)
{
	u16 at = pci_cap_find(function, PCI_CAP_MSIX, false);

	if (!at || at + PCI_MSIX_PBA + 4 > PCI_EXT_CAP_BASE)
		return;

	u16 control = (u16)pci_read(function->address, at + PCI_MSIX_CONTROL, 2);
	u32 table = pci_read(function->address, at + PCI_MSIX_TABLE, 4);
	u32 pba = pci_read(function->address, at + PCI_MSIX_PBA, 4);
	u16 vectors = (control & PCI_MSIX_TABLE_SIZE) + 1;
	u8 table_bar = table & PCI_MSIX_BAR;
	u8 pba_bar = pba & PCI_MSIX_BAR;

	table &= ~(u32)PCI_MSIX_BAR;
	pba &= ~(u32)PCI_MSIX_BAR;
	if (!in_memory_bar(function, table_bar, table, vectors * PCI_MSIX_ENTRY_SIZE) ||
	    !in_memory_bar(function, pba_bar, pba, align_up(vectors, 64) / 8))
		return;
	function->msix = at;
	function->msix_vectors = vectors;
	function->msix_table_bar = table_bar;
	function->msix_table_offset = table;
	function->msix_pba_bar = pba_bar;
	function->msix_pba_offset = pba;
}

static void read_ats(struct pci_function *function)
{
	u16 at = pci_cap_find(function, PCI_EXT_CAP_ATS, true);

	if (!at || at + PCI_ATS_END > PCI_EXT_CAP_END)
		return;

	u32 capability = pci_read(function->address, at + PCI_ATS_CAPABILITY, 2);
	u8 pending = (u8)bits_get(capability, PCI_ATS_QUEUE);

	function->ats = at;
	function->ats_pending = pending ? pending : 32;
	function->ats_on = pci_read(function->address, at + PCI_ATS_CONTROL, 2) & PCI_ATS_ENABLE;
}

void pci_read_caps(struct pci_function *function)
{
	read_list(function);
	function->pcie_type = read_pcie_type(function);
	/* Conventional functions have no extended space, and some bridges alias the first 256 bytes. */
	if (function->ecam && function->pcie_type != PCI_PCIE_NONE)
		read_extended_list(function);
	read_msi(function);
	read_msix(function);
	read_ats(function);
}
