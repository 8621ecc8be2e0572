/*
 * The walk over all buses. The list of functions found so far is also the list of bridges still to be
 * followed, so there is no recursion, and each bus is scanned once whatever the bridges say.
 */
#include "drivers/pci_scan.h"

#include "drivers/pci_regs.h"

#define PCI_BUSES     256
#define PCI_DEVICES   32
#define PCI_FUNCTIONS 8
#define PCI_SEGMENTS  0x10000

struct walk {
	struct pci_topology *topology;
	const struct pci_ecam *ecam;
	u32 ecam_count;
	u16 segment;
	u64 scanned[PCI_BUSES / 64];
};

static bool reachable_by_ecam(const struct walk *walk, u8 bus)
{
	for (u32 i = 0; i < walk->ecam_count; i++) {
		const struct pci_ecam *ecam = &walk->ecam[i];

		if (ecam->segment == walk->segment && ecam->first_bus <= bus &&
		    bus <= ecam->last_bus)
			return true;
	}
	return false;
}

static bool to_be_scanned(const struct walk *walk, u8 bus)
{
	return !(walk->scanned[bus / 64] & BIT(bus % 64)) &&
	       (walk->ecam_count == 0 || reachable_by_ecam(walk, bus));
}

static bool is_bridge(const struct pci_function *function)
{
	return function->header_type == 1 || function->header_type == 2;
}

static void read_function(struct pci_function *function)
{
	struct sbdf address = function->address;
	u32 class_revision = pci_read(address, PCI_REVISION, 4);
	u8 header_type = (u8)pci_read(address, PCI_HEADER_TYPE, 1);

	function->vendor_id = (u16)pci_read(address, PCI_VENDOR_ID, 2);
	function->device_id = (u16)pci_read(address, PCI_DEVICE_ID, 2);
	function->class_code = class_revision >> 8;
	function->revision = (u8)class_revision;
	function->header_type = header_type & ~PCI_HEADER_MULTIFUNCTION;
	function->multifunction = header_type & PCI_HEADER_MULTIFUNCTION;
	function->interrupt_pin = (u8)pci_read(address, PCI_INTERRUPT_PIN, 1);
	function->interrupt_line = (u8)pci_read(address, PCI_INTERRUPT_LINE, 1);
	if (is_bridge(function)) {
		function->secondary_bus = (u8)pci_read(address, PCI_SECONDARY_BUS, 1);
		function->subordinate_bus = (u8)pci_read(address, PCI_SUBORDINATE_BUS, 1);
	}
	pci_read_bars(function);
	pci_read_caps(function);
}

static bool is_there(struct sbdf address)
{
	u32 id = pci_read(address, PCI_VENDOR_ID, 4);

	/* Some hosts answer for an absent function with zeros, or with ones in one half. */
	return (u16)id != 0xffff && id >> 16 != 0xffff && id != 0;
}

static void add_function(struct walk *walk, struct sbdf address, u16 parent)
{
	struct pci_topology *topology = walk->topology;

	if (topology->count == topology->capacity || topology->count == PCI_NO_PARENT) {
		topology->dropped++;
		return;
	}

	struct pci_function *function = &topology->function[topology->count++];

	*function = (struct pci_function){.address = address, .parent = parent};
	function->ecam = reachable_by_ecam(walk, sbdf_bus(address));
	read_function(function);
}

static void scan_device(struct walk *walk, u8 bus, u8 device, u16 parent)
{
	struct sbdf address = SBDF(walk->segment, bus, device, 0);

	if (!is_there(address))
		return;

	bool multifunction = pci_read(address, PCI_HEADER_TYPE, 1) & PCI_HEADER_MULTIFUNCTION;

	add_function(walk, address, parent);
	for (u8 i = 1; multifunction && i < PCI_FUNCTIONS; i++) {
		address = SBDF(walk->segment, bus, device, i);
		if (is_there(address))
			add_function(walk, address, parent);
	}
}

/* Below a port there is device 0 only (PCIe 5.0 7.3.1); some devices answer for all 32. */
static u8 devices_below(const struct walk *walk, u16 parent)
{
	if (parent == PCI_NO_PARENT)
		return PCI_DEVICES;

	u8 type = walk->topology->function[parent].pcie_type;

	return type == PCI_PCIE_ROOT_PORT || type == PCI_PCIE_DOWNSTREAM ? 1 : PCI_DEVICES;
}

static void scan_bus(struct walk *walk, u8 bus, u16 parent)
{
	walk->scanned[bus / 64] |= BIT(bus % 64);
	for (u8 device = 0; device < devices_below(walk, parent); device++)
		scan_device(walk, bus, device, parent);
}

/* A bridge leads upwards in numbers (PCI-to-PCI bridge 1.2, 3.2.5.3): what else it says is wrong. */
static bool leads_on(const struct walk *walk, const struct pci_function *bridge)
{
	return is_bridge(bridge) && bridge->secondary_bus > sbdf_bus(bridge->address) &&
	       bridge->subordinate_bus >= bridge->secondary_bus &&
	       to_be_scanned(walk, bridge->secondary_bus);
}

static void scan_root(struct walk *walk, u8 bus)
{
	struct pci_topology *topology = walk->topology;
	u32 i = topology->count;

	scan_bus(walk, bus, PCI_NO_PARENT);
	for (; i < topology->count; i++)
		if (leads_on(walk, &topology->function[i]))
			scan_bus(walk, topology->function[i].secondary_bus, (u16)i);
}

/*
 * In rising order, so that a root bus is met before the buses behind its bridges, which have higher
 * numbers.
 */
static void scan_segment(struct walk *walk)
{
	for (u32 bus = 0; bus < PCI_BUSES; bus++)
		if (to_be_scanned(walk, (u8)bus))
			scan_root(walk, (u8)bus);
}

/* The lowest segment of any window that is at least this one; PCI_SEGMENTS if there is none. */
static u32 next_segment(const struct pci_ecam *ecam, u32 count, u32 at_least)
{
	u32 next = PCI_SEGMENTS;

	for (u32 i = 0; i < count; i++)
		if (ecam[i].segment >= at_least && ecam[i].segment < next)
			next = ecam[i].segment;
	return next;
}

void pci_scan(struct pci_topology *topology, const struct pci_ecam *ecam, u32 ecam_count)
{
	u32 segment = ecam_count ? next_segment(ecam, ecam_count, 0) : 0;

	topology->count = 0;
	topology->dropped = 0;
	while (segment < PCI_SEGMENTS) {
		struct walk walk = {topology, ecam, ecam_count, (u16)segment, {0}};

		scan_segment(&walk);
		segment = next_segment(ecam, ecam_count, segment + 1);
	}
}

const struct pci_function *pci_find(const struct pci_topology *topology, struct sbdf address)
{
	for (u32 i = 0; i < topology->count; i++)
		if (sbdf_equal(topology->function[i].address, address))
			return &topology->function[i];
	return NULL;
}
