/*
 * The hypervisor's own address space: everything at its physical address, each part with the least
 * rights, nothing mapped but what is named here:
 *
 *   image           text read-only and executable, rodata read-only, data writable; but for text, no execution
 *   page pool       writable
 *   firmware tables read-only, as they are asked for
 *   registers       writable, uncached, as they are asked for (mmio_map)
 *   windows         a few pages a CPU, above all physical addresses, through which guest memory is touched
 *
 * A page under every stack is not mapped.
 */
#ifndef ARCH_X86_PAGING_H
#define ARCH_X86_PAGING_H

#include "arch/x86/percpu.h"
#include "hv/base/bytes.h"
#include "hv/base/pt.h"

/* Builds the tables from the pool, which lies below 4 GiB, and loads them. */
enum status paging_start(struct pool *pool);

/* Read-only, for good; data NULL if it can't be (paging_start() comes first). */
struct bytes paging_map_firmware(hpa_t address, u64 size);

/* A stack of size bytes with an unmapped page below it; NULL without memory. Returns its top. */
u8 *paging_stack(u64 size);

/* The page at address executable and not writable, or no longer mapped: for starting processors. */
enum status paging_map_code(hpa_t address);
enum status paging_unmap_code(hpa_t address);

/* True if size bytes at address are mapped. */
bool paging_readable(u64 address, u64 size);

/* What CR3 must hold. */
hpa_t paging_root(void);

/* Gives the CPU its windows. */
enum status paging_cpu_init(struct percpu *cpu);

/*
 * Maps the 4 KiB page that holds address, writable, in window `index` of the calling CPU, until the next
 * call with that index or its end; returns where the byte at address is.
 */
void *paging_window(u32 index, hpa_t address);
void paging_window_end(u32 index);

#endif
