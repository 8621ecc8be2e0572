/* Attacks on ports: those of a bare machine, of which a VM has but a few. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"

#define PORTS	  0x10000
#define EXIT_PORT 0xF4 /* a write ends the VM, as it should */

/* What a VM has of its own: the console, ACPI's timer, PCI configuration. */
static const struct {
	u32 first, last;
} own_ports[] = {{0x3F8, 0x3FF}, {0x608, 0x60B}, {0xCF8, 0xCFF}};

static bool touches(u32 port, u32 width, u32 first, u32 last)
{
	return port <= last && port + width > first;
}

static bool touches_own_port(u32 port, u32 width)
{
	for (unsigned i = 0; i < ARRAY_SIZE(own_ports); i++)
		if (touches(port, width, own_ports[i].first, own_ports[i].last))
			return true;
	return false;
}

static u32 port_read(u32 port, u32 width)
{
	if (width == 1)
		return port_in8((u16)port);
	return width == 2 ? port_in16((u16)port) : port_in32((u16)port);
}

static void port_write(u32 port, u32 width, u32 value)
{
	if (width == 1)
		port_out8((u16)port, (u8)value);
	else if (width == 2)
		port_out16((u16)port, (u16)value);
	else
		port_out32((u16)port, value);
}

/* Reads with that width everywhere, and tells the first few ports where something is. */
static void read_ports(u32 width)
{
	u32 ones = (u32)BITS(8 * width - 1, 0);
	u32 answered = 0;
	u32 read = 0;

	for (u32 port = 0; port + width <= PORTS; port += width) {
		u32 value;

		if (touches_own_port(port, width))
			continue;
		value = port_read(port, width);
		read++;
		if (value != ones && answered++ < 16)
			print("port %#x reads %#x\n", port, value);
	}
	print("ports: %u read by %u bytes, %u answered\n", read, width, answered);
}

void attack_ports(struct text value)
{
	(void)value;
	for (u32 width = 1; width <= 4; width *= 2)
		read_ports(width);
}

/* All ones, which is a device's commands all at once, with that width everywhere. */
static void write_ports(u32 width)
{
	u32 written = 0;

	for (u32 port = 0; port + width <= PORTS; port += width) {
		if (touches_own_port(port, width) || touches(port, width, EXIT_PORT, EXIT_PORT))
			continue;
		port_write(port, width, ~0u);
		written++;
	}
	print("ports: %u written by %u bytes\n", written, width);
}

void attack_port_writes(struct text value)
{
	(void)value;
	for (u32 width = 1; width <= 4; width *= 2)
		write_ports(width);
}

/* --- By string instructions --- */

#define STRING_PORTS 0x800 /* where all that is older than PCI has its ports, and more */
#define ELEMENTS     3

static void string_in(u32 port, u32 width, void *to)
{
	u64 count = ELEMENTS;

	if (width == 1)
		__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
	else if (width == 2)
		__asm__ volatile("rep insw" : "+D"(to), "+c"(count) : "d"(port) : "memory");
	else
		__asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void string_out(u32 port, u32 width, const void *from)
{
	u64 count = ELEMENTS;

	if (width == 1)
		__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
	else if (width == 2)
		__asm__ volatile("rep outsw" : "+S"(from), "+c"(count) : "d"(port) : "memory");
	else
		__asm__ volatile("rep outsl" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

/* True if something was read there, or memory beside what was asked for. */
static bool string_answers(u32 port, u32 width)
{
	u8 read[16];

	memset(read, 0, sizeof(read));
	string_in(port, width, read);
	for (u32 i = 0; i < sizeof(read); i++)
		if (read[i] != (i < ELEMENTS * width ? 0xFF : 0))
			return true;
	return false;
}

static void string_ports(u32 width)
{
	static const u32 ones[ELEMENTS] = {~0u, ~0u, ~0u};
	u32 tried = 0, answered = 0;

	for (u32 port = 0; port < STRING_PORTS; port++) {
		if (touches_own_port(port, width))
			continue;
		answered += string_answers(port, width);
		if (!touches(port, width, EXIT_PORT, EXIT_PORT))
			string_out(port, width, ones);
		tried++;
	}
	print("ports: %u by strings of %u bytes, %u answered\n", tried, width, answered);
}

void attack_port_strings(struct text value)
{
	(void)value;
	for (u32 width = 1; width <= 4; width *= 2)
		string_ports(width);
}

void attack_out(struct text value)
{
	u64 numbers[3];

	read_numbers(value, numbers, 3);
	port_write((u32)numbers[0], (u32)numbers[2], (u32)numbers[1]);
}

/* QEMU's docs/specs/fw_cfg: all big-endian. Its DMA goes past the IOMMU. */
#define FW_CFG_DMA_HIGH	      0x514
#define FW_CFG_DMA_LOW	      0x518
#define FW_CFG_CONTROL_READ   (1u << 1)
#define FW_CFG_CONTROL_SELECT (1u << 3)
#define FW_CFG_SIGNATURE      0x0000 /* this item reads "QEMU" */

struct fw_cfg_dma {
	u32 control; /* 0 when it was carried out */
	u32 length;
	u64 address;
};

void attack_fwcfg(struct text value)
{
	static volatile u32 landing;
	static volatile struct fw_cfg_dma dma;
	u32 control = FW_CFG_SIGNATURE << 16 | FW_CFG_CONTROL_SELECT | FW_CFG_CONTROL_READ;

	(void)value;
	dma.control = __builtin_bswap32(control);
	dma.length = __builtin_bswap32(sizeof(landing));
	dma.address = __builtin_bswap64((u64)(uintptr_t)&landing);
	memory_barrier();
	port_out32(FW_CFG_DMA_HIGH, 0);
	port_out32(FW_CFG_DMA_LOW, __builtin_bswap32((u32)(uintptr_t)&dma));
	memory_barrier();
	print("fw_cfg: control %#x, landed %#x\n", __builtin_bswap32(dma.control),
	      __builtin_bswap32(landing));
}
