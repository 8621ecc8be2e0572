#include "hv/vm/aml.h"

/* 20.2.2 to 20.2.5. */
#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_SCOPE	0x10
#define AML_BUFFER	0x11
#define AML_PACKAGE	0x12
#define AML_ROOT	0x5c
#define AML_EXTENDED	0x5b
#define AML_EXT_DEVICE	0x82
#define AML_LENGTH_TWO	0x40 /* one more byte of PkgLength follows; bits 3:0 are its low four */
#define AML_LENGTH_SIZE 2

/* Resource descriptors, 6.4.2 and 6.4.3. */
#define RESOURCE_IO		  0x47
#define RESOURCE_IO_DECODE_16	  0x01
#define RESOURCE_END		  0x79
#define RESOURCE_DWORD_SPACE	  0x87
#define RESOURCE_DWORD_SPACE_SIZE 23
#define RESOURCE_WORD_SPACE	  0x88
#define RESOURCE_WORD_SPACE_SIZE  13
#define RESOURCE_QWORD_SPACE	  0x8a
#define RESOURCE_QWORD_SPACE_SIZE 43
#define RESOURCE_INTERRUPT	  0x89
#define RESOURCE_INTERRUPT_SIZE	  6
#define INTERRUPT_CONSUMER	  0x01
#define INTERRUPT_EDGE		  0x02

/* Address spaces, 6.4.3.5. */
#define SPACE_MEMORY	    0
#define SPACE_IO	    1
#define SPACE_BUS	    2
#define SPACE_FIXED	    0x0c /* both ends are fixed; passed on (a producer) */
#define SPACE_MEMORY_WRITES 0x01
#define SPACE_IO_ALL	    0x03 /* ISA and non-ISA addresses */

static u32 open_length(struct emit *emit)
{
	u32 at = emit->size;

	emit_zeros(emit, AML_LENGTH_SIZE);
	return at;
}

void aml_close(struct emit *emit, u32 opened)
{
	u32 length = emit->size - opened;

	if (length > 0xfff)
		emit->full = true;
	emit_patch_u8(emit, opened, (u8)(AML_LENGTH_TWO | (length & 15)));
	emit_patch_u8(emit, opened + 1, (u8)(length >> 4));
}

u32 aml_scope_open(struct emit *emit, const char *root_name)
{
	u32 at;

	emit_u8(emit, AML_SCOPE);
	at = open_length(emit);
	emit_u8(emit, AML_ROOT);
	emit_text(emit, root_name, 4);
	return at;
}

u32 aml_device_open(struct emit *emit, const char *name)
{
	u32 at;

	emit_u8(emit, AML_EXTENDED);
	emit_u8(emit, AML_EXT_DEVICE);
	at = open_length(emit);
	emit_text(emit, name, 4);
	return at;
}

u32 aml_package_open(struct emit *emit, u8 count)
{
	u32 at;

	emit_u8(emit, AML_PACKAGE);
	at = open_length(emit);
	emit_u8(emit, count);
	return at;
}

void aml_name(struct emit *emit, const char *name)
{
	emit_u8(emit, AML_NAME);
	emit_text(emit, name, 4);
}

void aml_integer(struct emit *emit, u32 value)
{
	if (value <= 1) {
		emit_u8(emit, value ? AML_ONE : AML_ZERO);
	} else if (value <= 0xff) {
		emit_u8(emit, AML_BYTE);
		emit_u8(emit, (u8)value);
	} else if (value <= 0xffff) {
		emit_u8(emit, AML_WORD);
		emit_u16(emit, (u16)value);
	} else {
		emit_u8(emit, AML_DWORD);
		emit_u32(emit, value);
	}
}

static u32 hex_digit(char c)
{
	return (u32)(c >= 'A' ? c - 'A' + 10 : c - '0');
}

void aml_eisa_id(struct emit *emit, const char *id)
{
	u16 vendor = (u16)((id[0] & 31) << 10 | (id[1] & 31) << 5 | (id[2] & 31));

	/* Big-endian in memory, unlike everything else. */
	emit_u8(emit, AML_DWORD);
	emit_u8(emit, (u8)(vendor >> 8));
	emit_u8(emit, (u8)vendor);
	emit_u8(emit, (u8)(hex_digit(id[3]) << 4 | hex_digit(id[4])));
	emit_u8(emit, (u8)(hex_digit(id[5]) << 4 | hex_digit(id[6])));
}

/* After PkgLength comes the buffer's size, here always as a byte constant, then the descriptors. */
u32 aml_resources_open(struct emit *emit)
{
	u32 at;

	emit_u8(emit, AML_BUFFER);
	at = open_length(emit);
	emit_u8(emit, AML_BYTE);
	emit_u8(emit, 0);
	return at;
}

void aml_resources_close(struct emit *emit, u32 opened)
{
	u32 first = opened + AML_LENGTH_SIZE + 2;

	emit_u8(emit, RESOURCE_END);
	emit_u8(emit, 0); /* checksum: 0 counts as right */
	if (emit->size - first > 0xff)
		emit->full = true;
	emit_patch_u8(emit, first - 1, (u8)(emit->size - first));
	aml_close(emit, opened);
}

void aml_io(struct emit *emit, u16 first, u8 count)
{
	emit_u8(emit, RESOURCE_IO);
	emit_u8(emit, RESOURCE_IO_DECODE_16);
	emit_u16(emit, first);
	emit_u16(emit, first);
	emit_u8(emit, 1); /* alignment */
	emit_u8(emit, count);
}

void aml_interrupt_edge(struct emit *emit, u32 gsi)
{
	emit_u8(emit, RESOURCE_INTERRUPT);
	emit_u16(emit, RESOURCE_INTERRUPT_SIZE);
	emit_u8(emit, INTERRUPT_CONSUMER | INTERRUPT_EDGE);
	emit_u8(emit, 1);
	emit_u32(emit, gsi);
}

static void window_word(struct emit *emit, u8 space, u8 flags, u16 first, u16 last)
{
	emit_u8(emit, RESOURCE_WORD_SPACE);
	emit_u16(emit, RESOURCE_WORD_SPACE_SIZE);
	emit_u8(emit, space);
	emit_u8(emit, SPACE_FIXED);
	emit_u8(emit, flags);
	emit_u16(emit, 0); /* granularity */
	emit_u16(emit, first);
	emit_u16(emit, last);
	emit_u16(emit, 0); /* translation */
	emit_u16(emit, (u16)(last - first + 1));
}

void aml_window_bus(struct emit *emit, u16 first, u16 last)
{
	window_word(emit, SPACE_BUS, 0, first, last);
}

void aml_window_io(struct emit *emit, u16 first, u16 last)
{
	window_word(emit, SPACE_IO, SPACE_IO_ALL, first, last);
}

void aml_window_memory(struct emit *emit, u32 first, u32 last)
{
	emit_u8(emit, RESOURCE_DWORD_SPACE);
	emit_u16(emit, RESOURCE_DWORD_SPACE_SIZE);
	emit_u8(emit, SPACE_MEMORY);
	emit_u8(emit, SPACE_FIXED);
	emit_u8(emit, SPACE_MEMORY_WRITES);
	emit_u32(emit, 0);
	emit_u32(emit, first);
	emit_u32(emit, last);
	emit_u32(emit, 0);
	emit_u32(emit, last - first + 1);
}

void aml_window_memory64(struct emit *emit, u64 first, u64 last)
{
	emit_u8(emit, RESOURCE_QWORD_SPACE);
	emit_u16(emit, RESOURCE_QWORD_SPACE_SIZE);
	emit_u8(emit, SPACE_MEMORY);
	emit_u8(emit, SPACE_FIXED);
	emit_u8(emit, SPACE_MEMORY_WRITES);
	emit_u64(emit, 0);
	emit_u64(emit, first);
	emit_u64(emit, last);
	emit_u64(emit, 0);
	emit_u64(emit, last - first + 1);
}
