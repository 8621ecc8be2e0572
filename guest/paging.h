/* Identity mapping beyond the first 4 GiB, and device memory. */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include "hv/base/types.h"

#define PAGING_MEMORY 0u
#define PAGING_DEVICE 0x18u /* uncached: PCD and PWT */

/*
 * Maps [base, base+size) to itself, by whole 2M pages. False beyond 512 GiB, or when more than a
 * handful of separate GiBs above 4 GiB were asked for.
 */
bool paging_map(u64 base, u64 size, u32 kind);

#endif
