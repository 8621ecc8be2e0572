/*
 * Memory type range registers (Intel SDM volume 3A, 11.11): which physical memory is write-back. Pure, but
 * for mtrr_read().
 */
#ifndef ARCH_X86_MTRR_H
#define ARCH_X86_MTRR_H

#include "hv/base/types.h"

#define MTRR_FIXED_COUNT   11
#define MTRR_VARIABLE_MOST 40 /* the first fixed range's MSR follows upon the fortieth pair */

/* The registers as they read. */
struct mtrr_words {
	u64 capabilities;	     /* IA32_MTRRCAP */
	u64 default_type;	     /* IA32_MTRR_DEF_TYPE */
	u64 fixed[MTRR_FIXED_COUNT]; /* one of 64K ranges, two of 16K, eight of 4K, by address */
	struct {
		u64 base;
		u64 mask;
	} variable[MTRR_VARIABLE_MOST]; /* as many as the capabilities tell */
	u8 address_bits;		/* MAXPHYADDR, at most 52 */
};

/*
 * Whether the memory at `start` is write-back, and in *run how many bytes from there on are, or are not.
 * All page aligned, 0 < *run <= size; start + size does not wrap.
 */
bool mtrr_write_back(const struct mtrr_words *words, u64 start, u64 size, u64 *run);

/* The calling CPU's; all CPUs' are the same (11.11.8). Without any, all memory is told to be write-back. */
void mtrr_read(struct mtrr_words *words);

#endif
