#include "guest/memory.h"

#include "hv/base/bits.h"

/* Multiboot 1, 3.3: the size word does not count itself. */
#define MULTIBOOT_ENTRY_SIZE 4
#define MULTIBOOT_ENTRY_MIN  20

/* hvm_memmap_table_entry: address, size, type, reserved. */
#define PVH_ENTRY 24

void memory_map_add(struct memory_map *map, u64 base, u64 size, u32 type)
{
	if (!size || base + (size - 1) < base || base + size == 0 ||
	    map->count == MEMORY_REGIONS_MAX)
		map->ignored++;
	else
		map->regions[map->count++] = (struct memory_region){base, size, type};
}

void memory_map_from_multiboot(struct bytes entries, struct memory_map *map)
{
	size_t at = 0;

	while (bytes_has(entries, at, MULTIBOOT_ENTRY_SIZE)) {
		size_t size = bytes_u32(entries, at);

		at += MULTIBOOT_ENTRY_SIZE;
		if (size < MULTIBOOT_ENTRY_MIN || !bytes_has(entries, at, size)) {
			map->ignored++;
			return;
		}
		memory_map_add(map, bytes_u64(entries, at), bytes_u64(entries, at + 8),
			       bytes_u32(entries, at + 16));
		at += size;
	}
}

void memory_map_from_pvh(struct bytes entries, struct memory_map *map)
{
	for (size_t at = 0; bytes_has(entries, at, PVH_ENTRY); at += PVH_ENTRY)
		memory_map_add(map, bytes_u64(entries, at), bytes_u64(entries, at + 8),
			       bytes_u32(entries, at + 16));
}

bool memory_is_ram(const struct memory_map *map, u64 base, u64 size)
{
	for (unsigned i = 0; i < map->count; i++) {
		const struct memory_region *region = &map->regions[i];

		if (region->type == MEMORY_RAM &&
		    range_within(base, size, region->base, region->size))
			return true;
	}
	return false;
}

const char *memory_type_name(u32 type)
{
	static const char *const names[] = {
		[1] = "RAM",	  [2] = "reserved", [3] = "ACPI tables",
		[4] = "ACPI NVS", [5] = "broken",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "other";
}
