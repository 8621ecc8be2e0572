/*
 * The multiboot protocol, version 1 (Multiboot specification 0.6.96), as its boot loader: a kernel's
 * header and the information structure that it finds.
 */
#ifndef HV_VM_MULTIBOOT_H
#define HV_VM_MULTIBOOT_H

#include "hv/vm/loading.h"

struct multiboot_header {
	u64 offset; /* in the file */
	u32 flags;
};

/* Looks for a header (3.1.1). False if the file has none. */
bool multiboot_find(struct bytes kernel, struct multiboot_header *header);

/* Loads the kernel as its header or its ELF program headers say, with the modules and the rest. */
enum status multiboot_load(struct loading *loading, const struct multiboot_header *header,
			   struct vcpu_start *start);

#endif
