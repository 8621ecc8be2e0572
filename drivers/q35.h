/*
 * Interrupt routing of QEMU's Q35 machine, whose ICH9 has the routing registers of the Intel ICH9 data
 * sheet, section 10.1: how INTx pins arrive at GSI 16-23.
 */
#ifndef DRIVERS_Q35_H
#define DRIVERS_Q35_H

#include "drivers/intx.h"

#define Q35_HOST_VENDOR 0x8086
#define Q35_HOST_DEVICE 0x29c0
#define Q35_QEMU_VENDOR 0x1af4 /* the host bridge's subsystem vendor */

/* The chipset configuration registers that route its own devices, D25IR .. D31IR. */
struct q35_routes {
	bool known;
	u16 dir[7]; /* of devices 25 .. 31; a nibble for each pin, INTA lowest */
};

/* True if the routing of a device on bus 0 depends on those registers. */
bool q35_needs_routes(u8 device);

/* The GSI of a pin (0: INTA) of a device on bus 0. Pure. ERR_UNSUPPORTED: needs routes, not known. */
enum status q35_gsi(const struct q35_routes *routes, u8 device, u8 pin, u32 *gsi);

/*
 * The GSI of a pin on a further root bus, which QEMU's pxb-pcie makes, by the slot of the pxb on bus 0.
 * Its pin goes back by the slot of the pxb and not modulo 4, so that QEMU's router finds it in the row
 * of another device. Pure.
 */
enum status q35_gsi_behind_pxb(const struct q35_routes *routes, u8 pxb_device,
			       const struct intx_root *root, u32 *gsi);

/* For intx_find_gsi(). ERR_UNSUPPORTED also where it can't be told which of several pxb it is. */
enum status q35_find_gsi(const struct pci_topology *topology, const struct intx_root *root,
			 u32 *gsi);

#endif
