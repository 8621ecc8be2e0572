/*
 * A guest that does anything at all with its four devices: what it reaches must be its own, and the hardware
 * must hold nothing that it made up.
 */
#ifndef TESTS_HOST_VPCI_RULES_H
#define TESTS_HOST_VPCI_RULES_H

#include "tests/host/fake_vm.h"

#include "hv/vm/vpci_device.h"

#define VM	(&machine.vm)
#define DEVICES 4

static inline bool is_in_bar(const struct pci_function *function, unsigned n, u64 address, u64 size)
{
	return vpci_bar_shown(function, n) &&
	       range_within(address, size, function->bar[n].address, function->bar[n].size);
}

static inline void check_region(const struct vm_region *region)
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

static inline void check_regions(void)
{
	assert_int_equal(VM->region[0].start.v, 0);
	assert_int_equal(VM->region[0].size, FAKE_RAM);
	for (u32 n = 1; n < VM->region_count; n++)
		check_region(&VM->region[n]);
}

static inline void check_msi(const struct vpci_device *device, const struct fake_function *fake)
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

static inline void check_msix(const struct vpci_device *device)
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

static inline void check_device(unsigned n)
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
static inline void check_pins(void)
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
static inline void check_strangers_registers(void)
{
	for (unsigned at = 0x60030; at < 0x60100; at++)
		assert_int_equal(machine.registers[at], 0xee);
	for (unsigned at = 0x60200; at < 0x61000; at++)
		assert_int_equal(machine.registers[at], 0xee);
}

static inline bool is_io_of_a_device(u16 port, u8 size)
{
	for (unsigned f = 0; f < DEVICES; f++)
		for (unsigned n = 0; n < PCI_MAX_BARS; n++)
			if (machine.function[f].bar[n].kind == PCI_BAR_IO &&
			    is_in_bar(&machine.function[f], n, port, size))
				return true;
	return false;
}

static inline u32 port_in(u16 port, u8 size)
{
	assert_true(is_io_of_a_device(port, size));
	return 0;
}

static inline void port_out(u16 port, u8 size, u32 unused)
{
	(void)unused;
	assert_true(is_io_of_a_device(port, size));
}

/* After fake_vm_setup(): all four, each with its interrupt pin. */
static inline void add_devices(void)
{
	fake_regs.port_in = port_in;
	fake_regs.port_out = port_out;
	memset(machine.registers + 0x60000, 0xee, 0x1000);
	for (u8 n = 0; n < DEVICES; n++) {
		fake_vm_add(n, 16 + n);
		assert_int_equal(vioapic_back(VM, 16 + n, n, n % 2), OK);
	}
}

static inline void check_at_end(void)
{
	check_strangers_registers();
	assert_int_equal(VM->end, VM_RUNNING);
	assert_int_equal(machine.live_writes, 0);
}

/* The way back leaves nothing behind. */
static inline void check_release(void)
{
	vpci_release(VM);
	vioapic_release(VM);
	for (unsigned n = 0; n < FAKE_ENTRIES; n++)
		assert_false(machine.entry[n].allocated);
}

#endif
