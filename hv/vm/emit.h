/* Writing little-endian structures into a buffer, bounded: what does not fit sets .full and is dropped. */
#ifndef HV_VM_EMIT_H
#define HV_VM_EMIT_H

#include "hv/base/types.h"

struct emit {
	u8 *data;
	u32 size; /* written so far */
	u32 capacity;
	bool full;
};

#define EMIT_INTO(buffer) ((struct emit){.data = (buffer), .capacity = sizeof(buffer)})

void emit_u8(struct emit *emit, u8 value);
void emit_u16(struct emit *emit, u16 value);
void emit_u32(struct emit *emit, u32 value);
void emit_u64(struct emit *emit, u64 value);
void emit_zeros(struct emit *emit, u32 count);

/* The text, padded with blanks or cut to exactly width bytes, without a NUL. */
void emit_text(struct emit *emit, const char *text, u32 width);

/* Overwrites earlier bytes; they must have been written. */
void emit_patch_u8(struct emit *emit, u32 at, u8 value);
void emit_patch_u16(struct emit *emit, u32 at, u16 value);
void emit_patch_u32(struct emit *emit, u32 at, u32 value);

/* Makes the bytes [from, from+size) add up to 0 modulo 256 by the one at `at`, which is among them. */
void emit_checksum(struct emit *emit, u32 from, u32 size, u32 at);

#endif
