/* What the loader handed over, copied out of its structures at once: they lie in free memory. */
#ifndef GUEST_BOOT_H
#define GUEST_BOOT_H

#include "guest/memory.h"

#define BOOT_COMMAND_LINE_MAX 1024
#define BOOT_MODULES_MAX      16
#define BOOT_MODULE_NAME_MAX  64

struct boot_module {
	u64 base;
	u64 size;
	char name[BOOT_MODULE_NAME_MAX]; /* the module's command line, cut if longer */
};

struct boot {
	const char *protocol; /* "multiboot" or "PVH" */
	char command_line[BOOT_COMMAND_LINE_MAX];
	struct memory_map memory;
	struct boot_module modules[BOOT_MODULES_MAX];
	unsigned module_count;
	unsigned modules_ignored; /* empty, or more than there is room for */
};

/*
 * magic and info are what the entry point got. NULL, or the reason why nothing can be made of it.
 */
const char *boot_read(u32 magic, u32 info, struct boot *boot);

#endif
