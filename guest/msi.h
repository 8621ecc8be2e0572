/* Message-signalled interrupts: MSI and MSI-X (PCI Local Bus 3.0, 6.8). */
#ifndef GUEST_MSI_H
#define GUEST_MSI_H

#include "guest/pci.h"

bool msi_present(struct pci_function f);
bool msix_present(struct pci_function f);

/* One vector to the local APIC with that ID (0-255). NULL, or the reason why not. */
const char *msi_enable(struct pci_function f, u8 vector, u8 to_apic_id);

/* Entry i of the table gets vectors[i]; all others stay masked. NULL, or the reason why not. */
const char *msix_enable(struct pci_function f, const u8 *vectors, unsigned count, u8 to_apic_id);

/* Off, as after a reset: firmware may have used them. */
void msi_disable(struct pci_function f);

#endif
