/* Extended page tables (Intel SDM volume 3C, 28.3): their entries, the pointer, memory types. */
#ifndef ARCH_X86_VMX_EPT_H
#define ARCH_X86_VMX_EPT_H

#include "hv/base/pt.h"

extern const struct pt_format ept_format;

/*
 * The EPT pointer (24.6.11) for a table of 3 .. 5 levels. Both of the flags are capabilities of the CPU
 * (IA32_VMX_EPT_VPID_CAP bits 14 and 21): walks through write-back memory, else uncached; accessed and
 * dirty bits on.
 */
u64 ept_pointer_make(hpa_t root, u8 levels, bool write_back_walks, bool accessed_dirty);

/*
 * For vcpu_ops.memory_run. The MTRRs don't apply to a guest's accesses (28.3.7.2), so that the tables have
 * to repeat what they say.
 */
u64 ept_memory_run(hpa_t start, u64 size, bool *cached);

#endif
