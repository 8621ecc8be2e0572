/*
 * The walk of a guest's own page tables, from linear to guest-physical address, as the guest's CPU does
 * it (AMD APM volume 2, chapter 5). Reads only: accessed and dirty bits stay as they are.
 */
#ifndef ARCH_X86_GUEST_WALK_H
#define ARCH_X86_GUEST_WALK_H

#include "arch/x86/msr.h"
#include "hv/base/bits.h"
#include "hv/base/status.h"
#include "hv/base/types.h"

struct guest_paging {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u8 address_bits; /* of physical addresses, as CPUID tells the guest */
};

/* Which bits of these a walk depends on, in one word: no two share a place. */
static inline u64 guest_paging_mode(const struct guest_paging *paging)
{
	return (paging->cr0 & CR0_PG) | (paging->cr4 & (CR4_PSE | CR4_PAE | CR4_LA57)) |
	       (paging->efer & (EFER_LMA | EFER_NXE));
}

/* How the walk reads guest memory: width is 4 or 8 bytes, address a multiple of it. */
struct guest_reader {
	/* False if the address is not the guest's memory. */
	bool (*read)(void *context, gpa_t address, u8 width, u64 *value);
	void *context;
};

struct guest_translation {
	gpa_t address;
	u64 page_size; /* in bytes; 4 KiB where the guest does not page */
	bool writable; /* by all levels; the supervisor may write regardless if CR0.WP is clear */
	bool user;
	bool executable;
};

/*
 * Translates one address, whatever the access and its privilege: what they need is in *translation for
 * the caller to check. The paging mode follows CR0.PG, CR4.PAE, CR4.LA57 and EFER.LMA; a walk reads five entries
 * at most. Reserved bits are looked at in entries of 64 bits, but for PAE's top ones, which are in the CPU.
 *
 * ERR_NOT_FOUND: an entry is not present (a #PF for the guest); ERR_UNSUPPORTED: one has a reserved bit (a #PF
 * that says so); ERR_INVALID: linear is not canonical, or has more than 32 bits outside of long mode, or a table
 * is not in the guest's memory.
 */
enum status guest_walk(const struct guest_paging *paging, u64 linear,
		       const struct guest_reader *reader, struct guest_translation *translation);

#endif
