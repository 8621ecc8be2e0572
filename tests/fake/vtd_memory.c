/* The memory that the driver writes and the fake units read, with what lies between: caches. */
#include <stdlib.h>
#include <string.h>

#include "hv/base/cache.h"
#include "tests/fake/vtd_unit.h"

void (*fake_between)(void);

static u8 *memory;
static u8 *seen[FAKE_MAX_UNITS]; /* what a unit sees, unless it sees all */

static u64 offset_of(u64 hpa)
{
	if (hpa < FAKE_MEMORY_HPA || hpa - FAKE_MEMORY_HPA > FAKE_MEMORY_SIZE - sizeof(u64))
		abort();
	return hpa - FAKE_MEMORY_HPA;
}

void *fake_memory_reset(void)
{
	if (!memory)
		memory = aligned_alloc(4096, FAKE_MEMORY_SIZE);
	memset(memory, 0, FAKE_MEMORY_SIZE);
	fake_between = NULL;
	return memory;
}

void fake_set_view(struct fake_unit *unit, enum fake_view view)
{
	if (!seen[unit->index])
		seen[unit->index] = aligned_alloc(4096, FAKE_MEMORY_SIZE);
	memset(seen[unit->index], 0xa5, FAKE_MEMORY_SIZE); /* what was never flushed is garbage */
	unit->view = view;
}

void *fake_memory_at(u64 hpa)
{
	return memory + offset_of(hpa);
}

u64 fake_read(const struct fake_unit *unit, u64 hpa)
{
	const u8 *from = unit->view == FAKE_SEES_ALL ? memory : seen[unit->index];
	u64 value;

	memcpy(&value, from + offset_of(hpa), sizeof(value));
	return value;
}

struct fake_pair fake_read_pair(const struct fake_unit *unit, u64 hpa)
{
	return (struct fake_pair){fake_read(unit, hpa), fake_read(unit, hpa + 8)};
}

/* What lies there reaches all units of this view. */
static void let_see(enum fake_view view, u64 offset, u64 size)
{
	for (unsigned i = 0; i < fake_unit_count(); i++)
		if (fake_unit_at(i)->view == view)
			memcpy(seen[i] + offset, memory + offset, size);
}

void fake_write_status(u64 hpa, u32 value)
{
	memcpy(memory + offset_of(hpa), &value, sizeof(value));
	let_see(FAKE_SEES_FLUSHED, offset_of(hpa), sizeof(value));
	let_see(FAKE_SEES_DRAINED, offset_of(hpa), sizeof(value));
}

void fake_drain_writes(const struct fake_unit *unit)
{
	if (unit->view == FAKE_SEES_DRAINED)
		memcpy(seen[unit->index], memory, FAKE_MEMORY_SIZE);
}

static void flush(u64 first, u64 end)
{
	first &= ~63ull;
	end = (end + 63) & ~63ull;
	if (first < FAKE_MEMORY_SIZE && end <= FAKE_MEMORY_SIZE)
		let_see(FAKE_SEES_FLUSHED, first, end - first);
}

void cache_flush(const void *start, size_t size)
{
	u64 first = (u64)((const u8 *)start - memory);

	flush(first, first + size);
	if (fake_between)
		fake_between();
}

void fake_store(u64 *entry, u64 value)
{
	u64 first = (u64)((const u8 *)entry - memory);

	*entry = value;
	flush(first, first + sizeof(value)); /* a line may leave the caches at any time */
	if (fake_between)
		fake_between();
}

void fake_fill(u64 hpa, u64 size, struct fake_pair with)
{
	for (u64 at = offset_of(hpa); size; at += sizeof(with), size -= sizeof(with)) {
		memcpy(memory + at, &with, sizeof(with));
		let_see(FAKE_SEES_FLUSHED, at, sizeof(with));
		let_see(FAKE_SEES_DRAINED, at, sizeof(with));
	}
}
