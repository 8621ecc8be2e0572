#include "guest/pci.h"

#include "guest/cpu.h"
#include "guest/paging.h"
#include "hv/base/bits.h"

#define PCI_ADDRESS_PORT 0xCF8
#define PCI_DATA_PORT	 0xCFC
#define PCI_ADDRESS_ON	 BIT(31)

#define PCI_BUSES	     256
#define PCI_DEVICES	     32
#define PCI_FUNCTIONS	     8
#define PCI_NOBODY	     0xFFFF /* vendor */
#define PCI_CAPABILITIES_MAX 48	    /* as many as fit behind the header */

/* Where BARs go that firmware left unset: high in the hole that PCs keep below 4 GiB. */
#define BAR_WINDOW     0xE0000000u
#define BAR_WINDOW_END 0xF0000000u

u32 pci_read32(struct pci_function f, u8 reg)
{
	port_out32(PCI_ADDRESS_PORT, (u32)(PCI_ADDRESS_ON | (u32)f.bus << 16 | (u32)f.device << 11 |
					   (u32)f.function << 8 | (reg & 0xFCu)));
	return port_in32(PCI_DATA_PORT);
}

u16 pci_read16(struct pci_function f, u8 reg)
{
	return (u16)(pci_read32(f, reg) >> 8 * (reg & 2));
}

u8 pci_read8(struct pci_function f, u8 reg)
{
	return (u8)(pci_read32(f, reg) >> 8 * (reg & 3));
}

void pci_write32(struct pci_function f, u8 reg, u32 value)
{
	(void)pci_read32(f, reg); /* sets the address */
	port_out32(PCI_DATA_PORT, value);
}

void pci_write16(struct pci_function f, u8 reg, u16 value)
{
	(void)pci_read32(f, reg);
	port_out16((u16)(PCI_DATA_PORT + (reg & 2)), value);
}

struct walk {
	bool (*wanted)(u32 id);
	struct pci_function *found;
	u8 buses[PCI_BUSES]; /* still to look at, in the order of their finding */
	unsigned count;
	bool known[PCI_BUSES];
};

static void add_bus(struct walk *walk, u8 bus)
{
	if (walk->known[bus])
		return;
	walk->known[bus] = true;
	walk->buses[walk->count++] = bus;
}

/* True if this is it. */
static bool look_at(struct walk *walk, struct pci_function f)
{
	u32 id = pci_read32(f, PCI_ID);

	if ((id & PCI_NOBODY) == PCI_NOBODY)
		return false;
	if ((pci_read8(f, PCI_HEADER) & PCI_HEADER_TYPE) == PCI_HEADER_BRIDGE) {
		add_bus(walk, pci_read8(f, PCI_SECONDARY_BUS));
		return false;
	}
	*walk->found = f;
	return walk->wanted(id);
}

static bool look_on_bus(struct walk *walk, u8 bus)
{
	for (u8 device = 0; device < PCI_DEVICES; device++) {
		struct pci_function f = {bus, device, 0};
		u8 functions = PCI_FUNCTIONS;

		if (!(pci_read8(f, PCI_HEADER) & PCI_HEADER_MULTIFUNCTION))
			functions = 1;
		for (; f.function < functions; f.function++)
			if (look_at(walk, f))
				return true;
	}
	return false;
}

bool pci_find(bool (*wanted)(u32 id), struct pci_function *found)
{
	static struct walk walk;
	unsigned next = 0;

	walk = (struct walk){.wanted = wanted, .found = found};
	add_bus(&walk, 0);
	while (next < walk.count)
		if (look_on_bus(&walk, walk.buses[next++]))
			return true;
	for (unsigned bus = 0; bus < PCI_BUSES; bus++)
		add_bus(&walk, (u8)bus);
	while (next < walk.count)
		if (look_on_bus(&walk, walk.buses[next++]))
			return true;
	return false;
}

u8 pci_capability(struct pci_function f, u8 id)
{
	u8 at;

	if (!(pci_read16(f, PCI_STATUS) & PCI_STATUS_CAPABILITIES))
		return 0;
	at = pci_read8(f, PCI_CAPABILITIES) & 0xFC;
	for (unsigned i = 0; at && i < PCI_CAPABILITIES_MAX; i++) {
		if (pci_read8(f, at) == id)
			return at;
		at = pci_read8(f, at + 1) & 0xFC;
	}
	return 0;
}

/* The BAR's size in bytes, of its lower 32 bits. Decoding must be off. */
static u32 bar_size(struct pci_function f, u8 reg)
{
	u32 old = pci_read32(f, reg);
	u32 mask;

	pci_write32(f, reg, UINT32_MAX);
	mask = pci_read32(f, reg) & PCI_BAR_ADDRESS;
	pci_write32(f, reg, old);
	return ~mask + 1;
}

static u32 place_bar(struct pci_function f, u8 reg, u32 size)
{
	static u32 next = BAR_WINDOW;
	u64 base = align_up(next, max_u64(size, PAGE_SIZE));

	if (base + size > BAR_WINDOW_END)
		return 0;
	next = (u32)(base + size);
	pci_write32(f, reg, (u32)base);
	return (u32)base;
}

u64 pci_claim_bar(struct pci_function f, unsigned bar)
{
	u8 reg = (u8)PCI_BAR(bar);
	u16 command = pci_read16(f, PCI_COMMAND);
	u32 value = pci_read32(f, reg);
	u64 base = value & PCI_BAR_ADDRESS;
	u32 size;

	if (bar >= PCI_BAR_COUNT || (value & PCI_BAR_IO))
		return 0;
	if ((value & PCI_BAR_TYPE) == PCI_BAR_TYPE_64 && bar + 1 < PCI_BAR_COUNT)
		base |= (u64)pci_read32(f, (u8)(reg + 4)) << 32;
	pci_write16(f, PCI_COMMAND, (u16)(command & ~PCI_COMMAND_MEMORY));
	size = bar_size(f, reg);
	if (!base && size)
		base = place_bar(f, reg, size);
	pci_write16(f, PCI_COMMAND, command);
	if (!base || !size || !paging_map(base, size, PAGING_DEVICE))
		return 0;
	return base;
}

void pci_set_command(struct pci_function f, u16 bits)
{
	pci_write16(f, PCI_COMMAND, (u16)(pci_read16(f, PCI_COMMAND) | bits));
}

void pci_clear_command(struct pci_function f, u16 bits)
{
	pci_write16(f, PCI_COMMAND, (u16)(pci_read16(f, PCI_COMMAND) & ~bits));
}
