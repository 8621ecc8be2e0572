// sources: hv/vm/mates.c hv/vm/plan.c hv/vm/plan_devices.c hv/vm/lines.c
// sources: drivers/pci_silence.c drivers/pci_scan.c drivers/pci_bars.c
// sources: drivers/pci_caps.c drivers/pci_isolate.c drivers/pci_alias.c drivers/pci_groups.c
// sources: drivers/pci_groups_print.c drivers/pci_print.c tests/host/fake_pci.c
#include "tests/host/fake_pci.h"

#include "drivers/intx.h"
#include "drivers/pci_groups.h"
#include "hv/vm/mates.h"
#include "hv/vm/vpci.h"

static struct pci_function function[8];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

enum status intx_find_gsi(const struct pci_topology *pci, const struct pci_function *which,
			  u32 *gsi)
{
	(void)pci;
	(void)which;
	*gsi = 0;
	return ERR_UNSUPPORTED;
}

const char *vpci_check(const struct platform *machine, const struct pci_function *which)
{
	(void)machine;
	(void)which;
	return NULL;
}

static bool masters_bus(const struct fake_function *fake)
{
	return fake_pci_get(fake, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

/* Firmware's DMA, which was left on so far, ends where a VM's device is of the same group, and only there. */
static void mates_fall_silent(void **state)
{
	static const struct vm_config config = {.name = "a"};
	static struct plan plan;
	struct fake_function *mate, *other, *bridge;

	(void)state;
	fake_pci_clear();
	fake_pci_multifunction(fake_pci_add(SBDF(0, 0, 3, 0), 0x808610d3, 0x020000));
	mate = fake_pci_add(SBDF(0, 0, 3, 1), 0x80869c31, 0x0c0300);
	bridge = fake_pci_add_bridge(SBDF(0, 0, 3, 2), 1, 1, PCI_PCIE_NONE);
	other = fake_pci_add(SBDF(0, 0, 4, 0), 0x80869c31, 0x0c0300);
	pci_scan(&topology, &ecam, 1);
	assert_int_equal(topology.count, 4);
	pci_isolate(&topology);
	pci_group(&topology);
	assert_true(masters_bus(mate) && masters_bus(other) && masters_bus(bridge));
	mates_silence(&plan, &topology);
	assert_true(masters_bus(mate));

	plan.vm_count = 1;
	plan.vm[0] = (struct vm_plan){.config = &config, .device_count = 1};
	plan.vm[0].device[0] = &function[0];
	mates_silence(&plan, &topology);
	assert_false(masters_bus(mate));
	assert_true(masters_bus(other) && masters_bus(bridge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mates_fall_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
