/* The memory map that the loader gave. Pure. */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include "hv/base/bytes.h"
#include "hv/base/types.h"

#define MEMORY_REGIONS_MAX 64
#define MEMORY_RAM	   1 /* ACPI's address range type, as e820, multiboot and PVH use it */

struct memory_region {
	u64 base;
	u64 size; /* base + size does not wrap */
	u32 type;
};

struct memory_map {
	struct memory_region regions[MEMORY_REGIONS_MAX];
	unsigned count;
	unsigned ignored; /* empty, wrapping or too many */
};

/* Entries of a size word each, as in multiboot 1's mmap. */
void memory_map_from_multiboot(struct bytes entries, struct memory_map *map);

/* Entries of 24 bytes, as in PVH's hvm_memmap_table_entry. */
void memory_map_from_pvh(struct bytes entries, struct memory_map *map);

/* Appends one region, or counts it as ignored. */
void memory_map_add(struct memory_map *map, u64 base, u64 size, u32 type);

/* True if all of it lies in one region of RAM. */
bool memory_is_ram(const struct memory_map *map, u64 base, u64 size);

/* "RAM", "reserved" ... */
const char *memory_type_name(u32 type);

#endif
