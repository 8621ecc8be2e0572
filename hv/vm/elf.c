#include "hv/vm/elf.h"

#include "hv/base/bits.h"
#include "hv/base/string.h"

/* The header, e_ident included: offsets in ELF32 and ELF64 alike up to e_entry. */
#define EI_CLASS      4
#define EI_CLASS_32   1
#define EI_CLASS_64   2
#define EI_DATA	      5
#define EI_DATA_LSB   1
#define E_TYPE	      16
#define E_TYPE_EXEC   2
#define E_TYPE_DYN    3
#define E_MACHINE     18
#define E_MACHINE_386 3
#define E_MACHINE_X64 62
#define E_ENTRY	      24

#define E32_PHOFF     28
#define E32_PHENTSIZE 42
#define E32_PHNUM     44
#define E32_SIZE      52

#define E64_PHOFF     32
#define E64_PHENTSIZE 54
#define E64_PHNUM     56
#define E64_SIZE      64

#define P32_OFFSET 4
#define P32_VADDR  8
#define P32_PADDR  12
#define P32_FILESZ 16
#define P32_MEMSZ  20
#define P32_ALIGN  28
#define P32_SIZE   32

#define P64_OFFSET 8
#define P64_VADDR  16
#define P64_PADDR  24
#define P64_FILESZ 32
#define P64_MEMSZ  40
#define P64_ALIGN  48
#define P64_SIZE   56

#define NOTE_HEADER 12 /* name size, descriptor size, type */

bool elf_is(struct bytes file)
{
	return bytes_u32(file, 0) == 0x464c457f; /* 7F "ELF" */
}

static enum status refuse(enum status status, const char *text, const char **reason)
{
	*reason = text;
	return status;
}

static enum status check_header(struct bytes file, bool *wide, const char **reason)
{
	u16 type = bytes_u16(file, E_TYPE);
	u16 machine = bytes_u16(file, E_MACHINE);
	u8 width = bytes_u8(file, EI_CLASS);

	if (!elf_is(file))
		return refuse(ERR_NOT_FOUND, "it is not an ELF file", reason);
	if (width != EI_CLASS_32 && width != EI_CLASS_64)
		return refuse(ERR_INVALID, "ELF: it is neither of 32 nor of 64 bits", reason);
	*wide = width == EI_CLASS_64;
	if (file.size < (*wide ? E64_SIZE : E32_SIZE))
		return refuse(ERR_TRUNCATED, "ELF: the file ends within its header", reason);
	if (bytes_u8(file, EI_DATA) != EI_DATA_LSB ||
	    (machine != E_MACHINE_386 && machine != E_MACHINE_X64))
		return refuse(ERR_UNSUPPORTED, "ELF: it is not for x86", reason);
	if (type != E_TYPE_EXEC && type != E_TYPE_DYN)
		return refuse(ERR_UNSUPPORTED, "ELF: it is not an executable", reason);
	return OK;
}

enum status elf_open(struct bytes file, struct elf *elf, const char **reason)
{
	bool wide = false;
	enum status status = check_header(file, &wide, reason);

	if (status != OK)
		return status;
	*elf = (struct elf){
		.file = file,
		.wide = wide,
		.entry = wide ? bytes_u64(file, E_ENTRY) : bytes_u32(file, E_ENTRY),
		.table = wide ? bytes_u64(file, E64_PHOFF) : bytes_u32(file, E32_PHOFF),
		.stride = bytes_u16(file, wide ? E64_PHENTSIZE : E32_PHENTSIZE),
		.count = bytes_u16(file, wide ? E64_PHNUM : E32_PHNUM),
	};
	if (!elf->count)
		return refuse(ERR_INVALID, "ELF: it has no program headers", reason);
	if (elf->stride < (wide ? P64_SIZE : P32_SIZE))
		return refuse(ERR_INVALID, "ELF: its program headers are too small", reason);
	if (!bytes_has(file, elf->table, (size_t)elf->stride * elf->count))
		return refuse(ERR_TRUNCATED, "ELF: its program headers are not within the file",
			      reason);
	return OK;
}

static struct elf_segment read_32(struct bytes header, u64 *offset, u64 *file_size)
{
	*offset = bytes_u32(header, P32_OFFSET);
	*file_size = bytes_u32(header, P32_FILESZ);
	return (struct elf_segment){
		.type = bytes_u32(header, 0),
		.virtual = bytes_u32(header, P32_VADDR),
		.physical = bytes_u32(header, P32_PADDR),
		.size = bytes_u32(header, P32_MEMSZ),
		.align = bytes_u32(header, P32_ALIGN),
	};
}

static struct elf_segment read_64(struct bytes header, u64 *offset, u64 *file_size)
{
	*offset = bytes_u64(header, P64_OFFSET);
	*file_size = bytes_u64(header, P64_FILESZ);
	return (struct elf_segment){
		.type = bytes_u32(header, 0),
		.virtual = bytes_u64(header, P64_VADDR),
		.physical = bytes_u64(header, P64_PADDR),
		.size = bytes_u64(header, P64_MEMSZ),
		.align = bytes_u64(header, P64_ALIGN),
	};
}

enum status elf_segment(const struct elf *elf, u32 index, struct elf_segment *segment,
			const char **reason)
{
	struct bytes header =
		bytes_slice(elf->file, elf->table + (u64)index * elf->stride, elf->stride);
	u64 offset, file_size;

	*segment = elf->wide ? read_64(header, &offset, &file_size)
			     : read_32(header, &offset, &file_size);
	if (!bytes_has(elf->file, offset, file_size))
		return refuse(ERR_INVALID, "ELF: a segment is not within the file", reason);
	if (file_size > segment->size)
		return refuse(ERR_INVALID, "ELF: a segment has more in the file than in memory",
			      reason);
	if (segment->physical > ~0ull - segment->size || segment->virtual > ~0ull - segment->size)
		return refuse(ERR_INVALID, "ELF: a segment's addresses wrap", reason);
	segment->content = bytes_slice(elf->file, offset, file_size);
	return OK;
}

static bool name_is(struct bytes field, const char *name)
{
	size_t size = strlen(name) + 1;

	return field.size == size && memcmp(field.data, name, size) == 0;
}

/* Notes lie one after the other, name and descriptor padded to `align`. */
static bool find_in(struct bytes notes, size_t align, const char *name, u32 type,
		    struct bytes *descriptor)
{
	size_t at = 0;

	while (bytes_has(notes, at, NOTE_HEADER)) {
		u32 name_size = bytes_u32(notes, at);
		u32 size = bytes_u32(notes, at + 4);
		size_t body = at + NOTE_HEADER;
		size_t value = align_up(body + name_size, align);

		if (!bytes_has(notes, body, name_size) || !bytes_has(notes, value, size))
			return false;
		if (bytes_u32(notes, at + 8) == type &&
		    name_is(bytes_slice(notes, body, name_size), name)) {
			*descriptor = bytes_slice(notes, value, size);
			return true;
		}
		at = align_up(value + size, align);
	}
	return false;
}

enum status elf_note(const struct elf *elf, const char *name, u32 type, struct bytes *descriptor)
{
	for (u32 i = 0; i < elf->count; i++) {
		struct elf_segment segment;
		const char *reason;

		if (elf_segment(elf, i, &segment, &reason) != OK || segment.type != ELF_NOTE)
			continue;
		if (find_in(segment.content, segment.align == 8 ? 8 : 4, name, type, descriptor))
			return OK;
	}
	return ERR_NOT_FOUND;
}
