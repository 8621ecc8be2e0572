/*
 * What the boot loader hands over (Multiboot2 specification 2.0, section 3.6), parsed and checked.
 * Pure: nothing in it is trusted.
 */
#ifndef HV_PLATFORM_BOOTINFO_H
#define HV_PLATFORM_BOOTINFO_H

#include "hv/base/bytes.h"
#include "hv/base/status.h"
#include "hv/platform/memmap.h"

#define BOOT_MAX_MODULES 32
#define BOOT_COMMAND_MAX 512 /* bytes with the NUL; longer command lines are refused */
#define BOOT_RSDP_MAX	 36

struct boot_module {
	hpa_t start;
	u64 size;
	char command[BOOT_COMMAND_MAX];
};

enum framebuffer_kind {
	FRAMEBUFFER_NONE,
	FRAMEBUFFER_INDEXED,
	FRAMEBUFFER_RGB,
	FRAMEBUFFER_TEXT, /* EGA: two bytes a cell, width and height in cells */
};

struct framebuffer {
	enum framebuffer_kind kind;
	hpa_t address;
	u32 pitch; /* bytes a line */
	u32 width;
	u32 height;
	u8 bits_per_pixel;
};

struct bootinfo {
	char loader[64];
	char command[BOOT_COMMAND_MAX];
	struct memmap memory;
	u32 module_count;
	struct boot_module module[BOOT_MAX_MODULES];
	u8 rsdp[BOOT_RSDP_MAX]; /* a copy; the newer one where both are given */
	u8 rsdp_size;		/* 0: none, 20 or 36 */
	bool efi;
	struct framebuffer framebuffer;
};

struct bootinfo_error {
	u32 offset; /* in the boot information */
	const char *reason;
};

/*
 * Parses the boot information (its total_size field is checked against info.size). Refused, with offset
 * and reason: a truncated or unterminated tag list, no memory map, a map entry that wraps, a module
 * that is empty, wraps, is not wholly in usable RAM, ends above 4 GiB, or overlaps another, a command
 * line that is too long. An unsorted or overlapping memory map is put in order and told by memory's
 * flags. The backslashes that GRUB puts into command lines are taken off again. own is the memory that the image itself takes: a module that overlaps it is refused.
 */
enum status bootinfo_parse(struct bytes info, hpa_t own_start, u64 own_size, struct bootinfo *boot,
			   struct bootinfo_error *error);

void bootinfo_print(const struct bootinfo *boot);

#endif
