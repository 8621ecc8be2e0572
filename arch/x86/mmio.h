/*
 * Device registers in memory and I/O ports. Out of line, so that host tests link a fake unit in their
 * place and the drivers run unmodified.
 */
#ifndef ARCH_X86_MMIO_H
#define ARCH_X86_MMIO_H

#include "hv/base/status.h"
#include "hv/base/types.h"

/* A mapped register range. */
struct mmio {
	u8 *base;
	u64 size;
};

/*
 * Maps [address, address+size) uncached, for good; the same range twice gives the same mapping.
 * ERR_INVALID: outside what can be mapped, or it overlaps the hypervisor's memory.
 */
enum status mmio_map(hpa_t address, u64 size, struct mmio *mmio);

/* offset is within the range and aligned to the width: a caller's duty. */
u8 mmio_read8(const struct mmio *mmio, u64 offset);
u16 mmio_read16(const struct mmio *mmio, u64 offset);
u32 mmio_read32(const struct mmio *mmio, u64 offset);
u64 mmio_read64(const struct mmio *mmio, u64 offset);
void mmio_write8(const struct mmio *mmio, u64 offset, u8 value);
void mmio_write16(const struct mmio *mmio, u64 offset, u16 value);
void mmio_write32(const struct mmio *mmio, u64 offset, u32 value);
void mmio_write64(const struct mmio *mmio, u64 offset, u64 value);

u8 port_read8(u16 port);
u16 port_read16(u16 port);
u32 port_read32(u16 port);
void port_write8(u16 port, u8 value);
void port_write16(u16 port, u16 value);
void port_write32(u16 port, u32 value);

#endif
