/*
 * Resetting functions, so that nothing of what a last owner or firmware did is left in them. One reset at a
 * time: the state of what is reset is kept in one place.
 */
#ifndef DRIVERS_PCI_RESET_H
#define DRIVERS_PCI_RESET_H

#include "drivers/pci.h"

/* In the order in which they are tried. */
enum pci_reset_method {
	PCI_RESET_FLR, /* function level reset, PCIe 5.0 6.6.2 */
	PCI_RESET_AF,  /* the same of conventional functions: PCI's ECN "Advanced Capabilities" */
	PCI_RESET_PM,  /* to D3hot and back, PCIe 5.0 5.3.1.4 */
	PCI_RESET_BUS, /* of the bus below the bridge above, PCIe 5.0 6.6.1, 7.5.1.3.13 */
	PCI_RESET_DEVICE, /* by the device's own registers */
	PCI_RESET_METHODS,
};

const char *pci_reset_name(enum pci_reset_method method);

struct pci_reset_with {
	/* Who may be reset along with the function: its neighbours below the same bridge for which this is true. */
	bool (*may)(const struct pci_function *neighbour, const void *context);
	const void *context;
	/* Called over and over while it waits; it must leave these functions alone, and end soon. */
	void (*meanwhile)(void);
};

/*
 * Silences the function (as pci_silence()) and resets it by the first method that works. It is found as it
 * was, but silent, with its decoding off: its BARs, and of its PCI Express capability what the whole
 * hierarchy has to agree on, are written anew and read back. The same goes for neighbours that were reset
 * along with it; they must not be in use.
 *
 * ERR_UNSUPPORTED: there is no way, or none does anything; it is silent all the same. ERR_TIMEOUT: none worked,
 * and what it does now is not known. Bounded: some 1.2 seconds for each method.
 */
enum status pci_reset(const struct pci_topology *topology, const struct pci_function *function,
		      struct pci_reset_with with, enum pci_reset_method *method);

#endif
