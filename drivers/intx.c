#include "drivers/intx.h"

#include "drivers/pci_regs.h"
#include "drivers/piix3.h"
#include "drivers/q35.h"

#define INTX_PINS 4

enum status intx_swizzle(const struct pci_topology *topology, const struct pci_function *function,
			 struct intx_root *root)
{
	u8 pin = function->interrupt_pin;

	if (pin == 0)
		return ERR_NOT_FOUND;
	if (pin > INTX_PINS)
		return ERR_INVALID;
	pin--;
	while (function->parent != PCI_NO_PARENT) {
		pin = (pin + sbdf_device(function->address)) % INTX_PINS;
		function = &topology->function[function->parent];
	}
	root->segment = function->address.segment;
	root->bus = sbdf_bus(function->address);
	root->device = sbdf_device(function->address);
	root->pin = pin;
	return OK;
}

/*
 * The chipsets whose routing is known, by the function at 00:00.0. Its subsystem tells the emulated
 * chipset from the one on boards, which wires its slots in its own way.
 */
static const struct chipset {
	u16 vendor_id;
	u16 device_id;
	u16 subsystem_vendor_id;
	enum status (*find_gsi)(const struct pci_topology *topology, const struct intx_root *root,
				u32 *gsi);
} chipsets[] = {
	{Q35_HOST_VENDOR, Q35_HOST_DEVICE, Q35_QEMU_VENDOR, q35_find_gsi},
	{PIIX3_HOST_VENDOR, PIIX3_HOST_DEVICE, PIIX3_QEMU_VENDOR, piix3_find_gsi},
	{PIIX3_HOST_VENDOR, PIIX3_HOST_DEVICE, PIIX3_BOCHS_VENDOR, piix3_find_gsi},
};

static const struct chipset *find_chipset(const struct pci_topology *topology)
{
	const struct pci_function *host = pci_find(topology, SBDF(0, 0, 0, 0));

	if (!host)
		return NULL;

	u16 subsystem_vendor = (u16)pci_read(host->address, PCI_SUBSYSTEM_VENDOR, 2);

	for (size_t i = 0; i < ARRAY_SIZE(chipsets); i++)
		if (host->vendor_id == chipsets[i].vendor_id &&
		    host->device_id == chipsets[i].device_id &&
		    subsystem_vendor == chipsets[i].subsystem_vendor_id)
			return &chipsets[i];
	return NULL;
}

enum status intx_find_gsi(const struct pci_topology *topology, const struct pci_function *function,
			  u32 *gsi)
{
	const struct chipset *chipset = find_chipset(topology);
	struct intx_root root;
	enum status status = intx_swizzle(topology, function, &root);

	if (status != OK)
		return status;
	return chipset ? chipset->find_gsi(topology, &root, gsi) : ERR_UNSUPPORTED;
}
