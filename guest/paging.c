#include "guest/paging.h"

#include "guest/cpu.h"
#include "hv/base/bits.h"

#define ENTRIES		  512
#define PAGE_2M_SIZE	  MIB(2)
#define ENTRY_PRESENT	  BIT(0)
#define ENTRY_WRITABLE	  BIT(1)
#define ENTRY_PAGE_2M	  BIT(7)
#define ENTRY_ADDRESS	  BITS(51, 12)
#define SPARE_DIRECTORIES 16

extern u64 page_pdpt[ENTRIES]; /* start.asm; its first four entries are filled */

static u64 spare[SPARE_DIRECTORIES][ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static unsigned spare_used;

/* The page directory of that GiB, a fresh one if there is none; NULL if there is no room. */
static u64 *directory_of(u64 gib)
{
	if (gib >= ENTRIES)
		return NULL;
	if (!(page_pdpt[gib] & ENTRY_PRESENT)) {
		if (spare_used == SPARE_DIRECTORIES)
			return NULL;
		page_pdpt[gib] =
			(u64)(uintptr_t)spare[spare_used++] | ENTRY_WRITABLE | ENTRY_PRESENT;
	}
	return (u64 *)(uintptr_t)(page_pdpt[gib] & ENTRY_ADDRESS);
}

bool paging_map(u64 base, u64 size, u32 kind)
{
	u64 page = align_down(base, PAGE_2M_SIZE);

	if (!range_within(base, size, 0, GIB(ENTRIES)))
		return false;
	for (; page < base + size; page += PAGE_2M_SIZE) {
		u64 *directory = directory_of(page >> 30);

		if (!directory)
			return false;
		directory[bits_get(page, 29, 21)] =
			page | ENTRY_PAGE_2M | kind | ENTRY_WRITABLE | ENTRY_PRESENT;
		cpu_forget_page(page);
	}
	return true;
}
