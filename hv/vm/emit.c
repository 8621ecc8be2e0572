#include "hv/vm/emit.h"

#include "hv/base/string.h"

void emit_u8(struct emit *emit, u8 value)
{
	if (emit->size < emit->capacity)
		emit->data[emit->size++] = value;
	else
		emit->full = true;
}

void emit_u16(struct emit *emit, u16 value)
{
	emit_u8(emit, (u8)value);
	emit_u8(emit, (u8)(value >> 8));
}

void emit_u32(struct emit *emit, u32 value)
{
	emit_u16(emit, (u16)value);
	emit_u16(emit, (u16)(value >> 16));
}

void emit_u64(struct emit *emit, u64 value)
{
	emit_u32(emit, (u32)value);
	emit_u32(emit, (u32)(value >> 32));
}

void emit_zeros(struct emit *emit, u32 count)
{
	while (count--)
		emit_u8(emit, 0);
}

void emit_text(struct emit *emit, const char *text, u32 width)
{
	size_t length = strnlen(text, width);

	for (u32 i = 0; i < width; i++)
		emit_u8(emit, i < length ? (u8)text[i] : ' ');
}

void emit_patch_u8(struct emit *emit, u32 at, u8 value)
{
	if (at < emit->size)
		emit->data[at] = value;
}

void emit_patch_u16(struct emit *emit, u32 at, u16 value)
{
	emit_patch_u8(emit, at, (u8)value);
	emit_patch_u8(emit, at + 1, (u8)(value >> 8));
}

void emit_patch_u32(struct emit *emit, u32 at, u32 value)
{
	emit_patch_u16(emit, at, (u16)value);
	emit_patch_u16(emit, at + 2, (u16)(value >> 16));
}

void emit_checksum(struct emit *emit, u32 from, u32 size, u32 at)
{
	u8 sum = 0;

	emit_patch_u8(emit, at, 0);
	for (u32 i = from; i < emit->size && i - from < size; i++)
		sum = (u8)(sum + emit->data[i]);
	emit_patch_u8(emit, at, (u8)-sum);
}
