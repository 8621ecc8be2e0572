// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/messages.h"

/* MSI: what a guest programs, and what the hardware gets. */

#define VM   (&machine.vm)
#define E1KE (&fake_pci[FAKE_E1000E])

/* Slot 1's MSI capability, and its physical one. */
#define MSI 0xd0

static u64 physical_msi_address(void)
{
	return fake_pci_get(E1KE, MSI + 4, 4) | (u64)fake_pci_get(E1KE, MSI + 8, 4) << 32;
}

static void msi_goes_through_an_entry(void **state)
{
	const struct vpci_device *device;

	(void)state;
	machine.entry[0].allocated = true; /* so that its first entry isn't 0 */
	device = fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, MSI + 2, 2), PCI_MSI_64);
	program_msi(MSI, 0xfee00000, 0x4041, PCI_MSI_ENABLE);
	assert_true(physical_msi_on(E1KE, MSI));
	assert_int_equal(physical_msi_address(), 0xfee00018u | (u64)device->interrupts.first << 5);
	assert_int_equal(fake_pci_get(E1KE, MSI + 0xc, 2), 0);
	assert_true(entry_of(device, 0)->set);
	assert_int_equal(entry_of(device, 0)->target.vector, 0x41);
	assert_int_equal(entry_of(device, 0)->target.apic_id, FAKE_APIC_ID);
	assert_int_equal(entry_of(device, 0)->target.delivery, DELIVERY_FIXED);
	assert_false(entry_of(device, 0)->target.level);
	/* The guest reads back its own. */
	assert_int_equal(config_get(1, MSI + 4, 4), 0xfee00000);
	assert_int_equal(config_get(1, MSI + 0xc, 4), 0x4041);
	assert_int_equal(config_get(1, MSI + 2, 2), PCI_MSI_64 | PCI_MSI_ENABLE);
	/* INTx is off while messages are on, though the guest's bit isn't set. */
	assert_true(E1KE->space[PCI_COMMAND + 1] & 0x04);
	config_set(1, MSI + 2, 2, 0);
	assert_false(physical_msi_on(E1KE, MSI));
	assert_false(E1KE->space[PCI_COMMAND + 1] & 0x04);
}

/* Another vector while it is on takes effect; the same again costs nothing. */
static void msi_changes_while_on(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_E1000E, 7);
	u32 sets;

	(void)state;
	program_msi(MSI, 0xfee00000, 0x41, PCI_MSI_ENABLE);
	config_set(1, MSI + 0xc, 2, 0x52);
	assert_int_equal(entry_of(device, 0)->target.vector, 0x52);
	assert_true(physical_msi_on(E1KE, MSI));
	sets = machine.sets;
	config_set(1, MSI + 0xc, 2, 0x52);
	config_set(1, MSI + 2, 2, PCI_MSI_ENABLE);
	assert_int_equal(machine.sets, sets);
	/* One byte of it. */
	config_set(1, MSI + 0xc, 1, 0x63);
	assert_int_equal(entry_of(device, 0)->target.vector, 0x63);
	/* Something illegal turns it off, something legal on again. */
	config_set(1, MSI + 0xc, 1, 0x03);
	assert_false(physical_msi_on(E1KE, MSI));
	config_set(1, MSI + 0xc, 1, 0x64);
	assert_true(physical_msi_on(E1KE, MSI));
}

static void hostile_msi_stays_off(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	config_set(1, MSI + 2, 2, PCI_MSI_ENABLE);
	for (unsigned n = 0; n < ARRAY_SIZE(hostile); n++) {
		config_set(1, MSI + 4, 4, (u32)hostile[n].address);
		config_set(1, MSI + 8, 4, (u32)(hostile[n].address >> 32));
		config_set(1, MSI + 0xc, 2, hostile[n].data);
		assert_false(physical_msi_on(E1KE, MSI));
		/* Not a way to get INTx either: for the guest, MSI is on. */
		assert_true(E1KE->space[PCI_COMMAND + 1] & 0x04);
	}
	config_set(1, MSI + 4, 4, 0xfee00000);
	config_set(1, MSI + 0xc, 2, 0x20);
	config_set(1, MSI + 8, 4, 0);
	assert_true(physical_msi_on(E1KE, MSI));
}

static void lawful_msi_destinations(void **state)
{
	static const u32 address[] = {0xfee00000, 0xfeeff000, 0xfee01004, 0xfee0000c, 0xfeeff00c};
	const struct vpci_device *device = fake_vm_add(FAKE_E1000E, 7);

	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(address); n++) {
		bool reaches = !(address[n] == 0xfee0000c);

		program_msi(MSI, address[n], (u16)(0x140 + n), PCI_MSI_ENABLE);
		assert_int_equal(physical_msi_on(E1KE, MSI), reaches);
		if (reaches)
			assert_int_equal(entry_of(device, 0)->target.vector, 0x40 + n);
	}
}

static void msi_entry_that_fails(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	machine.refuse_set = true;
	program_msi(MSI, 0xfee00000, 0x41, PCI_MSI_ENABLE);
	assert_false(physical_msi_on(E1KE, MSI));
	machine.refuse_set = false;
	config_set(1, MSI + 0xc, 2, 0x42);
	assert_true(physical_msi_on(E1KE, MSI));
}

/* The device puts the vector's number into the low bits of vector and data alike. */
static void msi_with_several_vectors(void **state)
{
	const struct vpci_device *device = fake_vm_add(FAKE_SMALL, VPCI_NO_PIN);
	const struct fake_function *small = &fake_pci[FAKE_SMALL];

	(void)state;
	assert_int_equal(config_get(1, 0x52, 2), PCI_MSI_64 | PCI_MSI_MASKABLE | 5 << 1);
	program_msi(0x50, 0xfee00000, 0x63, 3 << 4 | PCI_MSI_ENABLE);
	assert_true(physical_msi_on(small, 0x50));
	assert_int_equal(fake_pci_get(small, 0x52, 2) >> 4 & 7, 3);
	for (u16 n = 0; n < 8; n++)
		assert_int_equal(entry_of(device, n)->target.vector, 0x60 + n);
	assert_false(entry_of(device, 8)->set);
	assert_int_equal(fake_pci_get(small, 0x5c, 2), 0);
	/* 32 at 0x10 would begin with vector 0. */
	config_set(1, 0x52, 2, 0);
	program_msi(0x50, 0xfee00000, 0x10, 5 << 4 | PCI_MSI_ENABLE);
	assert_false(physical_msi_on(small, 0x50));
	/* More than there are is the most there are. */
	config_set(1, 0x5c, 2, 0xe5);
	config_set(1, 0x52, 2, 7 << 4 | PCI_MSI_ENABLE);
	assert_int_equal(config_get(1, 0x52, 2) >> 4 & 7, 5);
	assert_int_equal(entry_of(device, 31)->target.vector, 0xff);
	assert_int_equal(entry_of(device, 0)->target.vector, 0xe0);
}

static void msi_mask_bits(void **state)
{
	const struct fake_function *small = &fake_pci[FAKE_SMALL];

	(void)state;
	fake_vm_add(FAKE_SMALL, VPCI_NO_PIN);
	program_msi(0x50, 0xfee00000, 0x60, 3 << 4 | PCI_MSI_ENABLE);
	config_set(1, 0x60, 4, 0x81);
	assert_int_equal(config_get(1, 0x60, 4), 0x81);
	assert_int_equal(fake_pci_get(small, 0x60, 4), 0x81);
	fake_pci_put(&fake_pci[FAKE_SMALL], 0x64, 4, 0x80);
	config_set(1, 0x64, 4, 0);
	assert_int_equal(config_get(1, 0x64, 4), 0x80);
}

/* A device with one vector can be given no others. */
static void msi_one_vector_is_one(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	program_msi(MSI, 0xfee00000, 0x41, 5 << 4 | PCI_MSI_ENABLE);
	assert_int_equal(config_get(1, MSI + 2, 2), PCI_MSI_64 | PCI_MSI_ENABLE);
	assert_int_equal(fake_pci_get(E1KE, MSI + 2, 2) >> 4 & 7, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, fake_vm_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(msi_goes_through_an_entry),
		TEST(msi_changes_while_on),
		TEST(hostile_msi_stays_off),
		TEST(lawful_msi_destinations),
		TEST(msi_entry_that_fails),
		TEST(msi_with_several_vectors),
		TEST(msi_mask_bits),
		TEST(msi_one_vector_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
