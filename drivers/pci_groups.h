/*
 * Isolation groups: functions that the IOMMU can't tell from one another, or that can reach each other
 * without passing it. What one of them is given, all of them have. Pure.
 *
 * Requests that reach the root complex are translated before they are passed on, to whatever port or
 * device: the VT-d specification asks for it ("Root-Complex Peer to Peer Considerations"). So ports and
 * devices on a root bus are apart from each other, with access control services or without, as Linux has it
 * too, unless they are functions of one device.
 */
#ifndef DRIVERS_PCI_GROUPS_H
#define DRIVERS_PCI_GROUPS_H

#include "drivers/pci.h"

/* What binds a group. */
#define PCI_BOND_REQUESTER 0x1 /* requests with one ID */
#define PCI_BOND_BUS	   0x2 /* a bus of conventional PCI, where each sees all */
#define PCI_BOND_PORT	   0x4 /* ports above that may turn requests round, back down */
#define PCI_BOND_DEVICE	   0x8 /* functions of one device that may pass on requests inside it */

/* Sets group, bonds and open of all functions, from what pci_isolate() found in effect. */
void pci_group(struct pci_topology *topology);

/* True if they are functions of one device. */
bool pci_same_device(const struct pci_function *a, const struct pci_function *b);

#define PCI_BONDS_TEXT_MAX 160

/* The reason in words: "a conventional PCI bus, ..."; "" where there is none. */
const char *pci_bonds_text(u8 bonds, char text[PCI_BONDS_TEXT_MAX]);

/* One log line for each group: "group of 00:1f.0: 00:1f.0 00:1f.2: REASON", more if it is large. */
void pci_group_print(const struct pci_topology *topology);

#endif
