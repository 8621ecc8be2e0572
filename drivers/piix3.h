/*
 * Interrupt routing of the emulated i440FX machines (QEMU's pc, Bochs), whose south bridge is a PIIX3 (Intel
 * 82371SB data sheet, PIRQRC[A:D]): firmware chose an ISA interrupt for each of four PCI lines, and it arrives
 * at the IOAPIC's pin of that number. What Bochs raises at GSI 16-19 besides, QEMU does not.
 */
#ifndef DRIVERS_PIIX3_H
#define DRIVERS_PIIX3_H

#include "drivers/intx.h"

#define PIIX3_HOST_VENDOR 0x8086
#define PIIX3_HOST_DEVICE 0x1237 /* the 82441FX */
/* The host bridge's subsystem vendor: Bochs has none, as the 82441FX itself, which no CPU of 64 bits meets. */
#define PIIX3_QEMU_VENDOR  0x1af4
#define PIIX3_BOCHS_VENDOR 0x0000

/* The PCI line, 0 (PIRQA) to 3, of a pin (0: INTA) of a slot on bus 0, as both wire them. Pure. */
u8 piix3_line(u8 device, u8 pin);

/* The GSI by a line's PIRQRC register. ERR_UNSUPPORTED: it leads nowhere. Pure. */
enum status piix3_gsi(u8 route, u32 *gsi);

/* For intx_find_gsi(). ERR_UNSUPPORTED also without a PIIX3, and for other buses than 0. */
enum status piix3_find_gsi(const struct pci_topology *topology, const struct intx_root *root,
			   u32 *gsi);

#endif
