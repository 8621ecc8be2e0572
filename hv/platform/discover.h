/* From what firmware says to struct platform. */
#ifndef HV_PLATFORM_DISCOVER_H
#define HV_PLATFORM_DISCOVER_H

#include "hv/base/pool.h"
#include "hv/platform/platform.h"

/*
 * Fills acpi, madt, mcfg and fadt from the RSDP that boot holds, or that is found in low memory. What is
 * missing or malformed is told and stays empty.
 */
void platform_read_acpi(struct platform *platform);

/* Walks PCI; the functions are kept in pages of the pool. ERR_NO_MEMORY. */
enum status platform_scan_pci(struct platform *platform, struct pool *pool);

/* All of it, in the log. */
void platform_print(const struct platform *platform);

#endif
