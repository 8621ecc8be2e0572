// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/fake_vm.h"

/* The virtual bus: ports, who is found where, what is refused, a device's life. */

#define VM (&machine.vm)

static void address_register(void **state)
{
	(void)state;
	/* What a PC's operating systems try first: the type 1 mechanism. */
	vpci_port_write(VM, 0xcfb, 1, 0x01);
	vpci_port_write(VM, 0xcf8, 4, 0x80000000);
	assert_int_equal(vpci_port_read(VM, 0xcf8, 4), 0x80000000);
	vpci_port_write(VM, 0xcf8, 1, 0x12);
	vpci_port_write(VM, 0xcfa, 2, 0x1234);
	vpci_port_write(VM, 0xcf9, 1, 0x0f);
	assert_int_equal(vpci_port_read(VM, 0xcf8, 4), 0x80000000);
	vpci_port_write(VM, 0xcf8, 4, 0xffffffff);
	assert_int_equal(vpci_port_read(VM, 0xcf8, 4), 0x80fffffc);
	assert_int_equal(vpci_port_read(VM, 0xcf8, 2), 0xffff);
	assert_int_equal(vpci_port_read(VM, 0xcf9, 1), 0xff);
}

static void host_bridge(void **state)
{
	(void)state;
	assert_int_equal(config_get(0, 0x00, 4), 0x00081b36);
	assert_int_equal(config_get(0, 0x0a, 2), 0x0600);
	assert_int_equal(config_get(0, 0x0e, 1), 0);
	for (unsigned offset = 0x10; offset < 0x100; offset += 4) {
		config_set(0, (u8)offset, 4, ~0u);
		assert_int_equal(config_get(0, (u8)offset, 4), 0);
	}
}

static void absent_is_all_ones(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	assert_int_equal(config_get(1, 0, 4), 0x100e8086);
	assert_int_equal(config_get(2, 0, 4), 0xffffffff);
	assert_int_equal(config_get(31, 0, 2), 0xffff);
	/* Another function, another bus, enable bit off. */
	vpci_port_write(VM, 0xcf8, 4, 0x80000900);
	assert_int_equal(vpci_port_read(VM, 0xcfc, 4), 0xffffffff);
	vpci_port_write(VM, 0xcf8, 4, 0x80010800);
	assert_int_equal(vpci_port_read(VM, 0xcfc, 4), 0xffffffff);
	vpci_port_write(VM, 0xcf8, 4, 0x00000800);
	assert_int_equal(vpci_port_read(VM, 0xcfc, 4), 0xffffffff);
	/* Beyond the data port's dword. */
	vpci_port_write(VM, 0xcf8, 4, 0x80000800);
	assert_int_equal(vpci_port_read(VM, 0xcff, 2), 0xffff);
	assert_int_equal(vpci_port_read(VM, 0xcfe, 4), 0xffffffff);
	assert_int_equal(vpci_port_read(VM, 0xcfe, 2), 0x100e);
	assert_int_equal(vpci_port_read(VM, 0xcfd, 1), 0x80);
	assert_int_equal(vpci_port_read(VM, 0xcfd, 2), 0x0e80);
}

/* As after firmware: BARs placed, largest first, and decoded; no bus master, no messages. */
static void add_leaves_firmwares_state(void **state)
{
	const struct vpci_device *device;

	(void)state;
	machine.registers[0x40000 + 0x1c] = 0; /* an entry that firmware left unmasked */
	fake_pci_put(&fake_pci[FAKE_E1000E], PCI_COMMAND, 2, 0x0007);
	device = fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, PCI_COMMAND, 2), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	assert_int_equal(config_get(1, 0x10, 4), 0xc0000000);
	assert_int_equal(config_get(1, 0x18, 4), 0xc001);
	assert_int_equal(config_get(1, 0x1c, 4), 0xc0020000);
	assert_int_equal(region_at(0xc0000000)->host.v, FAKE_REGISTERS + 0x20000);
	assert_false(region_at(0xc0000000)->dma);
	assert_int_equal(region_at(0xc0000000)->prot, PT_READ | PT_WRITE | PT_UNCACHED);
	/* Physically: decoding, no master; INTx is the guest's, since it has a pin. */
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], PCI_COMMAND, 2), 0x0003);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], 0xd2, 2) & PCI_MSI_ENABLE, 0);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], 0xa2, 2) & PCI_MSIX_ENABLE, 0);
	for (unsigned n = 0; n < 5; n++)
		assert_int_equal(register_get(FAKE_REGISTERS + 0x40000 + 16 * n + 12), 1);
	assert_int_equal(device->interrupts.count, 8);
	assert_true(sbdf_equal(machine.entry[device->interrupts.first].requester,
			       machine.function[FAKE_E1000E].address));
}

static void places_follow_one_another(void **state)
{
	(void)state;
	fake_vm_add(FAKE_SMALL, VPCI_NO_PIN);
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	fake_vm_add(FAKE_E1000, VPCI_NO_PIN);
	assert_int_equal(config_get(1, 0x10, 4), 0xc0000000);
	assert_int_equal(config_get(1, 0x24, 4), 0xc0000100);
	assert_int_equal(config_get(2, 0x10, 4), 0xc0004000 | 0xc);
	assert_int_equal(config_get(2, 0x14, 4), 0);
	assert_int_equal(config_get(3, 0x10, 4), 0xc0020000);
}

/* What doesn't fit below the IOAPIC goes above all RAM, or nowhere. */
static void large_bars_go_high(void **state)
{
	(void)state;
	machine.function[FAKE_NVME].msix = 0;
	machine.function[FAKE_NVME].bar[0].address = 0x4000000000;
	machine.function[FAKE_NVME].bar[0].size = GIB(2);
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	assert_int_equal(config_get(1, 0x10, 4), 0xc);
	assert_int_equal(config_get(1, 0x14, 4), 0x10);
	assert_int_equal(region_at(GIB(64))->host.v, 0x4000000000);

	machine.function[FAKE_E1000].bar[0] =
		(struct pci_bar){PCI_BAR_MEM32, false, 0x80000000, GIB(1)};
	machine.platform.mcfg.window_count = 0;
	fake_vm_add(FAKE_E1000, VPCI_NO_PIN);
	assert_int_equal(config_get(2, 0x10, 4), 0);
	assert_null(strstr(captured_log(), "can't be"));
}

/* Whatever firmware left; the guest turns it on. */
static void add_leaves_the_bus_master_off(void **state)
{
	const u8 *command = &fake_pci[FAKE_E1000].space[PCI_COMMAND];

	(void)state;
	assert_true(*command & PCI_COMMAND_MASTER);
	fake_vm_add(FAKE_E1000, 3);
	assert_false(*command & PCI_COMMAND_MASTER);
	assert_false(config_get(1, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	config_set(1, PCI_COMMAND, 2, 0x0006);
	assert_true(*command & PCI_COMMAND_MASTER);
}

/* It reads what is true, and can't change it; the other bits, and other devices, are as ever. */
static void a_device_that_is_cut_off_stays_so(void **state)
{
	const u8 *command = &fake_pci[FAKE_E1000].space[PCI_COMMAND];

	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	fake_vm_add(FAKE_E1000E, 4);
	config_set(1, PCI_COMMAND, 2, 0x0007);
	config_set(2, PCI_COMMAND, 2, 0x0007);
	vpci_cut_off(VM, &machine.function[FAKE_E1000]);
	assert_false(*command & PCI_COMMAND_MASTER);
	assert_int_equal(config_get(1, PCI_COMMAND, 2), 0x0003);
	config_set(1, PCI_COMMAND, 2, 0x0407);
	assert_false(*command & PCI_COMMAND_MASTER);
	assert_int_equal(config_get(1, PCI_COMMAND, 2), 0x0403);
	assert_true(fake_pci[FAKE_E1000E].space[PCI_COMMAND] & PCI_COMMAND_MASTER);
	vpci_release(VM);
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, PCI_COMMAND, 2, 0x0007);
	assert_true(*command & PCI_COMMAND_MASTER);
}

static void intx_without_a_pin_is_off(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, VPCI_NO_PIN);
	assert_true(fake_pci[FAKE_E1000].space[PCI_COMMAND + 1] & 0x04);
	config_set(1, PCI_COMMAND, 2, 0x0007);
	assert_true(fake_pci[FAKE_E1000].space[PCI_COMMAND + 1] & 0x04);
	assert_int_equal(config_get(1, PCI_INTERRUPT_PIN, 1), 0);
}

/* BARs that were lost are written back, with decoding off (the fake insists on that). */
static void add_restores_bars(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 6; n++)
		fake_pci_put(&fake_pci[FAKE_NVME], (u16)(0x10 + 4 * n), 4, 0);
	machine.function[FAKE_NVME].bar[0].address = FAKE_REGISTERS + 0x50000;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_NVME], 0x10, 4) & ~0xfu,
			 FAKE_REGISTERS + 0x50000);
}

/* What a device may do on its way to D0. */
static void reset_itself(void)
{
	struct fake_function *fake = &fake_pci[FAKE_E1000E];

	assert_int_equal(fake_pci_get(fake, 0xcc, 2) & 3, 0);
	fake_pci_put(fake, PCI_COMMAND, 2, 0);
	for (unsigned n = 0; n < 6; n++)
		fake_pci_put(fake, (u16)(0x10 + 4 * n), 4, 0);
}

static void add_wakes_what_sleeps(void **state)
{
	(void)state;
	machine.while_waiting = reset_itself;
	fake_vm_add(FAKE_E1000, 3);
	assert_int_equal(machine.waited, 0);
	/* D3hot, with wake-up events on. */
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xcc, 2, 0x010b);
	fake_vm_add(FAKE_E1000E, 7);
	assert_true(machine.waited >= 10000);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], 0xcc, 2) & 0x0103, 0);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], 0x10, 4), FAKE_REGISTERS + 0x20000);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], PCI_COMMAND, 2), 0x0003);
}

static void sleeper_is_refused(void **state)
{
	const struct pci_function *function = &machine.function[FAKE_E1000E];

	(void)state;
	fake_pci[FAKE_E1000E].writable[0xcc] = 0;
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xcc, 2, 0x0003);
	assert_int_equal(vpci_add(VM, function, FAKE_SOURCE(function), 3), ERR_TIMEOUT);
	assert_non_null(strstr(captured_log(), "it stays in a low power state"));
	assert_int_equal(VM->pci.device_count, 0);
	assert_false(machine.entry[0].allocated);
}

static const struct refusal {
	u8 kind;
	u8 bar;
	struct pci_bar as;
	const char *reason;
} refusals[] = {
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0, 0x20000}, "no address"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0f00000, 0x30000}, "power of two"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0f00000, 8}, "power of two"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0f00000, 0}, "power of two"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0f10000, 0x20000}, "aligned"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0x100000000, 0x20000}, "address space"},
	{FAKE_E1000, 0, {PCI_BAR_MEM64, false, ~0x1ffffull, 0x20000}, "address space"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0020000, 0x20000}, "another BAR"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0060000, 0x20000}, "another BAR"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0x40000000, 0x20000}, "memory map"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xb0000000, 0x20000}, "configuration space"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xfec00000, 0x20000}, "APICs"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xfee00000, 0x1000}, "APICs"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xf8000000, 0x8000000}, "APICs"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0f80000, 0x20000}, "APICs"},
	{FAKE_E1000, 0, {PCI_BAR_MEM32, false, 0xe0fa0000, 0x20000}, "APICs"},
	{FAKE_E1000, 1, {PCI_BAR_IO, false, 0xcf8, 8}, "ports"},
	{FAKE_E1000, 1, {PCI_BAR_IO, false, 0x10000, 0x40}, "address space"},
	{FAKE_E1000, 1, {PCI_BAR_IO, false, 0xd040, 0x40}, "another BAR"},
	{FAKE_E1000, 5, {PCI_BAR_MEM64, false, 0xe0f00000, 0x1000}, "upper half"},
};

static void bad_bars_are_refused(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(refusals); n++) {
		const struct refusal *row = &refusals[n];
		struct pci_function *function = &machine.function[row->kind];
		struct pci_bar good = function->bar[row->bar];
		const char *reason;

		assert_null(vpci_check(&machine.platform, function));
		function->bar[row->bar] = row->as;
		reason = vpci_check(&machine.platform, function);
		assert_non_null(reason);
		assert_non_null(strstr(reason, row->reason));
		assert_int_equal(vpci_add(VM, function, FAKE_SOURCE(function), 3), ERR_INVALID);
		assert_int_equal(VM->pci.device_count, 0);
		function->bar[row->bar] = good;
	}
}

static void bridges_are_refused(void **state)
{
	(void)state;
	machine.function[FAKE_E1000].header_type = 1;
	assert_non_null(vpci_check(&machine.platform, &machine.function[FAKE_E1000]));
}

static void bad_msix_is_refused(void **state)
{
	struct pci_function *function = &machine.function[FAKE_E1000E];
	struct pci_function good = *function;

	(void)state;
	function->msix_table_bar = 6;
	assert_non_null(vpci_check(&machine.platform, function));
	function->msix_table_bar = 2;
	assert_non_null(vpci_check(&machine.platform, function));
	*function = good;
	function->msix_table_offset = 0x3fb8;
	assert_non_null(vpci_check(&machine.platform, function));
	function->msix_table_offset = 0xfffffff8;
	assert_non_null(vpci_check(&machine.platform, function));
	*function = good;
	function->msix_pba_offset = 0x4000;
	assert_non_null(vpci_check(&machine.platform, function));
	function->msix_pba_offset = 0x40;
	assert_non_null(vpci_check(&machine.platform, function));
	*function = good;
	assert_null(vpci_check(&machine.platform, function));
}

/* An I/O BAR that UEFI left without an address is not shown; drivers do without. */
static void unset_io_bar_is_hidden(void **state)
{
	u32 value;

	(void)state;
	machine.function[FAKE_E1000].bar[1].address = 0;
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, 0x14, 4, 0xc001);
	assert_int_equal(config_get(1, 0x14, 4), 0);
	assert_false(vpci_io_read(VM, 0xc000, 4, &value));
	assert_int_equal(fake_pci[FAKE_E1000].space[PCI_COMMAND] & PCI_COMMAND_IO, 0);
}

/* Beside it another has an address, but to decode that would be to decode port 0 as well. */
static void unset_io_bar_hides_the_others(void **state)
{
	u32 value;

	(void)state;
	machine.function[FAKE_E1000].bar[2] = (struct pci_bar){PCI_BAR_IO, false, 0, 0x20};
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	config_set(1, 0x14, 4, 0xc001);
	assert_int_equal(config_get(1, 0x14, 4), 0);
	assert_false(vpci_io_read(VM, 0xc000, 4, &value));
	assert_int_equal(fake_pci[FAKE_E1000].space[PCI_COMMAND] & 3, PCI_COMMAND_MEMORY);
}

static void add_fails_whole(void **state)
{
	const struct pci_function *function = &machine.function[FAKE_E1000E];

	(void)state;
	machine.refuse_alloc = true;
	assert_int_equal(vpci_add(VM, function, FAKE_SOURCE(function), 3), ERR_NO_MEMORY);
	machine.refuse_alloc = false;
	machine.refuse_mmio = true;
	assert_int_equal(vpci_add(VM, function, FAKE_SOURCE(function), 3), ERR_INVALID);
	for (unsigned n = 0; n < FAKE_ENTRIES; n++)
		assert_false(machine.entry[n].allocated);
	assert_int_equal(VM->pci.device_count, 0);
	assert_int_equal(VM->region_count, 1);
	assert_int_equal(fake_pci[FAKE_E1000E].space[PCI_COMMAND] & PCI_COMMAND_MASTER, 0);
}

static void bus_is_full(void **state)
{
	const struct pci_function *function = &machine.function[FAKE_E1000];

	(void)state;
	for (unsigned n = 0; n < VPCI_MAX_DEVICES; n++)
		assert_int_equal(vpci_add(VM, function, FAKE_SOURCE(function), 3), OK);
	assert_int_equal(vpci_add(VM, function, FAKE_SOURCE(function), 3), ERR_NO_MEMORY);
}

static void release_silences(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	fake_vm_add(FAKE_E1000E, 4);
	config_set(1, PCI_COMMAND, 2, 0x0007);
	config_set(2, PCI_COMMAND, 2, 0x0007);
	config_set(2, 0xd4, 4, 0xfee00000);
	config_set(2, 0xdc, 2, 0x41);
	config_set(2, 0xd2, 2, PCI_MSI_ENABLE);
	assert_true(fake_pci_get(&fake_pci[FAKE_E1000E], 0xd2, 2) & PCI_MSI_ENABLE);
	vpci_release(VM);
	for (unsigned f = FAKE_E1000; f <= FAKE_E1000E; f++)
		assert_int_equal(fake_pci_get(&fake_pci[f], PCI_COMMAND, 2) &
					 (PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE),
				 PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000E], 0xd2, 2) & PCI_MSI_ENABLE, 0);
	for (unsigned n = 0; n < FAKE_ENTRIES; n++)
		assert_false(machine.entry[n].allocated);
	assert_int_equal(config_get(1, 0, 4), 0xffffffff);
}

#define TEST(name) cmocka_unit_test_setup(name, fake_vm_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(address_register),
		TEST(host_bridge),
		TEST(absent_is_all_ones),
		TEST(add_leaves_firmwares_state),
		TEST(places_follow_one_another),
		TEST(large_bars_go_high),
		TEST(add_leaves_the_bus_master_off),
		TEST(a_device_that_is_cut_off_stays_so),
		TEST(intx_without_a_pin_is_off),
		TEST(add_restores_bars),
		TEST(add_wakes_what_sleeps),
		TEST(sleeper_is_refused),
		TEST(bad_bars_are_refused),
		TEST(bridges_are_refused),
		TEST(bad_msix_is_refused),
		TEST(unset_io_bar_is_hidden),
		TEST(unset_io_bar_hides_the_others),
		TEST(add_fails_whole),
		TEST(bus_is_full),
		TEST(release_silences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
