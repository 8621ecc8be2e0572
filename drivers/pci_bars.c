#include "drivers/pci_regs.h"
#include "drivers/pci_scan.h"

#define PCI_BAR_IO_ADDRESS  0xfffffffcu
#define PCI_BAR_MEM_ADDRESS 0xfffffff0u
#define PCI_BAR_MEM_TYPE    0x6
#define PCI_ROM_ADDRESS	    0xfffff800u

/* The bits of a base address register that can be set (PCI 3.0 6.2.5.1). Its value is put back. */
static u32 settable_bits(struct sbdf address, u16 offset, u32 ones)
{
	u32 value = pci_read(address, offset, 4);

	pci_write(address, offset, 4, ones);

	u32 bits = pci_read(address, offset, 4);

	pci_write(address, offset, 4, value);
	return bits & ones;
}

/* The size is the lowest address bit that can be set: right for 16-bit I/O decoders too. */
static u64 lowest_bit(u64 word)
{
	return word & (~word + 1);
}

static struct pci_bar io_bar(u32 low, u32 low_bits)
{
	return (struct pci_bar){
		.kind = PCI_BAR_IO,
		.address = low & PCI_BAR_IO_ADDRESS,
		.size = lowest_bit(low_bits & PCI_BAR_IO_ADDRESS),
	};
}

/* PCI 3.0 6.2.5.1: of the types only 64 bits (4) takes two registers; reserved ones count as 32 bits. */
static bool is_wide(u32 low)
{
	return (low & (PCI_BAR_IO_SPACE | PCI_BAR_MEM_TYPE)) == PCI_BAR_TYPE_64;
}

static struct pci_bar memory_bar(u32 low, u32 low_bits, u32 high, u32 high_bits)
{
	return (struct pci_bar){
		.kind = is_wide(low) ? PCI_BAR_MEM64 : PCI_BAR_MEM32,
		.prefetchable = low & PCI_BAR_PREFETCH,
		.address = (u64)high << 32 | (low & PCI_BAR_MEM_ADDRESS),
		.size = lowest_bit((u64)high_bits << 32 | (low_bits & PCI_BAR_MEM_ADDRESS)),
	};
}

/* Returns how many registers the BAR takes. */
static u8 read_bar(struct pci_function *function, u8 index)
{
	u16 offset = PCI_BAR0 + 4 * index;
	u32 low = pci_read(function->address, offset, 4);
	u32 low_bits = settable_bits(function->address, offset, ~0u);
	bool wide = is_wide(low);
	u32 high = 0;
	u32 high_bits = 0;

	/* A 64-bit BAR in the last register has no upper half: not a BAR. */
	if (wide && index + 1 == function->bar_count)
		return 1;
	if (wide) {
		high = pci_read(function->address, offset + 4, 4);
		high_bits = settable_bits(function->address, offset + 4, ~0u);
	}

	struct pci_bar bar = low & PCI_BAR_IO_SPACE ? io_bar(low, low_bits)
						    : memory_bar(low, low_bits, high, high_bits);

	if (bar.size)
		function->bar[index] = bar;
	return wide ? 2 : 1;
}

static u8 bar_count(const struct pci_function *function)
{
	static const u8 count[] = {6, 2, 1}; /* of header types 0, 1 and 2 */

	/* Memory behind a host bridge's BARs may be in use by the CPU, this code included. */
	if (function->class_code >> 8 == PCI_CLASS_HOST_BRIDGE ||
	    function->header_type >= ARRAY_SIZE(count))
		return 0;
	return count[function->header_type];
}

void pci_read_bars(struct pci_function *function)
{
	struct sbdf address = function->address;

	function->bar_count = bar_count(function);
	if (function->bar_count == 0)
		return;

	u16 command = (u16)pci_read(address, PCI_COMMAND, 2);

	pci_write(address, PCI_COMMAND, 2, command & ~(u32)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (u8 i = 0; i < function->bar_count;)
		i += read_bar(function, i);
	if (function->header_type < 2) {
		u16 rom = function->header_type ? PCI_BRIDGE_ROM : PCI_ROM;

		function->rom_size = lowest_bit(settable_bits(address, rom, PCI_ROM_ADDRESS));
	}
	pci_write(address, PCI_COMMAND, 2, command);
}
