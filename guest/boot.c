#include "guest/boot.h"

#include "hv/base/bits.h"
#include "hv/base/string.h"

/* Multiboot 1, 3.3: boot information format. */
#define MULTIBOOT_MAGIC		    0x2BADB002
#define MULTIBOOT_INFO_SIZE	    52 /* up to mmap_addr */
#define MULTIBOOT_FLAGS		    0
#define MULTIBOOT_FLAG_MEMORY	    BIT(0)
#define MULTIBOOT_FLAG_COMMAND_LINE BIT(2)
#define MULTIBOOT_FLAG_MODULES	    BIT(3)
#define MULTIBOOT_FLAG_MAP	    BIT(6)
#define MULTIBOOT_MEMORY_UPPER	    8 /* KiB above 1 MiB */
#define MULTIBOOT_COMMAND_LINE	    16
#define MULTIBOOT_MODULE_COUNT	    20
#define MULTIBOOT_MODULES	    24
#define MULTIBOOT_MAP_LENGTH	    44
#define MULTIBOOT_MAP		    48
#define MULTIBOOT_MODULE_SIZE	    16 /* start, end, string, reserved */

/* Xen's public/arch-x86/hvm/start_info.h. */
#define PVH_MAGIC	 0x336EC578
#define PVH_INFO_SIZE	 56
#define PVH_VERSION	 4
#define PVH_MODULE_COUNT 12
#define PVH_MODULES	 16
#define PVH_COMMAND_LINE 24
#define PVH_MAP		 40 /* since version 1 */
#define PVH_MAP_ENTRIES	 48
#define PVH_MODULE_SIZE	 32 /* address, size, command line, reserved */
#define PVH_MAP_ENTRY	 24

#define MAP_LENGTH_MAX KIB(64)

/* Loader structures lie below 4 GiB, which start.asm has mapped; what doesn't is as good as empty. */
static struct bytes physical(u64 address, u64 size)
{
	if (!address || !range_within(address, size, 0, GIB(4)))
		return (struct bytes){NULL, 0};
	return (struct bytes){(const u8 *)(uintptr_t)address, size};
}

static void copy_text(char *to, size_t size, u64 address)
{
	struct bytes text = physical(address, size);
	size_t length = text.data ? strnlen((const char *)text.data, size - 1) : 0;

	if (length)
		memcpy(to, text.data, length);
	to[length] = 0;
}

static void add_module(struct boot *boot, u64 base, u64 size, u64 name)
{
	struct boot_module *module = &boot->modules[boot->module_count];

	if (!size || base + size < base || boot->module_count == BOOT_MODULES_MAX) {
		boot->modules_ignored++;
		return;
	}
	module->base = base;
	module->size = size;
	copy_text(module->name, sizeof(module->name), name);
	boot->module_count++;
}

static const char *read_multiboot(struct bytes info, struct boot *boot)
{
	u32 flags = bytes_u32(info, MULTIBOOT_FLAGS);
	u32 count = 0;

	boot->protocol = "multiboot";
	if (flags & MULTIBOOT_FLAG_MODULES)
		count = bytes_u32(info, MULTIBOOT_MODULE_COUNT);
	if (flags & MULTIBOOT_FLAG_COMMAND_LINE)
		copy_text(boot->command_line, sizeof(boot->command_line),
			  bytes_u32(info, MULTIBOOT_COMMAND_LINE));
	for (u32 i = 0; i < count && i <= BOOT_MODULES_MAX; i++) {
		u64 at = bytes_u32(info, MULTIBOOT_MODULES) + (u64)i * MULTIBOOT_MODULE_SIZE;
		struct bytes entry = physical(at, MULTIBOOT_MODULE_SIZE);
		u32 start = bytes_u32(entry, 0);
		u32 end = bytes_u32(entry, 4);

		add_module(boot, start, end > start ? end - start : 0, bytes_u32(entry, 8));
	}
	if (flags & MULTIBOOT_FLAG_MAP)
		memory_map_from_multiboot(
			physical(bytes_u32(info, MULTIBOOT_MAP),
				 min_u64(bytes_u32(info, MULTIBOOT_MAP_LENGTH), MAP_LENGTH_MAX)),
			&boot->memory);
	else if (flags & MULTIBOOT_FLAG_MEMORY)
		memory_map_add(&boot->memory, MIB(1), KIB(bytes_u32(info, MULTIBOOT_MEMORY_UPPER)),
			       MEMORY_RAM);
	return NULL;
}

static const char *read_pvh(struct bytes info, struct boot *boot)
{
	u32 count = bytes_u32(info, PVH_MODULE_COUNT);
	u64 map_size = (u64)bytes_u32(info, PVH_MAP_ENTRIES) * PVH_MAP_ENTRY;

	boot->protocol = "PVH";
	if (bytes_u32(info, 0) != PVH_MAGIC)
		return "the PVH start info has no magic";
	if (bytes_u32(info, PVH_VERSION) < 1)
		return "the PVH start info is of version 0, without a memory map";
	copy_text(boot->command_line, sizeof(boot->command_line),
		  bytes_u64(info, PVH_COMMAND_LINE));
	for (u32 i = 0; i < count && i <= BOOT_MODULES_MAX; i++) {
		u64 at = bytes_u64(info, PVH_MODULES) + (u64)i * PVH_MODULE_SIZE;
		struct bytes entry = physical(at, PVH_MODULE_SIZE);

		add_module(boot, bytes_u64(entry, 0), bytes_u64(entry, 8), bytes_u64(entry, 16));
	}
	memory_map_from_pvh(physical(bytes_u64(info, PVH_MAP), min_u64(map_size, MAP_LENGTH_MAX)),
			    &boot->memory);
	return NULL;
}

const char *boot_read(u32 magic, u32 info, struct boot *boot)
{
	*boot = (struct boot){.protocol = "an unknown protocol"};
	if (magic == MULTIBOOT_MAGIC)
		return read_multiboot(physical(info, MULTIBOOT_INFO_SIZE), boot);
	if (magic == PVH_MAGIC)
		return read_pvh(physical(info, PVH_INFO_SIZE), boot);
	return "started by neither a multiboot nor a PVH loader";
}
