/*
 * What both boot protocols share: putting the kernel's segments where they ask to be, and everything else
 * where room is. Every range that is handed out is remembered, so that no two overlap.
 *
 * All functions return ERR_INVALID, with the reason in loading.reason, for what can't be.
 */
#ifndef HV_VM_LOADING_H
#define HV_VM_LOADING_H

#include "hv/vm/elf.h"
#include "hv/vm/loader.h"
#include "hv/vm/memory_layout.h"

#define LOADING_MAX_RANGES 64

struct loading_range {
	u64 start;
	u64 size;
};

struct loading {
	struct vm *vm;
	const struct guest_image *image;
	u32 hole_count; /* the first ranges: where there is no RAM, the legacy hole before all others */
	u32 range_count;
	struct loading_range range[LOADING_MAX_RANGES]; /* in use */
	u64 kernel_end;					/* one past the highest byte of it */
	u64 module[LOADER_MAX_MODULES];
	const char *reason;
};

/* RAM as in vm->layout, nothing in it yet. */
void loading_init(struct loading *loading, struct vm *vm, const struct guest_image *image);

enum status loading_refuse(struct loading *loading, const char *reason);

/* Puts content, and zeros after it up to size bytes, at a fixed place of the kernel's choice. */
enum status loading_segment(struct loading *loading, u64 start, struct bytes content, u64 size);

/* Puts all PT_LOAD segments at their physical addresses. */
enum status loading_elf(struct loading *loading, const struct elf *elf);

/* True if the byte at this physical address belongs to the kernel. For use before loading_modules(). */
bool loading_in_kernel(const struct loading *loading, u64 address);

/* Puts the image's modules, page aligned, above the kernel if they fit; where is in loading.module. */
enum status loading_modules(struct loading *loading);

/*
 * Puts a structure of the boot protocol, size > 0 bytes, where room is (below 640K if it can be); *at is
 * where: 8-byte aligned, below 4 GiB.
 */
enum status loading_put(struct loading *loading, const void *data, u64 size, u64 *at);

/* Likewise a string; NULL counts as an empty one. */
enum status loading_put_text(struct loading *loading, const char *text, u64 *at);

#endif
