/*
 * The x86/HVM direct boot ABI, "PVH" (xen/docs/misc/pvh.pandoc, xen/include/public/arch-x86/hvm/
 * start_info.h), as its boot loader.
 */
#ifndef HV_VM_PVH_H
#define HV_VM_PVH_H

#include "hv/vm/loading.h"

/* The 32-bit physical entry from the note XEN_ELFNOTE_PHYS32_ENTRY. False if there is none. */
bool pvh_find(const struct elf *elf, u32 *entry);

/* Loads the kernel with its modules and writes the start info. */
enum status pvh_load(struct loading *loading, const struct elf *elf, u32 entry,
		     struct vcpu_start *start);

#endif
