// sources: drivers/intx.c drivers/piix3.c drivers/q35.c drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/fake_pci.h"

#include "drivers/intx.h"
#include "drivers/piix3.h"
#include "drivers/q35.h"
#include "tests/host/fake_regs.h"

static struct pci_function function[64];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};

#define NIC	 0x8086100eu
#define ETHERNET 0x020000
#define RCBA	 0xfed1c000ull

/* What the registers hold after reset: INTA is PIRQA .. INTD is PIRQD. */
static const struct q35_routes reset_routes = {true,
					       {0x3210, 0x3210, 0x3210, 0x3210, 0x3210, 0, 0x3210}};

static u16 route_of[7]; /* of D25IR .. D31IR, as the fake chipset has them */

static u64 read_rcba(u64 address, u8 width)
{
	static const u16 offset[] = {0x3150, 0x314c, 0x3148, 0x3146, 0x3144, 0x3142, 0x3140};

	assert_int_equal(width, 2);
	for (size_t i = 0; i < ARRAY_SIZE(offset); i++)
		if (address == RCBA + offset[i])
			return route_of[i];
	fail_msg("no route register at 0x%lx", address);
	return 0;
}

static void add_q35(void)
{
	struct fake_function *host, *lpc;

	fake_pci_clear();
	host = fake_pci_add(SBDF(0, 0, 0, 0), 0x808629c0, 0x060000);
	fake_pci_put(host, PCI_SUBSYSTEM_VENDOR, 4, 0x11001af4);
	lpc = fake_pci_add(SBDF(0, 0, 31, 0), 0x80862918, 0x060100);
	fake_pci_put(lpc, 0xf0, 4, (u32)RCBA | 1);
	fake_regs = (struct fake_regs){.read = read_rcba};
	for (u8 i = 0; i < 7; i++)
		route_of[i] = reset_routes.dir[i];
}

static void add_nic(u8 bus, u8 device, u8 pin)
{
	fake_pci_put(fake_pci_add(SBDF(0, bus, device, 0), NIC, ETHERNET), PCI_INTERRUPT_PIN, 1,
		     pin);
}

static enum status find(u8 bus, u8 device, u32 *gsi)
{
	pci_scan(&topology, NULL, 0);

	const struct pci_function *f = pci_find(&topology, SBDF(0, bus, device, 0));

	assert_non_null(f);
	return intx_find_gsi(&topology, f, gsi);
}

static void check_gsi(u8 bus, u8 device, u32 expected)
{
	u32 gsi = 0;

	assert_int_equal(find(bus, device, &gsi), OK);
	assert_int_equal(gsi, expected);
}

static void slots_of_bus_0_are_routed(void **state)
{
	u32 gsi;

	(void)state;
	for (u8 device = 0; device < 32; device++) {
		for (u8 pin = 0; pin < 4; pin++) {
			u32 expected = 20 + (device + pin) % 4;

			if (device == 30)
				expected = 20 + pin;
			else if (device >= 25)
				expected = 16 + pin;
			assert_int_equal(q35_gsi(&reset_routes, device, pin, &gsi), OK);
			assert_int_equal(gsi, expected);
		}
	}
}

static void routes_are_needed_for_25_on_but_30(void **state)
{
	static const struct q35_routes unknown = {.known = false};
	u32 gsi;

	(void)state;
	for (u8 device = 0; device < 32; device++) {
		bool needs = device >= 25 && device != 30;

		assert_int_equal(q35_needs_routes(device), needs);
		assert_int_equal(q35_gsi(&unknown, device, 0, &gsi), needs ? ERR_UNSUPPORTED : OK);
	}
}

static void the_chipset_registers_are_read(void **state)
{
	(void)state;
	for (u8 device = 25; device < 31; device++) {
		if (device == 30)
			continue;
		add_q35();
		route_of[device - 25] = 0x7645;
		for (u8 pin = 1; pin <= 4; pin++) {
			static const u32 expected[] = {21, 20, 22, 23};

			add_nic(0, device, pin);
			check_gsi(0, device, expected[pin - 1]);
			fake_pci_count--;
			memset(&fake_pci[fake_pci_count], 0, sizeof(fake_pci[0]));
		}
	}
}

static void reserved_bits_of_routes_are_ignored(void **state)
{
	(void)state;
	add_q35();
	route_of[0] = 0xfffa;
	add_nic(0, 25, 1);
	check_gsi(0, 25, 18);
}

static void hidden_registers_are_unsupported(void **state)
{
	u32 gsi;

	(void)state;
	add_q35();
	add_nic(0, 26, 1);
	add_nic(0, 3, 1);
	fake_pci_put(&fake_pci[1], 0xf0, 4, (u32)RCBA);
	assert_int_equal(find(0, 26, &gsi), ERR_UNSUPPORTED);
	check_gsi(0, 3, 23);
	fake_pci_put(&fake_pci[1], 0xf0, 4, (u32)RCBA | 1);
	check_gsi(0, 26, 16);
	fake_pci_put(&fake_pci[1], PCI_DEVICE_ID, 2, 0x3a18);
	assert_int_equal(find(0, 26, &gsi), ERR_UNSUPPORTED);
}

static void unknown_chipsets_are_unsupported(void **state)
{
	u32 gsi;

	(void)state;
	add_q35();
	add_nic(0, 3, 1);
	check_gsi(0, 3, 23);
	fake_pci_put(&fake_pci[0], PCI_SUBSYSTEM_VENDOR, 2, 0x1043);
	assert_int_equal(find(0, 3, &gsi), ERR_UNSUPPORTED);
	fake_pci_put(&fake_pci[0], PCI_SUBSYSTEM_VENDOR, 2, 0x1af4);
	fake_pci_put(&fake_pci[0], PCI_DEVICE_ID, 2, 0x1237);
	assert_int_equal(find(0, 3, &gsi), ERR_UNSUPPORTED);

	fake_pci_clear();
	add_nic(0, 3, 1);
	assert_int_equal(find(0, 3, &gsi), ERR_UNSUPPORTED);
}

static void functions_without_a_pin_have_none(void **state)
{
	u32 gsi;

	(void)state;
	add_q35();
	add_nic(0, 3, 0);
	add_nic(0, 4, 5);
	assert_int_equal(find(0, 3, &gsi), ERR_NOT_FOUND);
	assert_int_equal(find(0, 4, &gsi), ERR_INVALID);
}

static void bridges_swizzle_the_pin(void **state)
{
	(void)state;
	add_q35();
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 3, PCI_PCIE_ROOT_PORT);
	fake_pci_add_bridge(SBDF(0, 1, 0, 0), 2, 3, PCI_PCIE_UPSTREAM);
	fake_pci_add_bridge(SBDF(0, 2, 1, 0), 3, 3, PCI_PCIE_DOWNSTREAM);
	add_nic(3, 0, 1);
	fake_pci_add_bridge(SBDF(0, 0, 2, 0), 4, 5, PCI_PCIE_ROOT_PORT);
	fake_pci_add_bridge(SBDF(0, 4, 0, 0), 5, 5, PCI_PCIE_TO_PCI);
	add_nic(5, 1, 1);
	add_nic(5, 6, 3);
	fake_pci_add_bridge(SBDF(0, 0, 30, 0), 6, 7, PCI_PCIE_NONE);
	add_nic(6, 2, 1);
	fake_pci_add_bridge(SBDF(0, 6, 3, 0), 7, 7, PCI_PCIE_NONE);
	add_nic(7, 5, 2);
	fake_pci_add_bridge(SBDF(0, 0, 28, 0), 8, 8, PCI_PCIE_ROOT_PORT);
	add_nic(8, 0, 1);
	/* INTA below the downstream port in slot 1: INTB at the upstream port, the same above. */
	check_gsi(3, 0, 20 + (1 + 1) % 4);
	check_gsi(5, 1, 20 + (1 + 2) % 4);
	check_gsi(5, 6, 20 + (6 + 2 + 2) % 4);
	check_gsi(6, 2, 20 + 2);
	check_gsi(7, 5, 20 + (1 + 5 + 3) % 4);
	check_gsi(8, 0, 16);
}

/* The router's table in QEMU's own terms: 32 rows of 4, read past the row's start. */
static u32 pxb_model(u32 pxb_device, u32 port_device, u32 pin)
{
	u32 n = 3 * pxb_device + (port_device + pin) % 4;

	return 20 + (n / 4 + n % 4) % 4;
}

static void roots_of_a_pxb_are_routed(void **state)
{
	(void)state;
	for (u8 pxb = 1; pxb < 25; pxb++) {
		for (u8 port = 0; port < 5; port++) {
			add_q35();
			fake_pci_add(SBDF(0, 0, pxb, 0), 0x1b36000b, 0x060000);
			fake_pci_add_bridge(SBDF(0, 0x40, port, 0), 0x41, 0x41, PCI_PCIE_ROOT_PORT);
			add_nic(0x41, 0, 1 + port % 4);
			check_gsi(0x41, 0, pxb_model(pxb, port, port % 4));
		}
	}
}

static void several_pxb_must_agree(void **state)
{
	u32 gsi;

	(void)state;
	add_q35();
	fake_pci_add_bridge(SBDF(0, 0x40, 0, 0), 0x41, 0x41, PCI_PCIE_ROOT_PORT);
	add_nic(0x41, 0, 1);
	assert_int_equal(find(0x41, 0, &gsi), ERR_UNSUPPORTED);
	fake_pci_add(SBDF(0, 0, 4, 0), 0x1b36000b, 0x060000);
	check_gsi(0x41, 0, 23);
	fake_pci_add(SBDF(0, 0, 20, 0), 0x1b36000b, 0x060000);
	check_gsi(0x41, 0, 23);
	fake_pci_add(SBDF(0, 0, 5, 0), 0x1b36000b, 0x060000);
	assert_int_equal(find(0x41, 0, &gsi), ERR_UNSUPPORTED);
}

/* subsystem: QEMU's or Bochs's. The lines' interrupts are all different, unlike what firmware chooses. */
static void add_i440fx(u32 subsystem)
{
	fake_pci_clear();
	fake_pci_put(fake_pci_add(SBDF(0, 0, 0, 0), 0x80861237, 0x060000), PCI_SUBSYSTEM_VENDOR, 4,
		     subsystem);
	fake_pci_put(fake_pci_add(SBDF(0, 0, 1, 0), 0x80867000, 0x060100), 0x60, 4, 0x090b0a05);
}

static void piix3_lines_lead_to_isa_interrupts(void **state)
{
	static const u32 subsystem[] = {0x11001af4, 0};
	static const u32 irq[] = {5, 10, 11, 9};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(subsystem); i++) {
		add_i440fx(subsystem[i]);
		for (u8 device = 2; device < 32; device++)
			add_nic(0, device, 1 + device / 4 % 4);
		/* Slot 3's INTA is PIRQC, as was seen on both. */
		check_gsi(0, 3, 11);
		for (u8 device = 2; device < 32; device++)
			check_gsi(0, device, irq[(device - 1 + device / 4) % 4]);
	}
}

static void piix3_lines_can_lead_nowhere(void **state)
{
	u32 gsi;

	(void)state;
	for (unsigned route = 0; route < 256; route++) {
		bool legal = route < 0x80 && 0xdef8 >> (route & 15) & 1;

		assert_int_equal(piix3_gsi((u8)route, &gsi), legal ? OK : ERR_UNSUPPORTED);
		if (legal)
			assert_int_equal(gsi, route & 15);
	}
	add_i440fx(0);
	add_nic(0, 3, 1);
	fake_pci_put(&fake_pci[1], 0x62, 1, 0x8b);
	assert_int_equal(find(0, 3, &gsi), ERR_UNSUPPORTED);
}

static void piix3_must_be_there(void **state)
{
	u32 gsi;

	(void)state;
	add_i440fx(0);
	add_nic(0, 3, 1);
	check_gsi(0, 3, 11);
	fake_pci_put(&fake_pci[1], PCI_DEVICE_ID, 2, 0x7110);
	assert_int_equal(find(0, 3, &gsi), ERR_UNSUPPORTED);
	add_i440fx(0x11000000 | 0x1043);
	add_nic(0, 3, 1);
	assert_int_equal(find(0, 3, &gsi), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_of_bus_0_are_routed),
		cmocka_unit_test(routes_are_needed_for_25_on_but_30),
		cmocka_unit_test(the_chipset_registers_are_read),
		cmocka_unit_test(reserved_bits_of_routes_are_ignored),
		cmocka_unit_test(hidden_registers_are_unsupported),
		cmocka_unit_test(unknown_chipsets_are_unsupported),
		cmocka_unit_test(functions_without_a_pin_have_none),
		cmocka_unit_test(bridges_swizzle_the_pin),
		cmocka_unit_test(roots_of_a_pxb_are_routed),
		cmocka_unit_test(several_pxb_must_agree),
		cmocka_unit_test(piix3_lines_lead_to_isa_interrupts),
		cmocka_unit_test(piix3_lines_can_lead_nowhere),
		cmocka_unit_test(piix3_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
