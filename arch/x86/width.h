/* Arithmetic on the operand widths of x86: 1, 2, 4 and 8 bytes. */
#ifndef ARCH_X86_WIDTH_H
#define ARCH_X86_WIDTH_H

#include "hv/base/types.h"

static inline unsigned width_bits(u8 width)
{
	return 8u * width;
}

static inline u64 width_mask(u8 width)
{
	return width < 8 ? (1ull << width_bits(width)) - 1 : ~0ull;
}

static inline u64 width_sign(u8 width)
{
	return 1ull << (width_bits(width) - 1);
}

/* The low width bytes of value, as a signed number of 64 bits. */
static inline u64 sign_extend(u64 value, u8 width)
{
	u64 sign = width_sign(width);

	return ((value & width_mask(width)) ^ sign) - sign;
}

#endif
