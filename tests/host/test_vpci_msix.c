// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/messages.h"

/* MSI-X: the virtual table, and what the physical one gets. */

#define VM   (&machine.vm)
#define E1KE (&fake_pci[FAKE_E1000E])
#define MSI  0xd0

/* Slot 1's BAR 3 as placed by vpci_add(), and the physical one. */
#define TABLE	 0xc0020000ull
#define PHYSICAL (FAKE_REGISTERS + 0x40000)

static void table_set(u64 offset, u8 width, u64 value)
{
	assert_true(vpci_mmio_write(VM, gpa(TABLE + offset), width, value));
}

static u64 table_get(u64 offset, u8 width)
{
	u64 value;

	assert_true(vpci_mmio_read(VM, gpa(TABLE + offset), width, &value));
	return value;
}

static void program_msix(u32 n, u64 address, u32 data)
{
	table_set(16 * n, 4, (u32)address);
	table_set(16 * n + 4, 4, address >> 32);
	table_set(16 * n + 8, 4, data);
	table_set(16 * n + 12, 4, 0);
}

static bool physical_masked(u32 n)
{
	return register_get(PHYSICAL + 16 * n + 12) & 1;
}

static void msix_table_is_virtual(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(table_get(0, 8), 0);
	assert_int_equal(table_get(8, 8), 1ull << 32);
	table_set(16, 8, 0x12345678fee01007);
	table_set(24, 4, 0xabcd);
	assert_int_equal(table_get(16, 4), 0xfee01004);
	assert_int_equal(table_get(20, 4), 0x12345678);
	assert_int_equal(table_get(24, 8), 0x10000abcd);
	table_set(24, 8, 0xfffffffe00000055);
	assert_int_equal(table_get(28, 4), 0);
	/* Nothing of it is in the hardware, since MSI-X is off. */
	assert_int_equal(register_get(PHYSICAL + 16), 0);
	assert_true(physical_masked(1));
	/* Other widths are no accesses. */
	assert_int_equal(table_get(16, 2), 0xffff);
	assert_int_equal(table_get(17, 1), 0xff);
	table_set(24, 1, 0x77);
	table_set(24, 2, 0x7777);
	assert_int_equal(table_get(24, 4), 0x55);
}

static void msix_entries_are_routed(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_E1000E, 7);

	(void)state;
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
	program_msix(0, 0xfee00000, 0x41);
	program_msix(4, 0xfee00000, 0x45);
	assert_int_equal(fake_pci_get(E1KE, 0xa2, 2) & 0xc000, 0xc000);
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE);
	assert_int_equal(fake_pci_get(E1KE, 0xa2, 2) & 0xc000, 0x8000);
	assert_int_equal(config_get(1, 0xa2, 2), 0x8004);
	assert_int_equal(entry_of(device, 0)->target.vector, 0x41);
	assert_int_equal(entry_of(device, 4)->target.vector, 0x45);
	assert_int_equal(register_get(PHYSICAL + 0x40),
			 0xfee00018u | (u32)device->interrupts.first << 5);
	assert_int_equal(register_get(PHYSICAL + 0x44), 0);
	assert_int_equal(register_get(PHYSICAL + 0x48), 4);
	assert_false(physical_masked(0));
	assert_true(physical_masked(1));
	assert_false(physical_masked(4));
	assert_true(E1KE->space[PCI_COMMAND + 1] & 0x04);
	assert_int_equal(machine.live_writes, 0);
}

/* Masking and unmasking costs no new entry; another message does, behind the mask. */
static void msix_mask_and_change(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_E1000E, 7);
	u32 sets;

	(void)state;
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE);
	program_msix(2, 0xfee00000, 0x41);
	sets = machine.sets;
	table_set(0x2c, 4, 1);
	assert_true(physical_masked(2));
	table_set(0x2c, 4, 0);
	assert_false(physical_masked(2));
	assert_int_equal(machine.sets, sets);
	table_set(0x28, 4, 0x52);
	assert_int_equal(entry_of(device, 2)->target.vector, 0x52);
	assert_false(physical_masked(2));
	assert_int_equal(machine.live_writes, 0);
	/* Illegal while it is on: masked, and back. */
	table_set(0x28, 4, 0x02);
	assert_true(physical_masked(2));
	table_set(0x28, 4, 0x53);
	assert_false(physical_masked(2));
}

static void msix_off_and_on(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_E1000E, 7);

	(void)state;
	program_msix(0, 0xfee00000, 0x41);
	assert_true(physical_masked(0));
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE);
	assert_false(physical_masked(0));
	assert_true(entry_of(device, 0)->set);
	config_set(1, 0xa2, 2, 0);
	assert_true(physical_masked(0));
	assert_int_equal(fake_pci_get(E1KE, 0xa2, 2) & 0xc000, 0);
	assert_int_equal(table_get(8, 8), 0x41);
}

static void hostile_msix_stays_masked(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE);
	for (unsigned n = 0; n < ARRAY_SIZE(hostile); n++) {
		u32 at = n % 5;

		table_set(16 * at + 12, 4, 1);
		program_msix(at, hostile[n].address, hostile[n].data);
		assert_true(physical_masked(at));
		/* What the guest wrote is never in the hardware. */
		assert_int_equal(register_get(PHYSICAL + 16 * at), 0);
	}
	assert_int_equal(machine.sets, 0);
	assert_true(strlen(captured_log()) < 2000);
}

static void msix_entry_that_fails(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE);
	machine.refuse_set = true;
	program_msix(0, 0xfee00000, 0x41);
	assert_true(physical_masked(0));
	machine.refuse_set = false;
	table_set(12, 4, 0);
	assert_false(physical_masked(0));
}

/* Entries past the shown ones, of a table that has 200: not there for the guest, masked for good. */
static void msix_shows_no_more_than_fit(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	u64 value;

	(void)state;
	assert_int_equal(device->interrupts.count, 64);
	config_set(1, 0x42, 2, PCI_MSIX_ENABLE);
	for (u32 n = 64; n < 200; n++) {
		u64 at = 0xc0002000 + 16ull * n;

		assert_true(vpci_mmio_write(VM, gpa(at), 8, 0xfee00000));
		assert_true(vpci_mmio_write(VM, gpa(at + 8), 8, 0x41));
		assert_true(vpci_mmio_read(VM, gpa(at + 8), 8, &value));
		assert_int_equal(value, ~0ull);
		assert_int_equal(register_get(FAKE_REGISTERS + 0x52000 + 16 * n), 0);
		assert_int_equal(register_get(FAKE_REGISTERS + 0x52000 + 16 * n + 12), 1);
	}
	assert_true(vpci_mmio_write(VM, gpa(0xc0002000 + 16 * 63), 8, 0xfee00000));
	assert_true(vpci_mmio_write(VM, gpa(0xc0002008 + 16 * 63), 8, 0x41));
	assert_int_equal(entry_of(device, 63)->target.vector, 0x41);
}

/* Both at once isn't defined: MSI-X has the entries, MSI waits. */
static void msix_takes_msis_place(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_E1000E, 7);

	(void)state;
	program_msix(0, 0xfee00000, 0x51);
	program_msi(MSI, 0xfee00000, 0x41, PCI_MSI_ENABLE);
	config_set(1, 0xa2, 2, PCI_MSIX_ENABLE);
	assert_false(physical_msi_on(E1KE, MSI));
	assert_int_equal(entry_of(device, 0)->target.vector, 0x51);
	config_set(1, MSI + 0xc, 2, 0x42);
	assert_false(physical_msi_on(E1KE, MSI));
	assert_int_equal(entry_of(device, 0)->target.vector, 0x51);
	config_set(1, 0xa2, 2, 0);
	assert_true(physical_msi_on(E1KE, MSI));
	assert_int_equal(entry_of(device, 0)->target.vector, 0x42);
}

#define TEST(name) cmocka_unit_test_setup(name, fake_vm_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(msix_table_is_virtual),	   TEST(msix_entries_are_routed),
		TEST(msix_mask_and_change),	   TEST(msix_off_and_on),
		TEST(hostile_msix_stays_masked),   TEST(msix_entry_that_fails),
		TEST(msix_shows_no_more_than_fit), TEST(msix_takes_msis_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
