// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_isolate.c
// sources: tests/host/fake_pci.c
#include "tests/host/fake_pci.h"

#define ACS	0x100
#define PCIE	0x40
#define CONTROL (ACS + PCI_ACS_CONTROL)
#define DEVICE	(PCIE + PCI_PCIE_CONTROL)

#define ALL  0x1f /* the five that are wanted */
#define FOUR 0x1d /* without translation blocking, which no group depends on */

static struct pci_function function[4];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

static struct fake_function *port(u8 type)
{
	fake_pci_clear();
	return fake_pci_add_bridge(SBDF(0, 0, 3, 0), 1, 1, type);
}

static struct fake_function *endpoint(void)
{
	fake_pci_clear();
	struct fake_function *fake = fake_pci_add(SBDF(0, 0, 3, 0), 0x808610d3, 0x020000);

	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	return fake;
}

static void isolate(u32 windows)
{
	pci_scan(&topology, &ecam, windows);
	assert_int_equal(topology.count, 1);
	pci_isolate(&topology);
}

/* What is there is turned on, exceptions off; what a function can't do it need not be kept from. */
static void services_are_turned_on(void **state)
{
	static const struct {
		u8 type;
		u16 capability, before, after, in_effect;
	} rows[] = {
		{PCI_PCIE_ROOT_PORT, ALL, 0, ALL, ALL},
		{PCI_PCIE_ROOT_PORT, 0x7f, 0x60, ALL, ALL},
		{PCI_PCIE_ROOT_PORT, 0x7f, 0x7f, ALL, ALL},
		{PCI_PCIE_ROOT_PORT, 0x01, 0, 0x01, 0x1d},
		{PCI_PCIE_ROOT_PORT, 0x1e, 0, 0x1e, 0x1e},
		{PCI_PCIE_ROOT_PORT, 0, 0, 0, 0x1c},
		{PCI_PCIE_DOWNSTREAM, ALL, 0, ALL, ALL},
		{PCI_PCIE_DOWNSTREAM, FOUR, 0, FOUR, FOUR},
		{PCI_PCIE_DOWNSTREAM, 0x01, 0, 0x01, 0x01},
		{PCI_PCIE_ENDPOINT, 0x0c, 0, 0x0c, 0x1c},
		{PCI_PCIE_ENDPOINT, 0, 0, 0, 0x1c},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_function *fake =
			rows[i].type == PCI_PCIE_ENDPOINT ? endpoint() : port(rows[i].type);

		fake_pci_acs(fake, rows[i].capability, rows[i].before);
		isolate(1);
		assert_int_equal(fake_pci_get(fake, CONTROL, 2), rows[i].after);
		assert_int_equal(function[0].acs, rows[i].in_effect);
	}
}

/* What counts is what the register says afterwards. */
static void stubborn_registers(void **state)
{
	struct fake_function *fake = port(PCI_PCIE_ROOT_PORT);

	(void)state;
	fake_pci_acs(fake, ALL, 0);
	fake->writable[CONTROL] = 0x0d;
	isolate(1);
	assert_int_equal(function[0].acs, 0x0d);

	/* An exception that stays makes the rest worthless. */
	for (u16 exception = PCI_ACS_EGRESS; exception <= PCI_ACS_DIRECT; exception *= 2) {
		fake = port(PCI_PCIE_ROOT_PORT);
		fake_pci_acs(fake, 0x7f, exception);
		fake->writable[CONTROL] = ALL;
		isolate(1);
		assert_int_equal(fake_pci_get(fake, CONTROL, 2), ALL | exception);
		assert_int_equal(function[0].acs, 0);
	}
	/* Bits that the capability does not have mean nothing. */
	fake = port(PCI_PCIE_DOWNSTREAM);
	fake_pci_acs(fake, 0x01, ALL);
	isolate(1);
	assert_int_equal(function[0].acs, 0x01);
}

static void no_services(void **state)
{
	struct fake_function *fake;

	(void)state;
	(void)port(PCI_PCIE_ROOT_PORT);
	isolate(1);
	assert_int_equal(function[0].acs, 0);

	/* Out of reach without ECAM. */
	fake = port(PCI_PCIE_ROOT_PORT);
	fake_pci_acs(fake, ALL, ALL);
	isolate(0);
	assert_int_equal(function[0].acs, 0);

	/* A capability whose registers lie beyond the space; the fake takes no access there. */
	fake = port(PCI_PCIE_ROOT_PORT);
	fake_pci_put(fake, ACS, 4, 0xffcu << 20 | 1 << 16 | 3);
	fake_pci_put(fake, 0xffc, 4, 1 << 16 | PCI_EXT_CAP_ACS);
	isolate(1);
	assert_int_equal(function[0].acs, 0);
}

static void phantoms_are_turned_off(void **state)
{
	(void)state;
	for (u32 bits = 0; bits < 4; bits++) {
		struct fake_function *fake = endpoint();

		fake_pci_put(fake, PCIE + PCI_PCIE_DEVICE, 4, bits << 3);
		fake_pci_put(fake, DEVICE, 2, 0x2b10);
		isolate(1);
		/* It can't be turned off: then it counts. */
		assert_int_equal(fake_pci_get(fake, DEVICE, 2), 0x2b10);
		assert_int_equal(function[0].phantom_bits, bits);

		memset(fake->writable + DEVICE, 0xff, 2);
		isolate(1);
		assert_int_equal(fake_pci_get(fake, DEVICE, 2), 0x2910);
		assert_int_equal(function[0].phantom_bits, 0);

		/* It is off already. */
		isolate(1);
		assert_int_equal(function[0].phantom_bits, 0);
	}
}

/* A capability at the space's end has no such register. */
static void phantoms_out_of_bounds(void **state)
{
	struct fake_function *fake;

	(void)state;
	fake_pci_clear();
	fake = fake_pci_add(SBDF(0, 0, 3, 0), 0x808610d3, 0x020000);
	fake_pci_cap(fake, PCI_CAP_PCIE, 0xf8);
	fake_pci_put(fake, 0x100, 4, 0x0200);
	memset(fake->writable + 0x100, 0xff, 2);
	isolate(1);
	assert_int_equal(function[0].phantom_bits, 0);
	assert_int_equal(fake_pci_get(fake, 0x100, 2), 0x0200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_turned_on),
		cmocka_unit_test(stubborn_registers),
		cmocka_unit_test(no_services),
		cmocka_unit_test(phantoms_are_turned_off),
		cmocka_unit_test(phantoms_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
