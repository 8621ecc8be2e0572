/* Making memory visible to a reader that does not snoop the caches. */
#ifndef HV_BASE_CACHE_H
#define HV_BASE_CACHE_H

#include "hv/base/types.h"

/*
 * Writes back every cache line that holds a byte of [start, start+size), and returns once they are in
 * memory (CLFLUSH and MFENCE: Intel SDM volume 2A). The CPU's own: each build brings its own, and
 * tests a fake that records the lines.
 */
void cache_flush(const void *start, size_t size);

#endif
