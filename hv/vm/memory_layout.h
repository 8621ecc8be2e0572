/*
 * Where a VM's memory lies in its guest-physical address space, and what its kernel is told of it. Pure.
 *
 *   0            RAM; 0x9F000-0xFFFFF is reserved to the guest (EBDA, the legacy hole, and from 0xE0000
 *                on the tables of firmware.h), but RAM in the nested tables, for superpages' sake
 *   0xC0000000   device registers (BARs), IOAPIC, local APIC
 *   4 GiB        the RAM beyond 3 GiB
 *   64 GiB       or above the RAM: 64-bit BARs that find no room below
 */
#ifndef HV_VM_MEMORY_LAYOUT_H
#define HV_VM_MEMORY_LAYOUT_H

#include "hv/platform/memmap.h"

#define LAYOUT_LEGACY_START 0x9f000ull
#define LAYOUT_LEGACY_END   0x100000ull
#define LAYOUT_LOW_MAX	    GIB(3)
#define LAYOUT_HIGH_START   GIB(4)

/* Where BARs can be: below the IOAPIC, and above all RAM; and the I/O ports that no legacy device has. */
#define LAYOUT_MMIO_START    GIB(3)
#define LAYOUT_MMIO_END	     0xfec00000ull
#define LAYOUT_MMIO_HIGH_MIN GIB(64)
#define LAYOUT_MMIO_HIGH_END BIT(46)
#define LAYOUT_IO_START	     0x1000u
#define LAYOUT_IO_END	     0x10000u

/* The types of E820, multiboot and PVH memory maps, which agree on these. */
enum layout_type {
	LAYOUT_RAM = 1,
	LAYOUT_RESERVED = 2,
};

struct layout_entry {
	u64 start;
	u64 size;
	enum layout_type type;
};

#define LAYOUT_MAX_ENTRIES 32

struct memory_layout {
	u64 low_size; /* RAM from 0 on; an identity layout's has holes, which are reserved entries */
	u64 high_size; /* RAM from 4 GiB on */
	u64 mmio_high; /* BARs can be from here up to LAYOUT_MMIO_HIGH_END */
	u32 count;
	struct layout_entry
		entry[LAYOUT_MAX_ENTRIES]; /* the guest's memory map, sorted, disjoint */
};

/* memory: bytes of RAM in all, page aligned, more than 1 MiB and less than 32 TiB. */
void memory_layout_make(struct memory_layout *layout, u64 memory);

/* No piece of an identity layout is smaller, but the last. */
#define LAYOUT_MIN_PIECE MIB(2)

/*
 * Likewise for a VM whose memory lies where the VM sees it, from 1 MiB on: the lowest of the RAM in `host`,
 * up to 3 GiB. The first MiB can't be so, as firmware's is in use. ERR_NO_MEMORY: that is not enough, or
 * comes in too many pieces.
 */
enum status memory_layout_identity(struct memory_layout *layout, u64 memory,
				   const struct memmap *host);

/* Bytes of RAM in a row from 1 MiB on. */
u64 memory_layout_upper(const struct memory_layout *layout);

#endif
