/* The PCI functions of the fake machine: configuration space, registers, and their description. */
#include "tests/host/fake_vm.h"

static enum status map_registers(u64 address, u64 size)
{
	assert_true(range_within(address, size, FAKE_REGISTERS, FAKE_REGISTERS_SIZE));
	return machine.refuse_mmio ? ERR_INVALID : OK;
}

static u64 read_register(u64 address, u8 width)
{
	u64 value = 0;

	memcpy(&value, machine.registers + (address - FAKE_REGISTERS), width);
	return value;
}

/* True if the word is the message of an MSI-X entry that is not masked. */
static bool is_live_message(u64 address)
{
	for (unsigned f = 0; f < ARRAY_SIZE(machine.function); f++) {
		const struct pci_function *function = &machine.function[f];
		u64 table = function->bar[function->msix_table_bar].address +
			    function->msix_table_offset;

		if (function->msix &&
		    range_within(address, 4, table, 16ull * function->msix_vectors) &&
		    (address - table) % 16 < 12)
			return !(read_register(align_down(address, 16) + 12, 4) & 1);
	}
	return false;
}

static void write_register(u64 address, u8 width, u64 value)
{
	if (is_live_message(address))
		machine.live_writes++;
	memcpy(machine.registers + (address - FAKE_REGISTERS), &value, width);
}

u32 register_get(u64 address)
{
	return (u32)read_register(address, 4);
}

static void make_writable(struct fake_function *fake, u16 offset, u32 mask)
{
	memcpy(fake->writable + offset, &mask, 4);
}

static struct fake_function *start(enum fake_kind kind, struct sbdf address, u16 device_id)
{
	struct pci_function *function = &machine.function[kind];
	struct fake_function *fake = fake_pci_add(address, 0x80860000u | device_id, 0x020000);

	*function = (struct pci_function){
		.address = address,
		.vendor_id = 0x8086,
		.device_id = device_id,
		.class_code = 0x020000,
		.interrupt_pin = 1,
		.bar_count = PCI_MAX_BARS,
	};
	fake_pci_put(fake, PCI_SUBSYSTEM_VENDOR, 4, 0x11001af4);
	fake_pci_put(fake, PCI_INTERRUPT_LINE, 2, 0x010b);
	fake_pci_put(fake, PCI_ROM, 4, 0xe0f00001);
	return fake;
}

static void bar(enum fake_kind kind, u8 n, u8 bar_kind, u64 address, u64 size)
{
	u32 flags = bar_kind == PCI_BAR_IO ? 1 : bar_kind == PCI_BAR_MEM64 ? 0xc : 0;

	machine.function[kind].bar[n] = (struct pci_bar){
		.kind = bar_kind,
		.prefetchable = bar_kind == PCI_BAR_MEM64,
		.address = address,
		.size = size,
	};
	fake_pci_bar(&fake_pci[kind], n, (u32)address | flags, (u32) ~(size - 1));
	if (bar_kind == PCI_BAR_MEM64)
		fake_pci_bar(&fake_pci[kind], n + 1, (u32)(address >> 32), ~0u);
}

static void cap(enum fake_kind kind, u8 id, u8 offset)
{
	struct pci_function *function = &machine.function[kind];

	fake_pci_cap(&fake_pci[kind], id, offset);
	function->cap[function->cap_count++] = (struct pci_cap){id, offset};
}

static void msi(enum fake_kind kind, u8 offset, u8 vectors, bool maskable)
{
	struct pci_function *function = &machine.function[kind];
	struct fake_function *fake = &fake_pci[kind];

	cap(kind, PCI_CAP_MSI, offset);
	function->msi = offset;
	function->msi_vectors = vectors;
	function->msi_64 = true;
	function->msi_maskable = maskable;
	make_writable(fake, offset, 0x00710000);
	make_writable(fake, offset + 4, ~3u);
	make_writable(fake, offset + 8, ~0u);
	make_writable(fake, offset + 0xc, 0xffff);
	if (maskable)
		make_writable(fake, offset + 0x10, ~0u);
	/* As firmware may leave it. */
	fake_pci_put(fake, offset + 2, 2, 0x0081);
}

static void msix(enum fake_kind kind, u8 offset, u16 vectors, u8 table_bar, u32 pending)
{
	struct pci_function *function = &machine.function[kind];
	struct fake_function *fake = &fake_pci[kind];

	cap(kind, PCI_CAP_MSIX, offset);
	function->msix = offset;
	function->msix_vectors = vectors;
	function->msix_table_bar = function->msix_pba_bar = table_bar;
	function->msix_table_offset = kind == FAKE_NVME ? 0x2000 : 0;
	function->msix_pba_offset = pending;
	fake_pci_put(fake, offset + 2, 2, 0x8000u | (vectors - 1u));
	make_writable(fake, offset, 0xc0000000);
	fake_pci_put(fake, offset + 4, 4, function->msix_table_offset | table_bar);
	fake_pci_put(fake, offset + 8, 4, pending | table_bar);
}

void fake_vm_make_functions(void)
{
	fake_regs = (struct fake_regs){
		.map = map_registers, .read = read_register, .write = write_register};
	fake_pci_clear();
	start(FAKE_E1000, SBDF(0, 0, 6, 0), 0x100e);
	bar(FAKE_E1000, 0, PCI_BAR_MEM32, FAKE_REGISTERS, 0x20000);
	bar(FAKE_E1000, 1, PCI_BAR_IO, 0xd000, 0x40);

	start(FAKE_E1000E, SBDF(0, 1, 0, 0), 0x10d3);
	bar(FAKE_E1000E, 0, PCI_BAR_MEM32, FAKE_REGISTERS + 0x20000, 0x20000);
	bar(FAKE_E1000E, 2, PCI_BAR_IO, 0xd040, 0x20);
	bar(FAKE_E1000E, 3, PCI_BAR_MEM32, FAKE_REGISTERS + 0x40000, 0x4000);
	cap(FAKE_E1000E, PCI_CAP_PM, 0xc8);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xca, 2, 0xc822);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xcc, 2, 0x2008);
	make_writable(&fake_pci[FAKE_E1000E], 0xcc, 0x0103);
	msi(FAKE_E1000E, 0xd0, 1, false);
	cap(FAKE_E1000E, 0x09, 0x70); /* vendor's own */
	cap(FAKE_E1000E, PCI_CAP_PCIE, 0xe0);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xe2, 2, 0x0001);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xe4, 4, 0x10008cc1);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xe8, 2, 0x2010);
	make_writable(&fake_pci[FAKE_E1000E], 0xe8, 0xffff);
	msix(FAKE_E1000E, 0xa0, 5, 3, 0x2000);

	start(FAKE_NVME, SBDF(0, 2, 0, 0), 0x5845);
	bar(FAKE_NVME, 0, PCI_BAR_MEM64, FAKE_REGISTERS + 0x50000, 0x4000);
	msix(FAKE_NVME, 0x40, 200, 0, 0x2d00);

	start(FAKE_SMALL, SBDF(0, 3, 0, 0), 0x0001);
	bar(FAKE_SMALL, 0, PCI_BAR_MEM32, FAKE_REGISTERS + 0x60100, 0x100);
	bar(FAKE_SMALL, 5, PCI_BAR_MEM32, FAKE_REGISTERS + 0x60020, 0x10);
	msi(FAKE_SMALL, 0x50, 32, true);

	machine.platform.pci = (struct pci_topology){machine.function, 4, 4, 0};
	machine.platform.boot.memory.count = 1;
	machine.platform.boot.memory.range[0] = (struct memory_range){hpa(0), GIB(2), MEMORY_RAM};
	machine.platform.madt.local_apic = hpa(0xe0f90000);
	machine.platform.madt.ioapic_count = 2;
	machine.platform.madt.ioapic[1].address = hpa(0xe0fb0000);
	machine.platform.mcfg.window_count = 1;
	machine.platform.mcfg.window[0] = (struct mcfg_window){hpa(0xb0000000), 0, 0, 255};
}
