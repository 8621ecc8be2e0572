/* The machine, as found: made once at boot from what firmware says, constant from then on. */
#ifndef HV_PLATFORM_PLATFORM_H
#define HV_PLATFORM_PLATFORM_H

#include "drivers/pci.h"
#include "hv/platform/acpi.h"
#include "hv/platform/bootinfo.h"

struct platform {
	struct bootinfo boot; /* the memory map is in it, as firmware gave it */
	struct acpi_tables acpi;
	struct madt madt;
	struct mcfg mcfg;
	struct fadt fadt;
	struct pci_topology pci;
};

#endif
