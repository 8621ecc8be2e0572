#include "arch/x86/mmio.h"
#include "drivers/pci.h"
#include "hv/base/lock.h"

/* Configuration mechanism #1, PCI 3.0 3.2.2.3.2. */
#define PCI_PORT_ADDRESS	0xcf8
#define PCI_PORT_ADDRESS_ENABLE 0x80000000u
#define PCI_PORT_DATA		0xcfc

#define PCI_PORT_SPACE 256
#define PCI_ECAM_SPACE 4096

struct window {
	struct pci_ecam ecam;
	struct mmio mmio; /* starts at the first bus */
};

static struct window window[PCI_MAX_ECAM];
static u32 window_count;
static struct lock port_lock; /* of the pair of ports */

static enum status add_window(const struct pci_ecam *ecam)
{
	struct window *new = &window[window_count];
	u64 offset = (u64)ecam->first_bus << 20;

	if (window_count == PCI_MAX_ECAM)
		return ERR_NO_MEMORY;
	if (ecam->last_bus < ecam->first_bus || ecam->base.v > UINT64_MAX - MIB(256) ||
	    !is_aligned(ecam->base.v, MIB(1)))
		return ERR_INVALID;

	enum status status = mmio_map(hpa(ecam->base.v + offset),
				      MIB(ecam->last_bus - ecam->first_bus + 1), &new->mmio);

	if (status != OK)
		return status;
	new->ecam = *ecam;
	window_count++;
	return OK;
}

enum status pci_config_init(const struct pci_ecam *ecam, u32 count)
{
	enum status result = OK;

	window_count = 0;
	for (u32 i = 0; i < count; i++) {
		enum status status = add_window(&ecam[i]);

		if (result == OK)
			result = status;
	}
	return result;
}

static const struct window *window_of(struct sbdf address)
{
	u8 bus = sbdf_bus(address);

	for (u32 i = 0; i < window_count; i++) {
		const struct pci_ecam *ecam = &window[i].ecam;

		if (ecam->segment == address.segment && ecam->first_bus <= bus &&
		    bus <= ecam->last_bus)
			return &window[i];
	}
	return NULL;
}

/* PCIe 5.0 7.2.2: bus, device and function are bits 27:12 of the offset. */
static u64 window_offset(const struct window *w, struct sbdf address, u16 offset)
{
	return ((u64)address.bdf << 12) - ((u64)w->ecam.first_bus << 20) + offset;
}

static bool access_fits(u16 offset, u8 width, u32 space)
{
	return (width == 1 || width == 2 || width == 4) && is_aligned(offset, width) &&
	       offset < space;
}

static u32 all_ones(u8 width)
{
	return width == 1 ? 0xff : width == 2 ? 0xffff : 0xffffffff;
}

static u32 read_window(const struct window *w, u64 at, u8 width)
{
	switch (width) {
	case 1:
		return mmio_read8(&w->mmio, at);
	case 2:
		return mmio_read16(&w->mmio, at);
	default:
		return mmio_read32(&w->mmio, at);
	}
}

static void write_window(const struct window *w, u64 at, u8 width, u32 value)
{
	switch (width) {
	case 1:
		mmio_write8(&w->mmio, at, (u8)value);
		break;
	case 2:
		mmio_write16(&w->mmio, at, (u16)value);
		break;
	default:
		mmio_write32(&w->mmio, at, value);
	}
}

/* Selects the register; returns the port that shows it. The lock is held. */
static u16 select_port(struct sbdf address, u16 offset)
{
	port_write32(PCI_PORT_ADDRESS,
		     PCI_PORT_ADDRESS_ENABLE | (u32)address.bdf << 8 | (offset & 0xfcu));
	return (u16)(PCI_PORT_DATA + (offset & 3));
}

static u32 read_ports(struct sbdf address, u16 offset, u8 width)
{
	u32 value;

	lock_take(&port_lock);

	u16 port = select_port(address, offset);

	switch (width) {
	case 1:
		value = port_read8(port);
		break;
	case 2:
		value = port_read16(port);
		break;
	default:
		value = port_read32(port);
	}
	lock_release(&port_lock);
	return value;
}

static void write_ports(struct sbdf address, u16 offset, u8 width, u32 value)
{
	lock_take(&port_lock);

	u16 port = select_port(address, offset);

	switch (width) {
	case 1:
		port_write8(port, (u8)value);
		break;
	case 2:
		port_write16(port, (u16)value);
		break;
	default:
		port_write32(port, value);
	}
	lock_release(&port_lock);
}

u32 pci_read(struct sbdf address, u16 offset, u8 width)
{
	const struct window *w = window_of(address);

	if (w && access_fits(offset, width, PCI_ECAM_SPACE))
		return read_window(w, window_offset(w, address, offset), width);
	if (!w && address.segment == 0 && access_fits(offset, width, PCI_PORT_SPACE))
		return read_ports(address, offset, width);
	return all_ones(width);
}

void pci_write(struct sbdf address, u16 offset, u8 width, u32 value)
{
	const struct window *w = window_of(address);

	if (w && access_fits(offset, width, PCI_ECAM_SPACE))
		write_window(w, window_offset(w, address, offset), width, value);
	else if (!w && address.segment == 0 && access_fits(offset, width, PCI_PORT_SPACE))
		write_ports(address, offset, width, value);
}
