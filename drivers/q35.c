#include "drivers/q35.h"

#include "arch/x86/mmio.h"

#define Q35_PINS       4
#define Q35_GSI_PIRQ_A 16
#define Q35_GSI_PIRQ_E 20

/* Devices of the ICH9 itself; all others are slots or in the host bridge. */
#define Q35_FIRST_OWN  25
#define Q35_PCI_BRIDGE 30 /* its INTx pins are PIRQE-H, whatever D30IR says */

/* The LPC bridge at 00:1f.0 says where the chipset configuration registers are (13.1.36). */
#define Q35_LPC		    SBDF(0, 0, 31, 0)
#define Q35_LPC_DEVICE	    0x2918
#define Q35_LPC_RCBA	    0xf0
#define Q35_LPC_RCBA_ENABLE 0x1
#define Q35_LPC_RCBA_BASE   0xffffc000

/* 10.1.44-10.1.50, from the page of the configuration registers that they are in. */
#define Q35_RCBA_PAGE 0x3000
static const u16 dir_offset[] = {
	0x150, /* D25IR */
	0x14c, /* D26IR */
	0x148, /* D27IR */
	0x146, /* D28IR */
	0x144, /* D29IR */
	0x142, /* D30IR */
	0x140, /* D31IR */
};

#define PXB_PCIE_VENDOR 0x1b36
#define PXB_PCIE_DEVICE 0x000b

bool q35_needs_routes(u8 device)
{
	return device >= Q35_FIRST_OWN && device != Q35_PCI_BRIDGE;
}

enum status q35_gsi(const struct q35_routes *routes, u8 device, u8 pin, u32 *gsi)
{
	if (device == Q35_PCI_BRIDGE) {
		*gsi = Q35_GSI_PIRQ_E + pin;
	} else if (!q35_needs_routes(device)) {
		*gsi = Q35_GSI_PIRQ_E + (device + pin) % Q35_PINS;
	} else {
		if (!routes->known)
			return ERR_UNSUPPORTED;
		*gsi = Q35_GSI_PIRQ_A + (routes->dir[device - Q35_FIRST_OWN] >> 4 * pin & 7);
	}
	return OK;
}

enum status q35_gsi_behind_pxb(const struct q35_routes *routes, u8 pxb_device,
			       const struct intx_root *root, u32 *gsi)
{
	/* At row pxb_device of the router's table, less pxb_device entries. */
	u32 pin = (root->device + root->pin) % Q35_PINS;
	u32 entry = Q35_PINS * pxb_device + pin - pxb_device;

	return q35_gsi(routes, (u8)(entry / Q35_PINS), (u8)(entry % Q35_PINS), gsi);
}

/* Leaves the routes unknown if the registers are hidden or the LPC bridge is not the expected one. */
static void read_routes(const struct pci_topology *topology, struct q35_routes *routes)
{
	const struct pci_function *lpc = pci_find(topology, Q35_LPC);
	struct mmio registers;

	routes->known = false;
	if (!lpc || lpc->vendor_id != Q35_HOST_VENDOR || lpc->device_id != Q35_LPC_DEVICE)
		return;

	u32 rcba = pci_read(Q35_LPC, Q35_LPC_RCBA, 4);
	u64 base = rcba & Q35_LPC_RCBA_BASE;

	if (!(rcba & Q35_LPC_RCBA_ENABLE) ||
	    mmio_map(hpa(base + Q35_RCBA_PAGE), PAGE_SIZE, &registers) != OK)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(dir_offset); i++)
		routes->dir[i] = mmio_read16(&registers, dir_offset[i]);
	routes->known = true;
}

/*
 * Nothing in configuration space says which pxb makes which root bus. So there must be one only, or
 * all must give the same answer.
 */
static enum status find_behind_pxb(const struct pci_topology *topology,
				   const struct q35_routes *routes, const struct intx_root *root,
				   u32 *gsi)
{
	enum status result = ERR_UNSUPPORTED;

	for (u32 i = 0; i < topology->count; i++) {
		const struct pci_function *pxb = &topology->function[i];
		u32 found;

		if (pxb->vendor_id != PXB_PCIE_VENDOR || pxb->device_id != PXB_PCIE_DEVICE ||
		    pxb->address.segment != 0 || sbdf_bus(pxb->address) != 0)
			continue;

		enum status status =
			q35_gsi_behind_pxb(routes, sbdf_device(pxb->address), root, &found);

		if (status != OK || (result == OK && found != *gsi))
			return ERR_UNSUPPORTED;
		*gsi = found;
		result = OK;
	}
	return result;
}

enum status q35_find_gsi(const struct pci_topology *topology, const struct intx_root *root,
			 u32 *gsi)
{
	struct q35_routes routes = {.known = false};

	if (root->segment != 0)
		return ERR_UNSUPPORTED;
	if (root->bus != 0)
		return find_behind_pxb(topology, &routes, root, gsi);
	if (q35_needs_routes(root->device))
		read_routes(topology, &routes);
	return q35_gsi(&routes, root->device, root->pin, gsi);
}
