/* Bit and alignment arithmetic. */
#ifndef HV_BASE_BITS_H
#define HV_BASE_BITS_H

#include "hv/base/types.h"

#define BIT(n) (1ull << (n))
/* Bits high..low, both included, as the manuals write them. */
#define BITS(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))

#define KIB(n) ((u64)(n) << 10)
#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ull
#define PAGE_MASK  (PAGE_SIZE - 1)

/* The value of bits high..low of word, shifted down. */
static inline u64 bits_get(u64 word, unsigned high, unsigned low)
{
	return (word & BITS(high, low)) >> low;
}

/* The align arguments are powers of two. align_up wraps to 0 past the top: check before. */
static inline u64 align_down(u64 value, u64 align)
{
	return value & ~(align - 1);
}

static inline u64 align_up(u64 value, u64 align)
{
	return (value + align - 1) & ~(align - 1);
}

static inline bool is_aligned(u64 value, u64 align)
{
	return (value & (align - 1)) == 0;
}

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* True if [a, a+a_size) and [b, b+b_size) share a byte. Ranges must not wrap; empty ones share none. */
static inline bool ranges_overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a_size && b_size && a <= b + (b_size - 1) && b <= a + (a_size - 1);
}

/* True if [a, a+a_size) lies wholly in [b, b+b_size), for any values without wrapping. */
static inline bool range_within(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a >= b && a - b <= b_size && a_size <= b_size - (a - b);
}

#endif
