/* Which global system interrupt a function's INTx pin raises. */
#ifndef DRIVERS_INTX_H
#define DRIVERS_INTX_H

#include "drivers/pci.h"

/* Where a pin arrives at the root. */
struct intx_root {
	u16 segment;
	u8 bus;
	u8 device;
	u8 pin; /* 0: INTA .. 3: INTD */
};

/*
 * Follows the pin over the bridges (PCI-to-PCI bridge specification 1.2, section 9.1). Pure.
 * ERR_NOT_FOUND: the function has no INTx pin; ERR_INVALID: its pin register is out of range.
 */
enum status intx_swizzle(const struct pci_topology *topology, const struct pci_function *function,
			 struct intx_root *root);

/*
 * The GSI of the function's pin. Errors as above; ERR_UNSUPPORTED: the routing of this chipset is not
 * known (the function must use MSI, or its user say which GSI it is).
 */
enum status intx_find_gsi(const struct pci_topology *topology, const struct pci_function *function,
			  u32 *gsi);

#endif
