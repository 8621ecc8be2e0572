#include "hv/platform/memmap.h"

#include "hv/base/log.h"

/* Ranges don't wrap and don't reach 2^64: memmap_add() sees to that. */
static u64 range_end(const struct memory_range *range)
{
	return range->start.v + range->size;
}

const char *memory_kind_name(enum memory_kind kind)
{
	static const char *const name[MEMORY_KINDS] = {
		[MEMORY_RAM] = "RAM",	    [MEMORY_ACPI] = "ACPI tables",
		[MEMORY_NVS] = "ACPI NVS",  [MEMORY_RESERVED] = "reserved",
		[MEMORY_BAD] = "defective",
	};

	return kind < MEMORY_KINDS ? name[kind] : "unknown";
}

static enum status insert(struct memmap *map, u32 at, u64 start, u64 end, enum memory_kind kind)
{
	if (map->count == MEMMAP_MAX)
		return ERR_NO_MEMORY;
	for (u32 i = map->count++; i > at; i--)
		map->range[i] = map->range[i - 1];
	map->range[at] = (struct memory_range){hpa(start), end - start, kind};
	return OK;
}

/* Cuts the range that has address inside it in two, so that one starts there. */
static enum status split(struct memmap *map, u64 address)
{
	for (u32 i = 0; i < map->count; i++) {
		struct memory_range *range = &map->range[i];
		u64 end = range_end(range);

		if (range->start.v >= address || address >= end)
			continue;

		enum status status = insert(map, i + 1, address, end, range->kind);

		if (status == OK)
			range->size = address - range->start.v;
		return status;
	}
	return OK;
}

static void merge_neighbours(struct memmap *map)
{
	u32 kept = 0;

	for (u32 i = 1; i < map->count; i++) {
		struct memory_range *last = &map->range[kept];
		const struct memory_range *next = &map->range[i];

		if (next->kind == last->kind && next->start.v == range_end(last))
			last->size += next->size;
		else
			map->range[++kept] = *next;
	}
	if (map->count)
		map->count = kept + 1;
}

/* Fills the hole [start, end) before range at, by growing the range below where that is of the kind. */
static enum status fill_hole(struct memmap *map, u32 *at, u64 start, u64 end, enum memory_kind kind)
{
	struct memory_range *below = *at ? &map->range[*at - 1] : NULL;

	if (below && below->kind == kind && range_end(below) == start) {
		below->size += end - start;
		return OK;
	}
	return insert(map, (*at)++, start, end, kind);
}

/*
 * Raises the kind of all pieces in [start, end) and fills the holes between them. No piece crosses
 * start or end.
 */
static enum status fill(struct memmap *map, u64 start, u64 end, enum memory_kind kind)
{
	u32 i = 0;

	while (i < map->count && map->range[i].start.v < start)
		i++;
	while (start < end) {
		u64 next = i < map->count ? min_u64(map->range[i].start.v, end) : end;
		enum status status = start < next ? fill_hole(map, &i, start, next, kind) : OK;

		if (status != OK || next == end)
			return status;
		if (map->range[i].kind < kind)
			map->range[i].kind = kind;
		start = range_end(&map->range[i++]);
	}
	return OK;
}

static enum status overlay(struct memmap *map, u64 start, u64 size, enum memory_kind kind)
{
	u64 end = start + size;

	if (size == 0 || end < start || kind >= MEMORY_KINDS)
		return ERR_INVALID;

	enum status status = split(map, start);

	if (status == OK)
		status = split(map, end);
	if (status == OK)
		status = fill(map, start, end, kind);
	merge_neighbours(map);
	return status;
}

enum status memmap_add(struct memmap *map, hpa_t start, u64 size, enum memory_kind kind)
{
	if (map->count && start.v < map->range[map->count - 1].start.v)
		map->was_unsorted = true;
	for (u32 i = 0; i < map->count; i++)
		if (start.v < range_end(&map->range[i]) && start.v + size > map->range[i].start.v)
			map->had_overlaps = true;
	return overlay(map, start.v, size, kind);
}

enum status memmap_reserve(struct memmap *map, hpa_t start, u64 size)
{
	return overlay(map, start.v, size, MEMORY_RESERVED);
}

enum memory_kind memmap_kind(const struct memmap *map, hpa_t start, u64 size)
{
	/* Neighbours of one kind are merged, so what isn't inside one range is mixed. */
	for (u32 i = 0; i < map->count; i++)
		if (range_within(start.v, size, map->range[i].start.v, map->range[i].size))
			return map->range[i].kind;
	return MEMORY_RESERVED;
}

u64 memmap_ram(const struct memmap *map)
{
	u64 total = 0;

	for (u32 i = 0; i < map->count; i++)
		if (map->range[i].kind == MEMORY_RAM)
			total += map->range[i].size;
	return total;
}

hpa_t memmap_top(const struct memmap *map)
{
	for (u32 i = map->count; i-- > 0;)
		if (map->range[i].kind == MEMORY_RAM)
			return hpa(range_end(&map->range[i]));
	return hpa(0);
}

enum status memmap_take(struct memmap *map, u64 size, u64 align, hpa_t limit, hpa_t *start)
{
	if (size == 0)
		return ERR_INVALID;
	for (u32 i = map->count; i-- > 0;) {
		const struct memory_range *range = &map->range[i];
		u64 end = min_u64(range_end(range), limit.v);

		if (range->kind != MEMORY_RAM || end < size)
			continue;

		u64 at = align_down(end - size, align);

		if (at < range->start.v)
			continue;
		*start = hpa(at);
		return memmap_reserve(map, *start, size);
	}
	return ERR_NO_MEMORY;
}

/* All of it, and nothing that is in no range at all. */
static bool is_reserved(const struct memmap *map, u64 start, u64 size)
{
	for (u32 i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];

		if (range->kind == MEMORY_RESERVED &&
		    range_within(start, size, range->start.v, range->size))
			return true;
	}
	return false;
}

enum status memmap_give(struct memmap *map, hpa_t start, u64 size)
{
	enum status status;

	if (!size || !is_reserved(map, start.v, size))
		return ERR_INVALID;
	status = split(map, start.v);
	if (status == OK)
		status = split(map, start.v + size);
	for (u32 i = 0; i < map->count && status == OK; i++)
		if (map->range[i].start.v == start.v)
			map->range[i].kind = MEMORY_RAM;
	merge_neighbours(map);
	return status;
}

void memmap_print(const struct memmap *map)
{
	for (u32 i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];

		log_line("memory", "%012lx-%012lx %s", range->start.v, range_end(range) - 1,
			 memory_kind_name(range->kind));
	}
	log_line("memory", "%lu MiB of RAM%s%s", memmap_ram(map) >> 20,
		 map->was_unsorted ? "; firmware's map was not sorted" : "",
		 map->had_overlaps ? "; firmware's map had overlaps" : "");
}
