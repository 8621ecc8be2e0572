// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/fake_vm.h"

#include "hv/vm/vpci_device.h"

/*
 * A guest that does anything at all with its devices: after each step what it reached must be its own,
 * and the hardware must hold nothing that it made up. The same seed makes the same steps.
 */

#define VM	(&machine.vm)
#define STEPS	60000
#define DEVICES 4

static u64 seed;

static u32 random_u32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 32);
}

static u32 below(u32 n)
{
	return random_u32() % n;
}

/* Values with a meaning somewhere more often than others. */
static u32 value(void)
{
	static const u32 known[] = {
		0,	    ~0u,	1,	    3,		7,	    0x407,
		0xfee00000, 0xfee00004, 0xfee01004, 0xfee00010, 0x41,	    0x0f,
		0x441,	    0x8000,	0xc000,	    0x80000000, 0xc0000000, 0x00810000,
		0x00010000, 0x00710000, 0xc0000000, 0xc0002000, 0xc0020000, 0xd0000000,
		0xd0001000, 0xd0002000, 0xfec00000, 0x00100000, FAKE_RAM,   FAKE_RAM - 0x1000,
		0xfffe0000, 0x2001,	0xc001,	    0xcf9,
	};

	return below(4) ? known[below(ARRAY_SIZE(known))] : random_u32();
}

static u8 width(u32 of)
{
	return (u8)(1u << below(of));
}

/* Somewhere in a BAR, mostly in one that is trapped. */
static u64 place(void)
{
	const struct vpci_device *device = &VM->pci.device[below(DEVICES)];
	const struct vpci_bar *bar = &device->bar[below(PCI_MAX_BARS)];

	return bar->at + bar->trap_start + below(0x1100);
}

static void dword_set(u8 slot, u32 offset, u32 dword)
{
	config_set(slot, (u8)offset, 4, dword);
}

/* Something that a driver would do, so that there is something to break. */
static void lawful(void)
{
	u32 n = below(DEVICES);
	u8 slot = (u8)(n + 1);
	const struct pci_function *function = VM->pci.device[n].function;
	const struct vpci_bar *bar = &VM->pci.device[n].bar[function->msix_table_bar];
	u64 entry = bar->at + function->msix_table_offset + 16 * below(8);

	dword_set(slot, PCI_COMMAND, below(4) ? 7 : 0);
	dword_set(slot, PCI_BAR0 + 4 * below(PCI_MAX_BARS), 0xd0000000 + (below(64) << 13));
	if (function->msi) {
		dword_set(slot, function->msi + 4u, 0xfee00000);
		dword_set(slot, function->msi + 8u, 0);
		dword_set(slot, function->msi + 12u, 0x20 + below(0xe0));
		dword_set(slot, function->msi, below(2) << 16 | below(8) << 20);
	}
	if (function->msix) {
		dword_set(slot, function->msix, below(4) << 30);
		(void)vpci_mmio_write(VM, gpa(entry), 8, 0xfee00000);
		(void)vpci_mmio_write(VM, gpa(entry + 8), 8, 0x20 + below(0xe0));
	}
	vioapic_write(VM, 0, 0x10 + 2 * (16 + n));
	vioapic_write(VM, 0x10, 0x8020 + below(0xe0));
}

static void step(void)
{
	u64 unused;
	u32 unused32;

	switch (below(7)) {
	case 0:
	case 1:
		vpci_port_write(VM, VPCI_ADDRESS_PORT, 4,
				(u32)BIT(31) | below(DEVICES + 2) << 11 | (random_u32() & 0xff));
		vpci_port_write(VM, (u16)(VPCI_DATA_PORT + below(4)), width(3), value());
		(void)vpci_port_read(VM, (u16)(VPCI_DATA_PORT + below(4)), width(3));
		break;
	case 2:
		(void)vpci_mmio_write(VM, gpa(place()), width(4), value() | (u64)value() << 32);
		break;
	case 3:
		(void)vpci_mmio_read(VM, gpa(place()), width(4), &unused);
		break;
	case 4:
		(void)vpci_io_write(VM, (u16)value(), width(3), value());
		(void)vpci_io_read(VM, (u16)value(), width(3), &unused32);
		break;
	case 5:
		lawful();
		break;
	default:
		vioapic_write(VM, 0, 0x10 + below(48));
		vioapic_write(VM, below(8) ? 0x10 : 0x40, below(2) ? value() : below(0x20000));
		break;
	}
}

/* --- What must hold ----------------------------------------------------------------------------- */

static bool is_in_bar(const struct pci_function *function, unsigned n, u64 address, u64 size)
{
	return vpci_bar_shown(function, n) &&
	       range_within(address, size, function->bar[n].address, function->bar[n].size);
}

static void check_region(const struct vm_region *region)
{
	bool found = false;

	assert_false(region->dma);
	assert_false(ranges_overlap(region->start.v, region->size, 0, FAKE_RAM));
	assert_false(ranges_overlap(region->start.v, region->size, 0xfec00000, 0x300000));
	for (unsigned f = 0; f < DEVICES; f++) {
		const struct pci_function *function = &machine.function[f];

		for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
			if (vpci_bar_is_memory(function, n) &&
			    is_in_bar(function, n, region->host.v, region->size))
				found = true;
			if (function->msix && function->msix_table_bar == n)
				assert_false(ranges_overlap(region->host.v, region->size,
							    function->bar[n].address +
								    function->msix_table_offset,
							    16ull * function->msix_vectors));
		}
	}
	assert_true(found);
}

static void check_regions(void)
{
	assert_int_equal(VM->region[0].start.v, 0);
	assert_int_equal(VM->region[0].size, FAKE_RAM);
	for (u32 n = 1; n < VM->region_count; n++)
		check_region(&VM->region[n]);
}

static void check_msi(const struct vpci_device *device, const struct fake_function *fake)
{
	u16 msi = device->function->msi;
	u32 control = fake_pci_get(fake, msi + 2, 2);

	if (!msi || !(control & PCI_MSI_ENABLE))
		return;
	assert_int_equal(fake_pci_get(fake, msi + 4, 4),
			 0xfee00018u | (u32)device->interrupts.first << 5);
	assert_int_equal(fake_pci_get(fake, msi + 8, 4), 0);
	assert_int_equal(fake_pci_get(fake, msi + 12, 2), 0);
	assert_true(1u << (control >> 4 & 7) <= device->function->msi_vectors);
	for (u32 n = 0; n < 1u << (control >> 4 & 7); n++)
		assert_true(machine.entry[device->interrupts.first + n].set);
}

static void check_msix(const struct vpci_device *device)
{
	const struct pci_function *function = device->function;
	u64 table = function->bar[function->msix_table_bar].address + function->msix_table_offset;

	for (u32 n = 0; function->msix && n < function->msix_vectors; n++) {
		u64 at = table + 16 * n;

		if (register_get(at + 12) & 1)
			continue;
		assert_true(n < VPCI_MAX_VECTORS);
		assert_int_equal(register_get(at),
				 0xfee00018u | (u32)device->interrupts.first << 5);
		assert_int_equal(register_get(at + 4), 0);
		assert_int_equal(register_get(at + 8), n);
		assert_true(machine.entry[device->interrupts.first + n].set);
	}
}

static void check_device(unsigned n)
{
	const struct vpci_device *device = &VM->pci.device[n];
	const struct fake_function *fake = &fake_pci[n];

	for (unsigned b = 0; b < PCI_MAX_BARS; b++)
		if (vpci_bar_shown(device->function, b))
			assert_int_equal(fake_pci_get(fake, (u16)(PCI_BAR0 + 4 * b), 4) & ~0xfu,
					 device->function->bar[b].address);
	assert_true(fake->space[PCI_COMMAND] & PCI_COMMAND_MEMORY);
	assert_int_equal(fake_pci_get(fake, PCI_COMMAND, 2) & ~0x0407u, 0);
	check_msi(device, fake);
	check_msix(device);
}

/* An open pin holds the remappable format, and its entry is set to the same vector. */
static void check_pins(void)
{
	for (unsigned n = 0; n < VIOAPIC_PINS; n++) {
		const struct vioapic_pin *pin = &VM->vioapic.pin[n];
		u64 entry;

		if (pin->backing != PIN_PHYSICAL || machine.pin[pin->gsi] & IOAPIC_ENTRY_MASKED)
			continue;
		entry = machine.pin[pin->gsi];
		assert_true(entry & BIT(48));
		assert_true(machine.entry[pin->interrupts.first].set);
		assert_int_equal(entry & 0xff, machine.entry[pin->interrupts.first].target.vector);
	}
}

/* Registers of the page that the small BARs are on, but not in them. */
static void check_strangers_registers(void)
{
	for (unsigned at = 0x60030; at < 0x60100; at++)
		assert_int_equal(machine.registers[at], 0xee);
	for (unsigned at = 0x60200; at < 0x61000; at++)
		assert_int_equal(machine.registers[at], 0xee);
}

static bool is_io_of_a_device(u16 port, u8 size)
{
	for (unsigned f = 0; f < DEVICES; f++)
		for (unsigned n = 0; n < PCI_MAX_BARS; n++)
			if (machine.function[f].bar[n].kind == PCI_BAR_IO &&
			    is_in_bar(&machine.function[f], n, port, size))
				return true;
	return false;
}

static u32 port_in(u16 port, u8 size)
{
	assert_true(is_io_of_a_device(port, size));
	return 0;
}

static void port_out(u16 port, u8 size, u32 unused)
{
	(void)unused;
	assert_true(is_io_of_a_device(port, size));
}

static void hostile_guest(void **state)
{
	(void)state;
	seed = 1;
	fake_regs.port_in = port_in;
	fake_regs.port_out = port_out;
	memset(machine.registers + 0x60000, 0xee, 0x1000);
	for (u8 n = 0; n < DEVICES; n++) {
		fake_vm_add(n, 16 + n);
		assert_int_equal(vioapic_back(VM, 16 + n, n, n % 2), OK);
	}
	for (unsigned n = 0; n < STEPS; n++) {
		step();
		check_regions();
		check_device(n % DEVICES);
		if (n % 16 == 0)
			check_pins();
	}
	check_strangers_registers();
	assert_int_equal(VM->end, VM_RUNNING);
	assert_int_equal(machine.live_writes, 0);
	/* It did get through with something, and did not fill the log. */
	assert_true(machine.sets > STEPS / 10);
	assert_true(strlen(captured_log()) < 10000);
	vpci_release(VM);
	vioapic_release(VM);
	for (unsigned n = 0; n < FAKE_ENTRIES; n++)
		assert_false(machine.entry[n].allocated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hostile_guest, fake_vm_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
