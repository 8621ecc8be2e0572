/*
 * Bounded, little-endian reading of foreign bytes, without alignment or aliasing assumptions. All
 * parsers of firmware and guest structures go through here.
 */
#ifndef HV_BASE_BYTES_H
#define HV_BASE_BYTES_H

#include "hv/base/types.h"

struct bytes {
	const u8 *data;
	size_t size;
};

/* True if [offset, offset+size) lies within b, for any values. */
static inline bool bytes_has(struct bytes b, size_t offset, size_t size)
{
	return offset <= b.size && size <= b.size - offset;
}

/* The sub-range; empty if it does not lie within b. */
static inline struct bytes bytes_slice(struct bytes b, size_t offset, size_t size)
{
	if (!bytes_has(b, offset, size))
		return (struct bytes){NULL, 0};
	return (struct bytes){b.data + offset, size};
}

/* Little-endian reads. Past the end they give 0: check bytes_has() where that matters. */
static inline u8 bytes_u8(struct bytes b, size_t offset)
{
	return bytes_has(b, offset, 1) ? b.data[offset] : 0;
}

static inline u16 bytes_u16(struct bytes b, size_t offset)
{
	return (u16)(bytes_u8(b, offset) | bytes_u8(b, offset + 1) << 8);
}

static inline u32 bytes_u32(struct bytes b, size_t offset)
{
	return bytes_u16(b, offset) | (u32)bytes_u16(b, offset + 2) << 16;
}

static inline u64 bytes_u64(struct bytes b, size_t offset)
{
	return bytes_u32(b, offset) | (u64)bytes_u32(b, offset + 4) << 32;
}

#endif
