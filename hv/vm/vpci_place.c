/*
 * A device's BARs before its guest touches them: the physical ones written back, their trapped parts
 * mapped for the hypervisor, and the virtual ones given places as firmware would: upwards, naturally
 * aligned, the largest first. A 64-bit BAR that finds no room below the IOAPIC goes up high; what finds
 * none at all stays at 0, which is nowhere, until the guest places it.
 */
#include "hv/vm/vpci_device.h"

#include "hv/vm/memory_layout.h"
#include "hv/vm/vm.h"

#define HIGH_WINDOW	GIB(64)
#define HIGH_WINDOW_END BIT(46)
#define IO_WINDOW	0xc000u /* where PC firmware begins; all of LAYOUT_IO is the guest's to use */

/* A BAR that shares its page with others is trapped wholly, else the pages of the MSI-X table. */
static void trap_range(const struct pci_function *function, unsigned n, struct vpci_bar *bar)
{
	u64 size = function->bar[n].size;
	u64 table_end;

	if (size < PAGE_SIZE) {
		bar->trap_size = size;
	} else if (function->msix && function->msix_table_bar == n) {
		table_end = (u64)function->msix_table_offset +
			    (u64)function->msix_vectors * PCI_MSIX_ENTRY_SIZE;
		bar->trap_start = align_down(function->msix_table_offset, PAGE_SIZE);
		bar->trap_size = align_up(table_end, PAGE_SIZE) - bar->trap_start;
	}
}

enum status vpci_bars_trap(struct vpci_device *device)
{
	const struct pci_function *function = device->function;

	for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
		struct vpci_bar *bar = &device->bar[n];
		enum status status;

		if (!vpci_bar_is_memory(function, n))
			continue;
		trap_range(function, n, bar);
		if (!bar->trap_size)
			continue;
		status = mmio_map(hpa(function->bar[n].address + bar->trap_start), bar->trap_size,
				  &bar->trapped);
		if (status != OK)
			return status;
	}
	return OK;
}

void vpci_bars_restore(const struct pci_function *function)
{
	for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
		u64 address = function->bar[n].address;
		u16 offset = (u16)(PCI_BAR0 + 4 * n);

		if (function->bar[n].kind == PCI_BAR_NONE)
			continue;
		pci_write(function->address, offset, 4, (u32)address);
		if (function->bar[n].kind == PCI_BAR_MEM64)
			pci_write(function->address, offset + 4, 4, (u32)(address >> 32));
	}
}

/* The next place in a window, which ends before `end`; 0 if there is none. */
static u64 window_take(u64 *next, u64 end, u64 size)
{
	u64 at = align_up(*next, size);

	if (at < *next || at >= end || size > end - at)
		return 0;
	*next = at + size;
	return at;
}

/* The windows as they are before any device is placed. High BARs go above all RAM. */
static void windows_open(const struct vm *vm, struct vpci *pci)
{
	pci->next_memory = LAYOUT_MMIO_START;
	pci->next_high = max_u64(HIGH_WINDOW, align_up(LAYOUT_HIGH_START + vm->memory, GIB(1)));
	pci->next_io = IO_WINDOW;
}

static u64 first_place(struct vpci *pci, const struct pci_bar *bar)
{
	u64 next_io = pci->next_io;
	u64 at;

	if (bar->kind == PCI_BAR_IO) {
		at = window_take(&next_io, LAYOUT_IO_END, bar->size);
		pci->next_io = (u32)next_io;
		return at;
	}
	at = window_take(&pci->next_memory, LAYOUT_MMIO_END, bar->size);
	if (!at && bar->kind == PCI_BAR_MEM64)
		at = window_take(&pci->next_high, HIGH_WINDOW_END, bar->size);
	return at;
}

/* The largest BAR that has no place yet; PCI_MAX_BARS when all have been looked at. */
static unsigned largest_left(const struct vpci_device *device, const bool done[PCI_MAX_BARS])
{
	unsigned best = PCI_MAX_BARS;

	for (unsigned n = 0; n < PCI_MAX_BARS; n++)
		if (!done[n] && vpci_bar_shown(device->function, n) &&
		    (best == PCI_MAX_BARS ||
		     device->function->bar[n].size > device->function->bar[best].size))
			best = n;
	return best;
}

void vpci_bars_place(struct vm *vm, struct vpci_device *device)
{
	struct vpci *pci = &vm->pci;
	bool done[PCI_MAX_BARS] = {false};
	unsigned n;

	if (!pci->next_memory)
		windows_open(vm, pci);
	while ((n = largest_left(device, done)) < PCI_MAX_BARS) {
		device->bar[n].value = first_place(pci, &device->function->bar[n]);
		done[n] = true;
	}
}
