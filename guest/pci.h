/* PCI configuration space through ports 0xCF8 and 0xCFC, and what a driver needs of it. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "hv/base/types.h"

struct pci_function {
	u8 bus;
	u8 device;
	u8 function;
};

/* For print formats. */
#define PCI_TEXT    "%02x:%02x.%x"
#define PCI_ARGS(f) (f).bus, (f).device, (f).function

/* PCI Local Bus 3.0, 6.1: registers of a type 0 header. */
#define PCI_ID			 0x00
#define PCI_COMMAND		 0x04 /* u16 */
#define PCI_COMMAND_MEMORY	 (1u << 1)
#define PCI_COMMAND_MASTER	 (1u << 2)
#define PCI_COMMAND_NO_INTX	 (1u << 10)
#define PCI_STATUS		 0x06 /* u16 */
#define PCI_STATUS_CAPABILITIES	 (1u << 4)
#define PCI_HEADER		 0x0E /* u8 */
#define PCI_HEADER_TYPE		 0x7F
#define PCI_HEADER_MULTIFUNCTION 0x80
#define PCI_HEADER_BRIDGE	 1
#define PCI_BAR(n)		 (0x10u + 4u * (n))
#define PCI_BAR_COUNT		 6
#define PCI_BAR_IO		 (1u << 0)
#define PCI_BAR_TYPE		 (3u << 1)
#define PCI_BAR_TYPE_64		 (2u << 1)
#define PCI_BAR_ADDRESS		 (~0xFu)
#define PCI_SECONDARY_BUS	 0x19 /* u8, type 1 header */
#define PCI_CAPABILITIES	 0x34 /* u8 */
#define PCI_INTERRUPT_LINE	 0x3C /* u8 */

#define PCI_CAPABILITY_MSI  0x05
#define PCI_CAPABILITY_MSIX 0x11

u32 pci_read32(struct pci_function f, u8 reg);
u16 pci_read16(struct pci_function f, u8 reg);
u8 pci_read8(struct pci_function f, u8 reg);
void pci_write32(struct pci_function f, u8 reg, u32 value);
void pci_write16(struct pci_function f, u8 reg, u16 value);

/*
 * Finds the first function for which wanted() holds: first along the bridges from bus 0, then, for
 * machines with several root buses, on every bus.
 */
bool pci_find(bool (*wanted)(u32 id), struct pci_function *found);

/* Where the capability lies, 0 if it isn't there. */
u8 pci_capability(struct pci_function f, u8 id);

/*
 * The address of a memory BAR, which gets one if it has none; maps it for the CPU. 0 if it is no
 * memory BAR or can't be mapped.
 */
u64 pci_claim_bar(struct pci_function f, unsigned bar);

void pci_set_command(struct pci_function f, u16 bits);
void pci_clear_command(struct pci_function f, u16 bits);

#endif
