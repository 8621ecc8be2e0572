/* The machine's memory: what firmware says of it, made sorted and free of overlaps. */
#ifndef HV_PLATFORM_MEMMAP_H
#define HV_PLATFORM_MEMMAP_H

#include "hv/base/bits.h"
#include "hv/base/status.h"

/* In rising order of precedence where firmware's ranges overlap: the more restrictive kind wins. */
enum memory_kind {
	MEMORY_RAM,	 /* free to use */
	MEMORY_ACPI,	 /* tables; could be reused, never is */
	MEMORY_NVS,	 /* firmware's, to be kept */
	MEMORY_RESERVED, /* also every type that is not known */
	MEMORY_BAD,
	MEMORY_KINDS,
};

struct memory_range {
	hpa_t start;
	u64 size; /* bytes, never 0 */
	enum memory_kind kind;
};

#define MEMMAP_MAX 256

struct memmap {
	u32 count;
	struct memory_range range[MEMMAP_MAX]; /* sorted, disjoint, neighbours of one kind merged */
	/* Of the ranges given to memmap_add(): what is wrong with firmware's map. */
	bool was_unsorted;
	bool had_overlaps;
};

const char *memory_kind_name(enum memory_kind kind);

/*
 * Adds a range of firmware's, in any order; what overlaps gets the more restrictive kind. ERR_INVALID:
 * empty or wrapping; ERR_NO_MEMORY: more than MEMMAP_MAX pieces (the range may be in the map by half).
 */
enum status memmap_add(struct memmap *map, hpa_t start, u64 size, enum memory_kind kind);

/*
 * Makes a range MEMORY_RESERVED (but bad memory stays bad) for the hypervisor's own use. Errors as of
 * memmap_add(); was_unsorted and had_overlaps stay as they are.
 */
enum status memmap_reserve(struct memmap *map, hpa_t start, u64 size);

/* The kind of a whole range, or MEMORY_RESERVED if it is mixed or has holes. */
enum memory_kind memmap_kind(const struct memmap *map, hpa_t start, u64 size);

/* Bytes of RAM in all. */
u64 memmap_ram(const struct memmap *map);

/* One past the highest byte of RAM. */
hpa_t memmap_top(const struct memmap *map);

/*
 * Takes size bytes of RAM, aligned as asked (a power of two, >= PAGE_SIZE), from below limit, the
 * highest that fits; *start is where. The range becomes MEMORY_RESERVED in the map. ERR_NO_MEMORY.
 */
enum status memmap_take(struct memmap *map, u64 size, u64 align, hpa_t limit, hpa_t *start);

/*
 * The way back of memmap_take(): the range, or a part of it, is RAM again, for anyone. ERR_INVALID: it is not
 * wholly MEMORY_RESERVED; ERR_NO_MEMORY: more than MEMMAP_MAX pieces. On an error the map stays as it was.
 */
enum status memmap_give(struct memmap *map, hpa_t start, u64 size);

void memmap_print(const struct memmap *map);

#endif
