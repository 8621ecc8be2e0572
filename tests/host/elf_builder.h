/* Makes small ELF files for tests: a header, up to 8 program headers, then whatever is put behind. */
#ifndef TESTS_HOST_ELF_BUILDER_H
#define TESTS_HOST_ELF_BUILDER_H

#include <string.h>

#include "hv/base/bytes.h"

#define ELF_FILE_SIZE 0x6000

struct elf_file {
	u8 data[ELF_FILE_SIZE];
	bool wide;
	u32 segments;
};

static inline void elf_put(struct elf_file *file, u32 at, u64 value, u32 width)
{
	for (u32 i = 0; i < width; i++)
		file->data[at + i] = (u8)(value >> (8 * i));
}

static inline void elf_begin(struct elf_file *file, bool wide, u64 entry)
{
	memset(file, 0, sizeof(*file));
	file->wide = wide;
	memcpy(file->data, "\177ELF", 4);
	file->data[4] = wide ? 2 : 1;
	file->data[5] = 1;
	file->data[6] = 1;
	elf_put(file, 16, 2, 2);
	elf_put(file, 18, wide ? 62 : 3, 2);
	elf_put(file, 20, 1, 4);
	elf_put(file, 24, entry, wide ? 8 : 4);
	elf_put(file, wide ? 32 : 28, wide ? 64 : 52, wide ? 8 : 4);
	elf_put(file, wide ? 54 : 42, wide ? 56 : 32, 2);
}

/* Where a segment's program header is in the file. */
static inline u32 elf_header_at(const struct elf_file *file, u32 index)
{
	return file->wide ? 64 + 56 * index : 52 + 32 * index;
}

struct elf_part {
	u32 type;
	u64 offset, virtual, physical, file_size, size, align;
};

static inline void elf_add(struct elf_file *file, struct elf_part part)
{
	u32 at = elf_header_at(file, file->segments++);
	u32 width = file->wide ? 8 : 4;
	u32 first = file->wide ? at + 8 : at + 4;
	u64 fields[] = {part.offset, part.virtual, part.physical, part.file_size, part.size};

	elf_put(file, at, part.type, 4);
	for (u32 i = 0; i < 5; i++)
		elf_put(file, first + i * width, fields[i], width);
	elf_put(file, file->wide ? at + 48 : at + 28, part.align, width);
	elf_put(file, file->wide ? 56 : 44, file->segments, 2);
}

/* A note at this place of the file; returns its padded size. */
static inline u32 elf_note_at(struct elf_file *file, u32 at, const char *name, u32 type, u64 value,
			      u32 value_size)
{
	u32 name_size = (u32)strlen(name) + 1;
	u32 value_at = at + 12 + ((name_size + 3) & ~3u);

	elf_put(file, at, name_size, 4);
	elf_put(file, at + 4, value_size, 4);
	elf_put(file, at + 8, type, 4);
	memcpy(file->data + at + 12, name, name_size);
	elf_put(file, value_at, value, value_size);
	return value_at + ((value_size + 3) & ~3u) - at;
}

static inline void elf_multiboot_header(struct elf_file *file, u32 at, u32 flags)
{
	elf_put(file, at, 0x1badb002, 4);
	elf_put(file, at + 4, flags, 4);
	elf_put(file, at + 8, 0u - 0x1badb002u - flags, 4);
}

static inline struct bytes elf_bytes(const struct elf_file *file)
{
	return (struct bytes){file->data, sizeof(file->data)};
}

#endif
