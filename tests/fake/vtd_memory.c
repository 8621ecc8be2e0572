/* The memory that the driver writes and the fake units read, with what lies between: caches. */
#include <stdlib.h>
#include <string.h>

#include "hv/base/cache.h"
#include "tests/fake/vtd_unit.h"

enum fake_view fake_view;

static u8 *memory;
static u8 *seen; /* what the units see, unless they see all */

static void *at(u8 *base, u64 hpa)
{
	if (hpa < FAKE_MEMORY_HPA || hpa - FAKE_MEMORY_HPA > FAKE_MEMORY_SIZE - 16)
		abort();
	return base + (hpa - FAKE_MEMORY_HPA);
}

void *fake_memory_reset(void)
{
	if (!memory) {
		memory = aligned_alloc(4096, FAKE_MEMORY_SIZE);
		seen = aligned_alloc(4096, FAKE_MEMORY_SIZE);
	}
	memset(memory, 0, FAKE_MEMORY_SIZE);
	memset(seen, 0xa5, FAKE_MEMORY_SIZE); /* what was never flushed is garbage */
	fake_view = FAKE_SEES_ALL;
	return memory;
}

void *fake_memory_at(u64 hpa)
{
	return at(memory, hpa);
}

u64 fake_read(u64 hpa)
{
	u64 value;

	memcpy(&value, at(fake_view == FAKE_SEES_ALL ? memory : seen, hpa), sizeof(value));
	return value;
}

struct fake_pair fake_read_pair(u64 hpa)
{
	return (struct fake_pair){fake_read(hpa), fake_read(hpa + 8)};
}

void fake_write_status(u64 hpa, u32 value)
{
	memcpy(at(memory, hpa), &value, sizeof(value));
	memcpy(at(seen, hpa), &value, sizeof(value));
}

void fake_drain_writes(void)
{
	if (fake_view == FAKE_SEES_DRAINED)
		memcpy(seen, memory, FAKE_MEMORY_SIZE);
}

void cache_flush(const void *start, size_t size)
{
	u64 first = (u64)((const u8 *)start - memory) & ~63ull;
	u64 end = ((u64)((const u8 *)start - memory) + size + 63) & ~63ull;

	if (first < FAKE_MEMORY_SIZE && end <= FAKE_MEMORY_SIZE)
		memcpy(seen + first, memory + first, end - first);
}
