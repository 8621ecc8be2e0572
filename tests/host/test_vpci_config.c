// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/fake_vm.h"

/* What a guest reads and writes of a device's configuration space. */

#define VM   (&machine.vm)
#define E1KE (&fake_pci[FAKE_E1000E])

static void identity_is_real(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	for (unsigned n = 0; n < 3; n++) {
		static const u8 at[] = {PCI_VENDOR_ID, PCI_REVISION, PCI_SUBSYSTEM_VENDOR};
		u32 before = fake_pci_get(E1KE, at[n], 4);

		config_set(1, at[n], 4, ~before);
		assert_int_equal(config_get(1, at[n], 4), before);
		assert_int_equal(fake_pci_get(E1KE, at[n], 4), before);
	}
}

/* Each access is a window on the same bytes. */
static void every_width_and_position(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	for (unsigned offset = 0; offset < 0x100; offset++) {
		u32 dword = config_get(1, offset & 0xfc, 4) >> 8 * (offset & 3);

		assert_int_equal(config_get(1, (u8)offset, 1), dword & 0xff);
		if ((offset & 3) < 3)
			assert_int_equal(config_get(1, (u8)offset, 2), dword & 0xffff);
	}
}

static void rest_is_zero(void **state)
{
	static const u8 at[] = {0x0c, 0x28, 0x30, 0x38, 0x40, 0x60, 0x70, 0x74, 0xfc};

	(void)state;
	memset(E1KE->space + 0x70, 0x5a, 16);
	E1KE->space[0x70] = 0x09;
	E1KE->space[0x0c] = 0x10;
	fake_vm_add(FAKE_E1000E, 7);
	for (unsigned n = 0; n < ARRAY_SIZE(at); n++) {
		u32 physical = fake_pci_get(E1KE, at[n], 4);

		config_set(1, at[n], 4, ~0u);
		assert_int_equal(config_get(1, at[n], 4), 0);
		assert_int_equal(fake_pci_get(E1KE, at[n], 4), physical);
	}
	assert_int_equal(config_get(1, 0x3e, 2), 0);
}

static void command_passes_master_and_intx(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	config_set(1, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(config_get(1, PCI_COMMAND, 2), 0x0547);
	assert_int_equal(fake_pci_get(E1KE, PCI_COMMAND, 2), 0x0407);
	config_set(1, PCI_COMMAND, 2, 0);
	assert_int_equal(config_get(1, PCI_COMMAND, 2), 0);
	/* Decoding stays on physically. */
	assert_int_equal(fake_pci_get(E1KE, PCI_COMMAND, 2), 0x0003);
	/* By bytes. */
	config_set(1, PCI_COMMAND + 1, 1, 0x04);
	config_set(1, PCI_COMMAND, 1, 0x04);
	assert_int_equal(config_get(1, PCI_COMMAND, 2), 0x0404);
	assert_int_equal(fake_pci_get(E1KE, PCI_COMMAND, 2), 0x0407);
}

static void status_is_not_cleared(void **state)
{
	(void)state;
	fake_pci_put(E1KE, PCI_STATUS, 2, 0xf918);
	fake_pci_put(&fake_pci[FAKE_E1000], PCI_STATUS, 2, 0xf918);
	fake_vm_add(FAKE_E1000E, 7);
	fake_vm_add(FAKE_E1000, 8);
	config_set(1, PCI_COMMAND, 4, 0xffff0007);
	config_set(1, PCI_STATUS, 2, 0xffff);
	assert_int_equal(fake_pci_get(E1KE, PCI_STATUS, 2), 0xf918);
	assert_int_equal(config_get(1, PCI_STATUS, 2), 0xf918);
	/* Without a capability that is shown the bit is off. */
	assert_int_equal(config_get(2, PCI_STATUS, 2), 0xf908);
	assert_int_equal(config_get(2, PCI_CAP_POINTER, 1), 0);
}

static void line_and_pin(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, PCI_INTERRUPT_LINE, 1), 7);
	assert_int_equal(config_get(1, PCI_INTERRUPT_PIN, 1), 1);
	config_set(1, PCI_INTERRUPT_LINE, 4, 0xffffff5a);
	assert_int_equal(config_get(1, PCI_INTERRUPT_LINE, 4), 0x0000015a);
	assert_int_equal(fake_pci_get(E1KE, PCI_INTERRUPT_LINE, 1), 0x0b);
}

/* The vendor's capability in the middle is skipped. */
static void capability_list_is_filtered(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, PCI_CAP_POINTER, 4), 0xc8);
	assert_int_equal(config_get(1, 0xc8, 2), 0xd001);
	assert_int_equal(config_get(1, 0xd0, 2), 0xe005);
	assert_int_equal(config_get(1, 0xe0, 2), 0xa010);
	assert_int_equal(config_get(1, 0xa0, 2), 0x0011);
}

/* A capability that firmware bytes put where it can't be is not shown, nor is a second MSI. */
static void impossible_capabilities_are_hidden(void **state)
{
	struct pci_function *function = &machine.function[FAKE_E1000E];

	(void)state;
	function->cap[function->cap_count++] = (struct pci_cap){PCI_CAP_PM, 0xfc};
	function->cap[function->cap_count++] = (struct pci_cap){PCI_CAP_PM, 0x10};
	function->cap[function->cap_count++] = (struct pci_cap){PCI_CAP_PM, 0x62};
	function->cap[function->cap_count++] = (struct pci_cap){PCI_CAP_MSI, 0x80};
	function->cap[function->cap_count++] = (struct pci_cap){PCI_CAP_PM, 0x140};
	function->cap[function->cap_count++] = (struct pci_cap){0x101, 0x90};
	fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, 0xa0, 2), 0x0011);
	assert_int_equal(config_get(1, 0xfc, 4), 0);
	assert_int_equal(config_get(1, 0x80, 4), 0);
	assert_int_equal(config_get(1, 0x90, 4), 0);
	assert_int_equal(config_get(1, 0x10, 4), 0xc0000000);
}

static void power_stays_on(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, 0xca, 2), 0x0022);
	config_set(1, 0xcc, 2, 0x8103);
	assert_int_equal(config_get(1, 0xcc, 2), 0x0008);
	assert_int_equal(fake_pci_get(E1KE, 0xcc, 2), 0x2008);
}

static void pcie_is_read_only_without_reset(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000E, 7);
	assert_int_equal(config_get(1, 0xe2, 2), 0x0001);
	assert_int_equal(config_get(1, 0xe4, 4), 0x00008cc1);
	config_set(1, 0xe8, 2, 0x8000 | 0x5000);
	assert_int_equal(fake_pci_get(E1KE, 0xe8, 2), 0x2010);
	assert_int_equal(config_get(1, 0xe8, 2), 0x2010);
	/* Version 1 ends before the second device capabilities, which would be past the space. */
	assert_int_equal(config_get(1, 0xf4, 4), 0);
}

/* Whatever the guest does to the table's place in configuration space, it stays. */
static void msix_location_stays(void **state)
{
	(void)state;
	fake_vm_add(FAKE_NVME, 7);
	config_set(1, 0x44, 4, 0x1000);
	config_set(1, 0x48, 4, 0x1000);
	assert_int_equal(config_get(1, 0x44, 4), 0x2000);
	assert_int_equal(config_get(1, 0x48, 4), 0x2d00);
	/* 200 vectors are shown as 64. */
	assert_int_equal(config_get(1, 0x42, 2), 63);
	config_set(1, 0x42, 2, 0x3fff);
	assert_int_equal(config_get(1, 0x42, 2), 63);
}

#define TEST(name) cmocka_unit_test_setup(name, fake_vm_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity_is_real),
		TEST(every_width_and_position),
		TEST(rest_is_zero),
		TEST(command_passes_master_and_intx),
		TEST(status_is_not_cleared),
		TEST(line_and_pin),
		TEST(capability_list_is_filtered),
		TEST(impossible_capabilities_are_hidden),
		TEST(power_stays_on),
		TEST(pcie_is_read_only_without_reset),
		TEST(msix_location_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
