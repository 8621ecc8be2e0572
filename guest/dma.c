#include "guest/dma.h"

#include "guest/paging.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"

static u8 low_arena[DMA_ARENA_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u64 arena = 0;
static u64 used;

static bool holds_module(const struct boot *boot, u64 base)
{
	for (unsigned i = 0; i < boot->module_count; i++)
		if (ranges_overlap(base, DMA_ARENA_SIZE, boot->modules[i].base,
				   boot->modules[i].size))
			return true;
	return false;
}

/* The highest arena in that region, 0 if there is none. */
static u64 highest_in(const struct boot *boot, const struct memory_region *region)
{
	u64 lowest = max_u64(align_up(region->base, DMA_ARENA_SIZE), GIB(4));
	u64 base = align_down(region->base + region->size, DMA_ARENA_SIZE);

	while (base > lowest) {
		base -= DMA_ARENA_SIZE;
		if (base >= lowest && !holds_module(boot, base))
			return base;
	}
	return 0;
}

const char *dma_init(const struct boot *boot, bool high)
{
	arena = (u64)(uintptr_t)low_arena;
	if (!high)
		return NULL;
	arena = 0;
	for (unsigned i = 0; i < boot->memory.count; i++)
		if (boot->memory.regions[i].type == MEMORY_RAM)
			arena = max_u64(arena, highest_in(boot, &boot->memory.regions[i]));
	if (!arena)
		return "dma=high: there is no RAM above 4 GiB";
	if (!paging_map(arena, DMA_ARENA_SIZE, PAGING_MEMORY))
		return "dma=high: the highest RAM is beyond 512 GiB";
	memset((void *)(uintptr_t)arena, 0, DMA_ARENA_SIZE);
	return NULL;
}

void *dma_alloc(size_t size, size_t align)
{
	u64 start = align_up(used, align);

	if (start > DMA_ARENA_SIZE || size > DMA_ARENA_SIZE - start)
		return NULL;
	used = start + size;
	return (void *)(uintptr_t)(arena + start);
}

u64 dma_arena_base(void)
{
	return arena;
}
