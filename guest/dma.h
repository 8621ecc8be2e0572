/* Memory that devices read and write: an arena of its own, low (in the guest's image) or high. */
#ifndef GUEST_DMA_H
#define GUEST_DMA_H

#include "guest/boot.h"

#define DMA_ARENA_SIZE (2ull << 20)

/*
 * With high, takes the topmost 2 MiB of RAM above 4 GiB that no module lies in. NULL, or the
 * reason why not.
 */
const char *dma_init(const struct boot *boot, bool high);

/* Zeroed memory; align is a power of two. NULL when the arena is used up. */
void *dma_alloc(size_t size, size_t align);

/* What the device calls it: all memory is mapped to itself. */
static inline u64 dma_address(const void *memory)
{
	return (u64)(uintptr_t)memory;
}

u64 dma_arena_base(void);

#endif
