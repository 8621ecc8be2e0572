/*
 * Resets by a device's own registers: for devices that have none of PCI's, or whose emulations have not. A
 * row belongs here only if the data sheet says how, and what was reset can be read back.
 */
#include "arch/x86/mmio.h"
#include "drivers/pci_regs.h"
#include "drivers/pci_reset_parts.h"

/* Intel 8254x software developer's manual 13.4; 82574 data sheet 10.2: the same offsets. */
#define E1000_CTRL	0x0000
#define E1000_CTRL_RST	BIT(26)
#define E1000_ICR	0x00c0 /* a read clears it */
#define E1000_IMS	0x00d0
#define E1000_IMC	0x00d8
#define E1000_RCTL	0x0100
#define E1000_TCTL	0x0400
#define E1000_ENABLE	BIT(1) /* of both */
#define E1000_REGISTERS 0x4000
#define E1000_WAIT_US	10000 /* the EEPROM is read anew: some milliseconds (82574, 4.6.3) */

/* Base low and high, length, head and tail of the receive and the transmit ring. */
static const u16 e1000_rings[] = {
	0x2800, 0x2804, 0x2808, 0x2810, 0x2818, 0x3800, 0x3804, 0x3808, 0x3810, 0x3818,
};

/*
 * The rings are stopped and cleared by hand as well: emulated ones take RST and change nothing, and a ring
 * of the last owner's would be used in the next one's memory.
 */
static bool e1000_reset(const struct mmio *registers)
{
	mmio_write32(registers, E1000_IMC, ~0u);
	mmio_write32(registers, E1000_RCTL, 0);
	mmio_write32(registers, E1000_TCTL, 0);
	pci_reset_wait(E1000_WAIT_US);
	mmio_write32(registers, E1000_CTRL,
		     mmio_read32(registers, E1000_CTRL) | (u32)E1000_CTRL_RST);
	pci_reset_wait(E1000_WAIT_US);
	mmio_write32(registers, E1000_IMC, ~0u);
	for (u32 i = 0; i < ARRAY_SIZE(e1000_rings); i++)
		mmio_write32(registers, e1000_rings[i], 0);
	(void)mmio_read32(registers, E1000_ICR);
	/* What is gone reads all ones. */
	return !(mmio_read32(registers, E1000_CTRL) & E1000_CTRL_RST) &&
	       !(mmio_read32(registers, E1000_RCTL) & E1000_ENABLE) &&
	       !(mmio_read32(registers, E1000_TCTL) & E1000_ENABLE) &&
	       !mmio_read32(registers, E1000_IMS);
}

/* BAR 0 holds the registers of all of them. */
static const struct device_row {
	u16 vendor_id;
	u16 device_id;
	u32 registers; /* bytes that there have to be */
	bool (*reset)(const struct mmio *registers);
} rows[] = {
	{0x8086, 0x1008, E1000_REGISTERS, e1000_reset}, /* 82544EI */
	{0x8086, 0x100e, E1000_REGISTERS, e1000_reset}, /* 82540EM: QEMU's and Bochs's e1000 */
	{0x8086, 0x100f, E1000_REGISTERS, e1000_reset}, /* 82545EM */
	{0x8086, 0x10d3, E1000_REGISTERS, e1000_reset}, /* 82574L: QEMU's e1000e */
};

static const struct device_row *row_of(const struct pci_function *function)
{
	const struct pci_bar *bar = &function->bar[0];

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].vendor_id == function->vendor_id &&
		    rows[i].device_id == function->device_id && bar->address &&
		    (bar->kind == PCI_BAR_MEM32 || bar->kind == PCI_BAR_MEM64) &&
		    bar->size >= rows[i].registers)
			return &rows[i];
	return NULL;
}

bool device_reset_known(const struct pci_function *function)
{
	return row_of(function);
}

bool device_reset(const struct pci_function *function)
{
	const struct device_row *row = row_of(function);
	struct mmio registers;
	bool done;

	if (!row ||
	    mmio_map(hpa(function->bar[0].address), function->bar[0].size, &registers) != OK)
		return false;
	pci_write(function->address, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	done = row->reset(&registers);
	pci_write(function->address, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	return done;
}
