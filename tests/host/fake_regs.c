#include "tests/host/fake_regs.h"

struct fake_regs fake_regs;

enum status mmio_map(hpa_t address, u64 size, struct mmio *mmio)
{
	enum status status = fake_regs.map ? fake_regs.map(address.v, size) : OK;

	/* Never followed: it only carries the address. */
	if (status == OK)
		*mmio = (struct mmio){(u8 *)(uintptr_t)address.v, size};
	return status;
}

static u64 place(const struct mmio *mmio, u64 offset, u8 width)
{
	assert_true(offset % width == 0);
	assert_true(offset < mmio->size && width <= mmio->size - offset);
	return (u64)(uintptr_t)mmio->base + offset;
}

static u64 read_place(const struct mmio *mmio, u64 offset, u8 width)
{
	u64 address = place(mmio, offset, width);

	return fake_regs.read ? fake_regs.read(address, width) : ~0ull;
}

static void write_place(const struct mmio *mmio, u64 offset, u8 width, u64 value)
{
	u64 address = place(mmio, offset, width);

	if (fake_regs.write)
		fake_regs.write(address, width, value);
}

static u32 in(u16 port, u8 width)
{
	return fake_regs.port_in ? fake_regs.port_in(port, width) : ~0u;
}

static void out(u16 port, u8 width, u32 value)
{
	if (fake_regs.port_out)
		fake_regs.port_out(port, width, value);
}

u8 mmio_read8(const struct mmio *mmio, u64 offset)
{
	return (u8)read_place(mmio, offset, 1);
}

u16 mmio_read16(const struct mmio *mmio, u64 offset)
{
	return (u16)read_place(mmio, offset, 2);
}

u32 mmio_read32(const struct mmio *mmio, u64 offset)
{
	return (u32)read_place(mmio, offset, 4);
}

u64 mmio_read64(const struct mmio *mmio, u64 offset)
{
	return read_place(mmio, offset, 8);
}

void mmio_write8(const struct mmio *mmio, u64 offset, u8 value)
{
	write_place(mmio, offset, 1, value);
}

void mmio_write16(const struct mmio *mmio, u64 offset, u16 value)
{
	write_place(mmio, offset, 2, value);
}

void mmio_write32(const struct mmio *mmio, u64 offset, u32 value)
{
	write_place(mmio, offset, 4, value);
}

void mmio_write64(const struct mmio *mmio, u64 offset, u64 value)
{
	write_place(mmio, offset, 8, value);
}

u8 port_read8(u16 port)
{
	return (u8)in(port, 1);
}

u16 port_read16(u16 port)
{
	return (u16)in(port, 2);
}

u32 port_read32(u16 port)
{
	return in(port, 4);
}

void port_write8(u16 port, u8 value)
{
	out(port, 1, value);
}

void port_write16(u16 port, u16 value)
{
	out(port, 2, value);
}

void port_write32(u16 port, u32 value)
{
	out(port, 4, value);
}
