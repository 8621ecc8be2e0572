/* Global system interrupts, as the MADT describes them (ACPI specification 6.4, sections 5.2.12-13). */
#ifndef HV_PLATFORM_GSI_H
#define HV_PLATFORM_GSI_H

#include "hv/platform/acpi.h"

/* How a pin is to be set. */
struct gsi_mode {
	bool active_low;
	bool level;
};

/* Adds all IOAPICs of the table, pins masked; one that can't be used is left out with a log line. */
void gsi_init(const struct madt *madt);

/* The GSI of an ISA interrupt, 0 .. 15. */
u32 gsi_of_isa(const struct madt *madt, u8 irq);

/*
 * As the table overrides it, else by the bus: PCI interrupts are level and active low (PCI 3.0 2.2.6),
 * ISA's edge and active high.
 */
struct gsi_mode gsi_mode_isa(const struct madt *madt, u32 gsi);
struct gsi_mode gsi_mode_pci(const struct madt *madt, u32 gsi);

#endif
