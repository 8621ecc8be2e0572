/* What the files that reset functions share, and nobody else uses. */
#ifndef DRIVERS_PCI_RESET_PARTS_H
#define DRIVERS_PCI_RESET_PARTS_H

#include "drivers/pci.h"

#define PCI_REBAR_MAX 6

/* Configuration registers that a reset clears, and that are to be as they were. */
struct pci_saved {
	const struct pci_function *function;
	u32 header[9];
	u16 pcie[4];
	u32 rebar[PCI_REBAR_MAX];
	u16 acs; /* the control register */
};

void pci_save(const struct pci_function *function, struct pci_saved *saved);

/* The function is silent then, and decodes nothing. False if it did not take its BARs and
 * access control services back: without these it would not be isolated as its group says. */
bool pci_restore(const struct pci_saved *saved);

/* True if the device has a reset of its own that is known. */
bool device_reset_known(const struct pci_function *function);
/* Carries it out; the function's BARs are as they were at boot. False if that did not work. */
bool device_reset(const struct pci_function *function);

/* Does nothing for so many microseconds. */
void pci_reset_wait(u64 us);

#endif
