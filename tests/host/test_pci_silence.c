// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_silence.c
// sources: tests/host/fake_pci.c
#include "tests/host/fake_pci.h"

#define MSI  0x50
#define MSIX 0x70
#define ATS  0x100

static struct pci_function function[4];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

/* As firmware may leave one: mastering the bus, interrupting in every way, translating by itself. */
static struct fake_function *busy_endpoint(void)
{
	fake_pci_clear();
	struct fake_function *fake = fake_pci_add(SBDF(0, 0, 3, 0), 0x808610d3, 0x020000);

	memset(fake->writable + PCI_COMMAND, 0xff, 2);
	fake_pci_put(fake, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	fake_pci_bar(fake, 0, 0xfebc0000, 0xfffe0000);
	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	fake_pci_cap(fake, PCI_CAP_MSI, MSI);
	fake_pci_put(fake, MSI + PCI_MSI_CONTROL, 2, PCI_MSI_64 | PCI_MSI_ENABLE);
	fake_pci_cap(fake, PCI_CAP_MSIX, MSIX);
	fake_pci_put(fake, MSIX + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE | 4);
	fake_pci_put(fake, MSIX + PCI_MSIX_PBA, 4, 0x2000);
	fake_pci_put(fake, ATS, 4, 1 << 16 | PCI_EXT_CAP_ATS);
	fake_pci_put(fake, ATS + PCI_ATS_CAPABILITY, 2, 7);
	fake_pci_put(fake, ATS + PCI_ATS_CONTROL, 2, PCI_ATS_ENABLE | 3);
	memset(fake->writable + MSI + PCI_MSI_CONTROL, 0xff, 2);
	memset(fake->writable + MSIX + PCI_MSIX_CONTROL, 0xff, 2);
	memset(fake->writable + ATS + PCI_ATS_CONTROL, 0xff, 2);
	pci_scan(&topology, &ecam, 1);
	return fake;
}

static void endpoint_falls_silent(void **state)
{
	struct fake_function *fake = busy_endpoint();

	(void)state;
	pci_silence(&function[0], false);
	assert_int_equal(fake_pci_get(fake, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fake_pci_get(fake, MSI + PCI_MSI_CONTROL, 2), PCI_MSI_64);
	assert_int_equal(fake_pci_get(fake, MSIX + PCI_MSIX_CONTROL, 2), 4);
	/* A device without need not answer who tells it to forget. */
	assert_int_equal(fake_pci_get(fake, ATS + PCI_ATS_CONTROL, 2), PCI_ATS_ENABLE | 3);
}

static void ats_goes_off(void **state)
{
	struct fake_function *fake = busy_endpoint();

	(void)state;
	assert_true(function[0].ats_on);
	assert_int_equal(function[0].ats_pending, 7);
	pci_ats_off(&function[0]);
	assert_int_equal(fake_pci_get(fake, ATS + PCI_ATS_CONTROL, 2), 3);
	assert_true(function[0].ats_on); /* as it was found */

	fake_pci_put(fake, ATS + PCI_ATS_CAPABILITY, 2, 0x60);
	pci_scan(&topology, &ecam, 1);
	assert_false(function[0].ats_on);
	assert_int_equal(function[0].ats_pending, 32);

	/* One that is cut short by the end is none. */
	fake_pci_put(fake, ATS, 4, 0xffc00000 | 1 << 16);
	fake_pci_put(fake, 0xffc, 4, 1 << 16 | PCI_EXT_CAP_ATS);
	pci_scan(&topology, &ecam, 1);
	assert_int_equal(function[0].ats, 0);
	assert_false(function[0].ats_on);
	pci_ats_off(&function[0]);
}

static void firmwares_own_keeps_its_dma(void **state)
{
	struct fake_function *fake = busy_endpoint();

	(void)state;
	pci_silence(&function[0], true);
	assert_int_equal(fake_pci_get(fake, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fake_pci_get(fake, MSI + PCI_MSI_CONTROL, 2), PCI_MSI_64);
}

static void bridge_lets_others_through(void **state)
{
	(void)state;
	fake_pci_clear();
	struct fake_function *fake = fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 1, PCI_PCIE_NONE);

	memset(fake->writable + PCI_COMMAND, 0xff, 2);
	fake_pci_put(fake, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_scan(&topology, &ecam, 1);
	pci_silence(&function[0], false);
	assert_int_equal(fake_pci_get(fake, PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoint_falls_silent),
		cmocka_unit_test(ats_goes_off),
		cmocka_unit_test(firmwares_own_keeps_its_dma),
		cmocka_unit_test(bridge_lets_others_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
