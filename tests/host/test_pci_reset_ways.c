// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_silence.c
// sources: drivers/pci_reset.c drivers/pci_saved.c drivers/device_reset.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
/* The other ways: D3hot, the bus, a device's own. */
#include "tests/host/pci_reset_desk.h"

static void add_neighbour(void)
{
	fake_pci_multifunction(endpoint);
	neighbour = add_endpoint(SBDF(0, 1, 0, 1), 0xabcd0002);
	fake_pci_put(neighbour, PCI_BAR0, 4, BAR + 0x20000);
}

static void test_pm(void **state)
{
	(void)state;
	give_pm(0);
	expect(PCI_RESET_PM);
	assert_int_equal(pms, 1);
	assert_int_equal(buses, 0);
	assert_true(now >= 21000);
}

static void test_pm_that_resets_nothing(void **state)
{
	(void)state;
	give_pm(8);
	expect(PCI_RESET_BUS);
	assert_int_equal(pms, 0);
}

static void test_pm_that_stays_in_d3(void **state)
{
	(void)state;
	give_pm(0);
	manner.stuck_in_d3 = true;
	expect(PCI_RESET_BUS);
	assert_int_equal(pms, 1);
}

static void test_bus(void **state)
{
	(void)state;
	expect(PCI_RESET_BUS);
	assert_int_equal(buses, 1);
	assert_int_equal(fake_pci_get(bridge, PCI_BRIDGE_CONTROL, 2), 0x0003);
	assert_true(now >= 103000);
}

static void test_bus_with_a_neighbour(void **state)
{
	(void)state;
	add_neighbour();
	expect(PCI_RESET_BUS);
	check_silent(neighbour, BAR + 0x20000);
}

static void test_bus_with_anothers_neighbour(void **state)
{
	enum pci_reset_method method;

	(void)state;
	add_neighbour();
	owned = true;
	assert_int_equal(reset(&method), ERR_UNSUPPORTED);
	owned = false;
	assert_int_equal(buses, 0);
	assert_int_equal(fake_pci_get(neighbour, MSI + 2, 2), PCI_MSI_64 | PCI_MSI_ENABLE);
}

/* It would lose its bus numbers. */
static void test_bus_with_a_bridge_below(void **state)
{
	enum pci_reset_method method;

	(void)state;
	fake_pci_put(bridge, PCI_SUBORDINATE_BUS, 1, 2);
	fake_pci_multifunction(endpoint);
	fake_pci_add_bridge(SBDF(0, 1, 0, 1), 2, 2, PCI_PCIE_TO_PCI);
	assert_int_equal(reset(&method), ERR_UNSUPPORTED);
	assert_int_equal(buses, 0);
}

static void fill_e1000(void)
{
	on_the_root_bus(0x8086100e);
	for (u32 at = 0x100; at < 0x4000; at += 4)
		memcpy(registers + at, "\x5a\x5a\x5a\x5a", 4);
	memcpy(registers + 0xd0, "\xff", 1);
}

static void test_e1000(void **state)
{
	static const u16 cleared[] = {0xd0, 0x100, 0x400, 0x2800, 0x2810, 0x3800, 0x3818};

	(void)state;
	fill_e1000();
	expect(PCI_RESET_DEVICE);
	for (u32 i = 0; i < ARRAY_SIZE(cleared); i++)
		assert_int_equal(read_register(BAR + cleared[i], 4), 0);
}

static void test_e1000_that_stays_in_reset(void **state)
{
	enum pci_reset_method method;

	(void)state;
	fill_e1000();
	rst_sticks = true;
	assert_int_equal(reset(&method), ERR_TIMEOUT);
	check_silent(endpoint, BAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pm, set_up),
		cmocka_unit_test_setup(test_pm_that_resets_nothing, set_up),
		cmocka_unit_test_setup(test_pm_that_stays_in_d3, set_up),
		cmocka_unit_test_setup(test_bus, set_up),
		cmocka_unit_test_setup(test_bus_with_a_neighbour, set_up),
		cmocka_unit_test_setup(test_bus_with_anothers_neighbour, set_up),
		cmocka_unit_test_setup(test_bus_with_a_bridge_below, set_up),
		cmocka_unit_test_setup(test_e1000, set_up),
		cmocka_unit_test_setup(test_e1000_that_stays_in_reset, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
