// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_silence.c
// sources: drivers/pci_saved.c drivers/pci_isolate.c
// sources: tests/host/fake_pci.c
/* A function's isolation outlives a reset, or the reset has failed. */
#include "tests/host/fake_pci.h"

#include "drivers/pci_reset_parts.h"

#define CONTROL (PCI_EXT_CAP_BASE + PCI_ACS_CONTROL)

static struct pci_function function[1];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

static struct fake_function *isolated(void)
{
	struct fake_function *fake;

	fake_pci_clear();
	fake = fake_pci_add(SBDF(0, 0, 3, 0), 0x808610d3, 0x020000);
	memset(fake->writable + PCI_COMMAND, 0xff, 2);
	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	fake_pci_acs(fake, PCI_ACS_REDIRECT | PCI_ACS_REDIRECT_ANSWER, 0);
	pci_scan(&topology, &ecam, 1);
	pci_isolate(&topology);
	assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x0c);
	return fake;
}

static void services_are_restored(void **state)
{
	struct fake_function *fake = isolated();
	struct pci_saved saved;

	(void)state;
	pci_save(&function[0], &saved);
	fake_pci_put(fake, CONTROL, 2, 0);
	assert_true(pci_restore(&saved));
	assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x0c);
}

static void services_that_stay_off(void **state)
{
	struct fake_function *fake = isolated();
	struct pci_saved saved;

	(void)state;
	pci_save(&function[0], &saved);
	fake_pci_put(fake, CONTROL, 2, 0);
	fake->writable[CONTROL] = 0;
	assert_false(pci_restore(&saved));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_restored),
		cmocka_unit_test(services_that_stay_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
