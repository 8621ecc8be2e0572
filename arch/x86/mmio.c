#include "arch/x86/mmio.h"

#include "hv/base/panic.h"

#define DEFINE_MMIO(bits)                                                                          \
	u##bits mmio_read##bits(const struct mmio *mmio, u64 offset)                               \
	{                                                                                          \
		INVARIANT(offset + sizeof(u##bits) <= mmio->size);                                 \
		return *(volatile u##bits *)(mmio->base + offset);                                 \
	}                                                                                          \
	void mmio_write##bits(const struct mmio *mmio, u64 offset, u##bits value)                  \
	{                                                                                          \
		INVARIANT(offset + sizeof(u##bits) <= mmio->size);                                 \
		*(volatile u##bits *)(mmio->base + offset) = value;                                \
	}

DEFINE_MMIO(8)
DEFINE_MMIO(16)
DEFINE_MMIO(32)
DEFINE_MMIO(64)

#define DEFINE_PORT(bits, suffix, reg)                                                             \
	u##bits port_read##bits(u16 port)                                                          \
	{                                                                                          \
		u##bits value;                                                                     \
                                                                                                   \
		__asm__ volatile("in" suffix " %%dx, %%" reg : "=a"(value) : "d"(port));           \
		return value;                                                                      \
	}                                                                                          \
	void port_write##bits(u16 port, u##bits value)                                             \
	{                                                                                          \
		__asm__ volatile("out" suffix " %%" reg ", %%dx" : : "a"(value), "d"(port));       \
	}

DEFINE_PORT(8, "b", "al")
DEFINE_PORT(16, "w", "ax")
DEFINE_PORT(32, "l", "eax")
