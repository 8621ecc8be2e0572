#include "hv/vm/vpci_device.h"

#include "hv/platform/platform.h"

#define ECAM_BUS_SIZE  MIB(1)
#define FIRST_PCI_PORT 0x1000 /* below are ISA's and the chipset's ports */
#define MIN_MEMORY_BAR 16
#define MIN_IO_BAR     4

bool vpci_bar_is_memory(const struct pci_function *function, unsigned n)
{
	return function->bar[n].kind == PCI_BAR_MEM32 || function->bar[n].kind == PCI_BAR_MEM64;
}

/* I/O decoding is one bit for the whole function: a BAR that firmware left at 0 would decode port 0. */
static bool can_decode_io(const struct pci_function *function)
{
	for (unsigned n = 0; n < PCI_MAX_BARS; n++)
		if (function->bar[n].kind == PCI_BAR_IO && !function->bar[n].address)
			return false;
	return true;
}

bool vpci_bar_shown(const struct pci_function *function, unsigned n)
{
	return vpci_bar_is_memory(function, n) ||
	       (function->bar[n].kind == PCI_BAR_IO && can_decode_io(function));
}

/* The last address that a BAR of this kind can hold. */
static u64 bar_limit(const struct pci_bar *bar)
{
	switch (bar->kind) {
	case PCI_BAR_IO:
		return 0xffff;
	case PCI_BAR_MEM32:
		return 0xffffffff;
	default:
		return BITS(51, 0);
	}
}

static const char *check_shape(const struct pci_bar *bar)
{
	u64 least = bar->kind == PCI_BAR_IO ? MIN_IO_BAR : MIN_MEMORY_BAR;

	if (!bar->address)
		return "firmware gave a BAR no address";
	if (bar->size < least || !is_aligned(bar->size, bar->size))
		return "a BAR's size is no power of two";
	if (!is_aligned(bar->address, bar->size))
		return "a BAR's address is not aligned to its size";
	if (bar->address > bar_limit(bar) || bar->size - 1 > bar_limit(bar) - bar->address)
		return "a BAR leaves its address space";
	return NULL;
}

/* True if a BAR of any function but this one shares an address with it. */
static bool meets_other_bar(const struct pci_topology *pci, const struct pci_bar *bar)
{
	for (u32 f = 0; f < pci->count; f++) {
		for (unsigned n = 0; n < pci->function[f].bar_count; n++) {
			const struct pci_bar *other = &pci->function[f].bar[n];

			if (other == bar || other->kind == PCI_BAR_NONE || !other->address)
				continue;
			if ((other->kind == PCI_BAR_IO) == (bar->kind == PCI_BAR_IO) &&
			    ranges_overlap(bar->address, bar->size, other->address, other->size))
				return true;
		}
	}
	return false;
}

static bool meets_ecam(const struct mcfg *mcfg, const struct pci_bar *bar)
{
	for (u32 n = 0; n < mcfg->window_count; n++) {
		const struct mcfg_window *window = &mcfg->window[n];
		u64 start = window->base.v + window->first_bus * ECAM_BUS_SIZE;
		u64 buses = window->last_bus - window->first_bus + 1u;

		if (ranges_overlap(bar->address, bar->size, start, buses * ECAM_BUS_SIZE))
			return true;
	}
	return false;
}

static bool meets_page_of(hpa_t registers, const struct pci_bar *bar)
{
	return ranges_overlap(bar->address, bar->size, align_down(registers.v, PAGE_SIZE),
			      PAGE_SIZE);
}

/* Where they are usually, and where firmware says that they are. */
static bool meets_apics(const struct madt *madt, const struct pci_bar *bar)
{
	if (ranges_overlap(bar->address, bar->size, VPCI_APICS_START, VPCI_APICS_SIZE) ||
	    meets_page_of(madt->local_apic, bar))
		return true;
	for (u32 n = 0; n < madt->ioapic_count; n++)
		if (meets_page_of(madt->ioapic[n].address, bar))
			return true;
	return false;
}

/*
 * Firmware lists remapping units as reserved (VT-d 4.1, 8.3), so that they too are among what a BAR
 * can't be in.
 */
static bool meets_memory_map(const struct memmap *map, const struct pci_bar *bar)
{
	for (u32 n = 0; n < map->count; n++)
		if (ranges_overlap(bar->address, bar->size, map->range[n].start.v,
				   map->range[n].size))
			return true;
	return false;
}

static const char *check_place(const struct platform *platform, const struct pci_bar *bar)
{
	if (meets_other_bar(&platform->pci, bar))
		return "a BAR overlaps another BAR";
	if (bar->kind == PCI_BAR_IO)
		return bar->address < FIRST_PCI_PORT ? "a BAR lies among the chipset's ports"
						     : NULL;
	if (meets_apics(&platform->madt, bar))
		return "a BAR overlaps the APICs";
	if (meets_ecam(&platform->mcfg, bar))
		return "a BAR overlaps PCI configuration space";
	if (meets_memory_map(&platform->boot.memory, bar))
		return "a BAR overlaps firmware's memory map";
	return NULL;
}

/* Table and pending bits must be in memory BARs that are there. */
static const char *check_msix(const struct pci_function *function)
{
	u64 table = (u64)function->msix_vectors * PCI_MSIX_ENTRY_SIZE;
	u64 pending = align_up(function->msix_vectors, 64) / 8;

	if (!function->msix)
		return NULL;
	if (function->msix_table_bar >= PCI_MAX_BARS ||
	    !vpci_bar_is_memory(function, function->msix_table_bar) ||
	    !is_aligned(function->msix_table_offset, 8) ||
	    !range_within(function->msix_table_offset, table, 0,
			  function->bar[function->msix_table_bar].size))
		return "its MSI-X table is in none of its BARs";
	if (function->msix_pba_bar >= PCI_MAX_BARS ||
	    !vpci_bar_is_memory(function, function->msix_pba_bar) ||
	    !is_aligned(function->msix_pba_offset, 8) ||
	    !range_within(function->msix_pba_offset, pending, 0,
			  function->bar[function->msix_pba_bar].size))
		return "its MSI-X pending bits are in none of its BARs";
	if (function->msix_table_bar == function->msix_pba_bar &&
	    ranges_overlap(function->msix_table_offset, table, function->msix_pba_offset, pending))
		return "its MSI-X table and pending bits overlap";
	return NULL;
}

const char *vpci_check(const struct platform *platform, const struct pci_function *function)
{
	if (function->header_type != 0)
		return "it is a bridge";
	for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
		const char *reason;

		if (!vpci_bar_shown(function, n))
			continue;
		reason = check_shape(&function->bar[n]);
		if (!reason && n == PCI_MAX_BARS - 1 && function->bar[n].kind == PCI_BAR_MEM64)
			reason = "its last BAR lacks the upper half";
		if (!reason)
			reason = check_place(platform, &function->bar[n]);
		if (reason)
			return reason;
	}
	return check_msix(function);
}
