/* Clearing memory before a VM gets it. */
#ifndef HV_VM_SCRUB_H
#define HV_VM_SCRUB_H

#include "hv/base/types.h"

/*
 * Clears so many bytes of physical memory, whole pages: nothing of an earlier owner or of the loader may be
 * seen in it. The hypervisor's own work goes on meanwhile: housekeeping().
 */
void scrub(hpa_t start, u64 size);

#endif
