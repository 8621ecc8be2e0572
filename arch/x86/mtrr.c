#include "arch/x86/mtrr.h"

#include "arch/x86/mtrr_regs.h"
#include "hv/base/bits.h"

#define NO_END (~0ull) /* nothing changes any more up to the top of the address space */

static unsigned variable_count(const struct mtrr_words *words)
{
	return (unsigned)min_u64(bits_get(words->capabilities, MTRR_CAP_VCNT), MTRR_VARIABLE_MOST);
}

static bool has_fixed(const struct mtrr_words *words)
{
	return words->capabilities & MTRR_CAP_FIX && words->default_type & MTRR_DEF_TYPE_FE;
}

/* 11.11.2.2: 8 ranges of 64K, 16 of 16K, 64 of 4K, one byte each. Below 1 MiB. */
static u8 fixed_type(const struct mtrr_words *words, u64 address, u64 *end)
{
	u64 size = address < KIB(512) ? KIB(64) : address < KIB(768) ? KIB(16) : KIB(4);
	u64 n = address < KIB(512)   ? address / size
		: address < KIB(768) ? 8 + (address - KIB(512)) / size
				     : 24 + (address - KIB(768)) / size;

	*end = align_down(address, size) + size;
	return (u8)(words->fixed[n / 8] >> n % 8 * 8);
}

/*
 * 11.11.3: the range is of all addresses that agree with its base where its mask has ones. It is in one
 * piece where these are the upper bits all; where not, whatever agrees goes by blocks as large as the
 * lowest one's weight. True if address is in it; *end is how far that stays so.
 */
static bool in_variable(const struct mtrr_words *words, unsigned n, u64 address, u64 *end)
{
	u64 bits = BIT(words->address_bits) - PAGE_SIZE;
	u64 mask = words->variable[n].mask & bits;
	u64 base = words->variable[n].base & mask;
	u64 block = mask & -mask;
	bool inside = (address & mask) == base;

	if (!block) /* every address, for ever */
		*end = NO_END;
	else if (mask + block != BIT(words->address_bits) || inside)
		*end = align_down(address, block) + block;
	else
		*end = address < base ? base : NO_END;
	return inside;
}

/* 11.11.4.1: what is write-back and anything else too is that, or undefined: not write-back either way. */
static bool variable_write_back(const struct mtrr_words *words, u64 address, u64 *end)
{
	bool covered = false, all_write_back = true;

	*end = NO_END;
	for (unsigned n = 0; n < variable_count(words); n++) {
		u64 until;

		if (!(words->variable[n].mask & MTRR_MASK_V))
			continue;
		if (in_variable(words, n, address, &until)) {
			covered = true;
			all_write_back &= bits_get(words->variable[n].base, MTRR_BASE_TYPE) ==
					  MTRR_WRITE_BACK;
		}
		*end = min_u64(*end, until);
	}
	return covered ? all_write_back
		       : bits_get(words->default_type, MTRR_DEF_TYPE_TYPE) == MTRR_WRITE_BACK;
}

/* *end: up to where nothing that was looked at changes. */
static bool write_back_at(const struct mtrr_words *words, u64 address, u64 *end)
{
	*end = NO_END;
	if (!(words->default_type & MTRR_DEF_TYPE_E))
		return false; /* 11.11.2.1: all is uncacheable */
	if (has_fixed(words) && address < MIB(1))
		return fixed_type(words, address, end) == MTRR_WRITE_BACK;
	return variable_write_back(words, address, end);
}

bool mtrr_write_back(const struct mtrr_words *words, u64 start, u64 size, u64 *run)
{
	u64 at, end;
	bool first = write_back_at(words, start, &end);

	for (at = end; at - start < size && write_back_at(words, at, &end) == first;)
		at = end;
	*run = min_u64(at - start, size);
	return first;
}
