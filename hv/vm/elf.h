/*
 * ELF files of x86, 32 and 64 bit: program headers and notes (Tool Interface Standard ELF specification
 * 1.2 book I; System V ABI, chapter 5). Pure, and every read is bounded: the file is foreign.
 */
#ifndef HV_VM_ELF_H
#define HV_VM_ELF_H

#include "hv/base/bytes.h"
#include "hv/base/status.h"

struct elf {
	struct bytes file;
	bool wide; /* ELF64 */
	u64 entry; /* virtual, as the header has it */
	u64 table; /* file offset of the program headers, which lie within the file */
	u16 stride;
	u16 count;
};

enum elf_segment_type {
	ELF_LOAD = 1,
	ELF_NOTE = 4,
};

struct elf_segment {
	u32 type;
	struct bytes content; /* what the file has of it */
	u64 virtual;
	u64 physical;
	u64 size; /* in memory: at least content.size */
	u64 align;
};

/* True if the file begins like an ELF file. */
bool elf_is(struct bytes file);

/*
 * Looks at the header. ERR_NOT_FOUND: not an ELF file; ERR_UNSUPPORTED: not one of x86's; ERR_TRUNCATED,
 * ERR_INVALID: a broken one; with *reason.
 */
enum status elf_open(struct bytes file, struct elf *elf, const char **reason);

/*
 * Segment index < elf->count. ERR_INVALID, with *reason: its content is not within the file, or is more than
 * its size in memory, or its addresses wrap.
 */
enum status elf_segment(const struct elf *elf, u32 index, struct elf_segment *segment,
			const char **reason);

/* The descriptor of the first note with this name and type in any PT_NOTE segment. ERR_NOT_FOUND. */
enum status elf_note(const struct elf *elf, const char *name, u32 type, struct bytes *descriptor);

#endif
