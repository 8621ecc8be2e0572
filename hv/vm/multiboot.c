#include "hv/vm/multiboot.h"

#include "hv/base/string.h"
#include "hv/vm/vm.h"

/* The header, 3.1.1. */
#define HEADER_MAGIC		0x1badb002u
#define HEADER_SEARCH		8192
#define HEADER_SIZE		12
#define HEADER_ALIGN_MODULES	0x00000001u /* always done */
#define HEADER_MEMORY		0x00000002u /* always given */
#define HEADER_VIDEO		0x00000004u /* a wish; a VM has no screen */
#define HEADER_REQUIRED		0x0000ffffu /* of these, unknown ones must be refused */
#define HEADER_ADDRESSES	0x00010000u
#define HEADER_FULL_SIZE	32
#define HEADER_HEADER_ADDRESS	12
#define HEADER_LOAD_ADDRESS	16
#define HEADER_LOAD_END_ADDRESS 20
#define HEADER_BSS_END_ADDRESS	24
#define HEADER_ENTRY_ADDRESS	28

/* The state at the entry, 3.2. */
#define LOADER_MAGIC 0x2badb002u

/* The information structure, 3.3. */
#define INFO_MEMORY  BIT(0)
#define INFO_COMMAND BIT(2)
#define INFO_MODULES BIT(3)
#define INFO_MAP     BIT(6)
#define INFO_LOADER  BIT(9)

struct multiboot_info {
	u32 flags;
	u32 memory_lower; /* KiB from 0 on */
	u32 memory_upper; /* KiB from 1 MiB on */
	u32 boot_device;
	u32 command;
	u32 module_count;
	u32 modules;
	u32 symbols[4];
	u32 map_size; /* bytes */
	u32 map;
	u32 drives_size;
	u32 drives;
	u32 configuration;
	u32 loader;
	u32 apm;
	u32 video[11]; /* VBE and framebuffer: none */
};
_Static_assert(offsetof(struct multiboot_info, map_size) == 44, "multiboot 3.3");
_Static_assert(offsetof(struct multiboot_info, loader) == 64, "multiboot 3.3");
_Static_assert(sizeof(struct multiboot_info) == 116, "multiboot 3.3");

struct multiboot_module {
	u32 start;
	u32 end;
	u32 command;
	u32 reserved;
};
_Static_assert(sizeof(struct multiboot_module) == 16, "multiboot 3.3");

struct multiboot_map_entry {
	u32 size; /* of what follows */
	u32 start[2];
	u32 length[2];
	u32 type;
};
_Static_assert(sizeof(struct multiboot_map_entry) == 24, "multiboot 3.3");

bool multiboot_find(struct bytes kernel, struct multiboot_header *header)
{
	struct bytes head = {kernel.data, min_u64(kernel.size, HEADER_SEARCH)};

	for (size_t at = 0; bytes_has(head, at, HEADER_SIZE); at += 4) {
		u32 flags = bytes_u32(head, at + 4);

		if (bytes_u32(head, at) != HEADER_MAGIC)
			continue;
		if (HEADER_MAGIC + flags + bytes_u32(head, at + 8) != 0)
			continue;
		*header = (struct multiboot_header){at, flags};
		return true;
	}
	return false;
}

/* The kernel as its header's address fields describe it, whatever the file's format (3.1.3). */
static enum status load_by_addresses(struct loading *loading, u64 header_offset, u64 *entry)
{
	struct bytes file = loading->image->kernel;
	struct bytes header = bytes_slice(file, header_offset, HEADER_FULL_SIZE);
	u32 header_address = bytes_u32(header, HEADER_HEADER_ADDRESS);
	u32 load = bytes_u32(header, HEADER_LOAD_ADDRESS);
	u32 load_end = bytes_u32(header, HEADER_LOAD_END_ADDRESS);
	u32 bss_end = bytes_u32(header, HEADER_BSS_END_ADDRESS);
	u64 before = (u64)header_address - load; /* bytes of the image before the header */
	u64 size;

	*entry = bytes_u32(header, HEADER_ENTRY_ADDRESS);
	if (!header.data || load > header_address || before > header_offset)
		return loading_refuse(loading, "multiboot: the header's addresses are wrong");
	if (load_end && load_end < load)
		return loading_refuse(loading, "multiboot: load_end_addr is below load_addr");
	size = load_end ? load_end - load : file.size - (header_offset - before);
	if (!bytes_has(file, header_offset - before, size))
		return loading_refuse(loading, "multiboot: the file ends before load_end_addr");
	if (bss_end && bss_end < load + size)
		return loading_refuse(loading, "multiboot: bss_end_addr is below the data's end");
	return loading_segment(loading, load, bytes_slice(file, header_offset - before, size),
			       bss_end ? bss_end - load : size);
}

/* Kernels linked to high addresses have a virtual entry: where it lies follows from its segment. */
static enum status physical_entry(struct loading *loading, const struct elf *elf, u64 *entry)
{
	*entry = elf->entry;
	for (u32 i = 0; i < elf->count; i++) {
		struct elf_segment segment;
		enum status status = elf_segment(elf, i, &segment, &loading->reason);

		if (status != OK)
			return status;
		if (segment.type == ELF_LOAD &&
		    range_within(elf->entry, 1, segment.virtual, segment.size)) {
			*entry = segment.physical + (elf->entry - segment.virtual);
			break;
		}
	}
	return OK;
}

static enum status load_elf(struct loading *loading, u64 *entry)
{
	struct elf elf;
	enum status status = elf_open(loading->image->kernel, &elf, &loading->reason);

	if (status == OK)
		status = loading_elf(loading, &elf);
	if (status == OK)
		status = physical_entry(loading, &elf, entry);
	return status;
}

static enum status put_modules(struct loading *loading, u32 *at)
{
	struct multiboot_module list[LOADER_MAX_MODULES];
	u32 count = loading->image->module_count;
	u64 address = 0;
	enum status status;

	for (u32 i = 0; i < count; i++) {
		const struct guest_module *module = &loading->image->module[i];

		status = loading_put_text(loading, module->command, &address);
		if (status != OK)
			return status;
		list[i] = (struct multiboot_module){
			.start = (u32)loading->module[i],
			.end = (u32)(loading->module[i] + module->content.size),
			.command = (u32)address,
		};
	}
	if (!count)
		return OK;
	status = loading_put(loading, list, count * sizeof(list[0]), &address);
	*at = (u32)address;
	return status;
}

static enum status put_map(struct loading *loading, u32 *at, u32 *size)
{
	struct multiboot_map_entry map[LAYOUT_MAX_ENTRIES];
	const struct memory_layout *layout = &loading->vm->layout;
	u64 address = 0;
	enum status status;

	for (u32 i = 0; i < layout->count; i++) {
		const struct layout_entry *entry = &layout->entry[i];

		map[i] = (struct multiboot_map_entry){
			.size = sizeof(map[i]) - sizeof(map[i].size),
			.start = {(u32)entry->start, (u32)(entry->start >> 32)},
			.length = {(u32)entry->size, (u32)(entry->size >> 32)},
			.type = entry->type,
		};
	}
	*size = (u32)(layout->count * sizeof(map[0]));
	status = loading_put(loading, map, *size, &address);
	*at = (u32)address;
	return status;
}

static enum status put_info(struct loading *loading, u64 *at)
{
	const struct memory_layout *layout = &loading->vm->layout;
	struct multiboot_info info = {
		.flags = INFO_MEMORY | INFO_COMMAND | INFO_MODULES | INFO_MAP | INFO_LOADER,
		.memory_lower = LAYOUT_LEGACY_START >> 10,
		.memory_upper = (u32)(memory_layout_upper(layout) >> 10),
		.module_count = loading->image->module_count,
	};
	u64 address = 0;
	enum status status = put_modules(loading, &info.modules);

	if (status == OK)
		status = put_map(loading, &info.map, &info.map_size);
	if (status == OK)
		status = loading_put_text(loading, loading->image->command, &address);
	info.command = (u32)address;
	if (status == OK)
		status = loading_put_text(loading, "Sluice", &address);
	info.loader = (u32)address;
	if (status == OK)
		status = loading_put(loading, &info, sizeof(info), at);
	return status;
}

enum status multiboot_load(struct loading *loading, const struct multiboot_header *header,
			   struct vcpu_start *start)
{
	u32 known = HEADER_ALIGN_MODULES | HEADER_MEMORY | HEADER_VIDEO;
	u64 entry = 0, info = 0;
	enum status status;

	if (header->flags & HEADER_REQUIRED & ~known)
		return loading_refuse(loading, "multiboot: the kernel requires an unknown feature");
	if (header->flags & HEADER_ADDRESSES)
		status = load_by_addresses(loading, header->offset, &entry);
	else
		status = load_elf(loading, &entry);
	if (status != OK)
		return status;
	if (!loading_in_kernel(loading, entry))
		return loading_refuse(loading, "multiboot: the entry is not in the kernel");

	status = loading_modules(loading);
	if (status == OK)
		status = put_info(loading, &info);
	*start = (struct vcpu_start){
		.rip = (u32)entry,
		.rax = LOADER_MAGIC,
		.rbx = (u32)info,
	};
	return status;
}
