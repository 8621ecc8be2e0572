/* Accesses to trapped parts of BARs and to I/O BARs, forwarded within bounds. */
#include "hv/vm/vpci_device.h"

#include "hv/vm/vm.h"

/* What an address hits: a BAR of a device, and where in it. */
struct hit {
	struct vpci_device *device;
	unsigned bar;
	u64 offset;
	bool proper; /* naturally aligned, and wholly in the BAR */
};

static bool find_trapped(struct vpci *pci, u64 address, u8 width, struct hit *hit)
{
	for (u32 d = 0; d < pci->device_count; d++) {
		struct vpci_device *device = &pci->device[d];

		for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
			const struct vpci_bar *bar = &device->bar[n];
			u64 start = bar->at + bar->trap_start;

			if (!bar->mapped || !bar->trap_size ||
			    !range_within(address, 1, start, bar->trap_size))
				continue;
			*hit = (struct hit){device, n, address - bar->at, false};
			hit->proper = is_aligned(address, width) &&
				      range_within(address, width, start, bar->trap_size);
			return true;
		}
	}
	return false;
}

static u64 trapped_read(const struct vpci_bar *bar, u64 offset, u8 width)
{
	u64 at = offset - bar->trap_start;

	switch (width) {
	case 1:
		return mmio_read8(&bar->trapped, at);
	case 2:
		return mmio_read16(&bar->trapped, at);
	case 4:
		return mmio_read32(&bar->trapped, at);
	case 8:
		return mmio_read64(&bar->trapped, at);
	default:
		return ~0ull;
	}
}

static void trapped_write(const struct vpci_bar *bar, u64 offset, u8 width, u64 value)
{
	u64 at = offset - bar->trap_start;

	switch (width) {
	case 1:
		mmio_write8(&bar->trapped, at, (u8)value);
		break;
	case 2:
		mmio_write16(&bar->trapped, at, (u16)value);
		break;
	case 4:
		mmio_write32(&bar->trapped, at, (u32)value);
		break;
	case 8:
		mmio_write64(&bar->trapped, at, value);
		break;
	default:
		break;
	}
}

static u64 ones(u8 width)
{
	return width < 8 ? BIT(8 * width) - 1 : ~0ull;
}

bool vpci_mmio_read(struct vm *vm, gpa_t address, u8 width, u64 *value)
{
	struct hit hit;

	if (!find_trapped(&vm->pci, address.v, width, &hit))
		return false;
	if (!hit.proper)
		*value = ones(width);
	else if (vpci_msix_in_table(hit.device->function, hit.bar, hit.offset))
		*value = vpci_msix_table_read(hit.device, hit.offset, width);
	else
		*value = trapped_read(&hit.device->bar[hit.bar], hit.offset, width);
	return true;
}

/* Pending bits are read only (PCI 3.0 6.8.2.10). */
bool vpci_mmio_write(struct vm *vm, gpa_t address, u8 width, u64 value)
{
	struct hit hit;

	if (!find_trapped(&vm->pci, address.v, width, &hit))
		return false;
	if (!hit.proper)
		return true;
	if (vpci_msix_in_table(hit.device->function, hit.bar, hit.offset))
		vpci_msix_table_write(vm, hit.device, hit.offset, width, value);
	else if (!vpci_msix_in_pending(hit.device->function, hit.bar, hit.offset))
		trapped_write(&hit.device->bar[hit.bar], hit.offset, width, value);
	return true;
}

/* The physical port behind a guest's, if there is one; .proper: the access stays in the BAR. */
struct port_hit {
	u16 physical;
	bool found;
	bool proper;
};

static struct port_hit find_port(const struct vpci *pci, u16 port, u8 width)
{
	for (u32 d = 0; d < pci->device_count; d++) {
		const struct vpci_device *device = &pci->device[d];
		u32 bars = device->command & PCI_COMMAND_IO ? device->io_bars : 0;

		for (; bars; bars &= bars - 1) {
			unsigned n = (unsigned)__builtin_ctz(bars);
			const struct pci_bar *bar = &device->function->bar[n];
			u64 start = device->bar[n].value;

			if (start && range_within(port, 1, start, bar->size))
				return (struct port_hit){
					.physical = (u16)(bar->address + (port - start)),
					.found = true,
					.proper = range_within(port, width, start, bar->size),
				};
		}
	}
	return (struct port_hit){0};
}

bool vpci_io_read(struct vm *vm, u16 port, u8 width, u32 *value)
{
	struct port_hit hit = find_port(&vm->pci, port, width);

	if (!hit.found)
		return false;
	*value = (u32)ones(width);
	if (!hit.proper)
		return true;
	if (width == 1)
		*value = port_read8(hit.physical);
	else if (width == 2)
		*value = port_read16(hit.physical);
	else if (width == 4)
		*value = port_read32(hit.physical);
	return true;
}

bool vpci_io_write(struct vm *vm, u16 port, u8 width, u32 value)
{
	struct port_hit hit = find_port(&vm->pci, port, width);

	if (!hit.proper)
		return hit.found;
	if (width == 1)
		port_write8(hit.physical, (u8)value);
	else if (width == 2)
		port_write16(hit.physical, (u16)value);
	else if (width == 4)
		port_write32(hit.physical, value);
	return true;
}
