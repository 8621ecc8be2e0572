// sources: iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: iommu/dmar_format.c
// sources: iommu/dmar.c drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
#include "tests/host/harness.h"

#include "drivers/pci_regs.h"
#include "iommu/scope.h"
#include "tests/fake/vtd_world.h"

static struct dmar dmar;

/*
 * Segment 0: root port 00:1c.0 to bus 1, a switch there (01:00.0 to 2..4, 02:01.0 to 3), and 00:1e.0,
 * a PCIe-to-PCI bridge to bus 5. Firmware had other bus numbers in mind nowhere: paths give devices.
 */
static void machine(void)
{
	u16 port, upstream, downstream, bridge;
	struct dmar_error error;

	world_reset();
	/* Unit 0: the switch's downstream port and all below. */
	world_add_drhd(0, 0, 0x1000, 0, 0);
	world_add_scope(2, 0, 0, (const u8[]){0x1c, 0, 0, 0, 1, 0, 0xff});
	world_add_scope(4, 9, 0xf0, (const u8[]){0xf, 0, 0xff});
	/* Unit 1: one endpoint, and the conventional device behind the bridge. */
	world_add_drhd(0, 0, 0x2000, 0, 0);
	world_add_scope(1, 0, 0, (const u8[]){2, 0, 0xff});
	world_add_scope(1, 0, 0, (const u8[]){0x1e, 0, 4, 0, 0xff});
	/* Unit 2: all else of segment 0, and the IOAPIC. */
	world_add_drhd(0, 1, 0x3000, 0, 0);
	world_add_scope(3, 8, 0xff, (const u8[]){0, 0, 0xff});
	/* Unit 3: segment 1, a path over a bridge that is not there. */
	world_add_drhd(1, 0, 0x4000, 0, 0);
	world_add_scope(1, 0, 0, (const u8[]){7, 0, 0, 0, 0xff});
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	world_finish();
	assert_int_equal(dmar_parse(world.acpi.dmar, &dmar, &error), OK);

	world_add_function(0, 2, 0, PCI_NO_PARENT);
	port = world_add_bridge(0, 0x1c, 0, PCI_NO_PARENT, 1, 4);
	upstream = world_add_bridge(1, 0, 0, port, 2, 4);
	downstream = world_add_bridge(2, 1, 0, upstream, 3, 4);
	world_add_function(3, 0, 0, downstream);
	bridge = world_add_bridge(0, 0x1e, 0, PCI_NO_PARENT, 5, 5);
	world.pci.function[bridge].pcie_type = PCI_PCIE_TO_PCI;
	world_add_function(5, 4, 0, bridge);
}

static unsigned unit_of(struct sbdf requester)
{
	u16 unit = 0xffff;

	if (scope_unit_of(&dmar, &world.pci, requester, &unit) != OK)
		return 0xdead;
	return unit;
}

static void each_requester_has_its_unit(void **state)
{
	(void)state;
	machine();
	assert_int_equal(scope_unit_count(&dmar), 4);
	assert_int_equal(unit_of(SBDF(0, 0, 2, 0)), 1);
	assert_int_equal(unit_of(SBDF(0, 0, 2, 1)), 2); /* another function is another requester */
	assert_int_equal(unit_of(SBDF(0, 2, 1, 0)), 0); /* the bridge itself */
	assert_int_equal(unit_of(SBDF(0, 3, 0, 0)), 0);
	assert_int_equal(unit_of(SBDF(0, 4, 31, 7)), 0); /* nothing there yet, but below */
	assert_int_equal(unit_of(SBDF(0, 2, 2, 0)), 2);
	assert_int_equal(unit_of(SBDF(0, 1, 0, 0)), 2);
	assert_int_equal(unit_of(SBDF(0, 5, 0, 0)), 1); /* as the bridge makes it appear */
	assert_int_equal(unit_of(SBDF(0, 0x80, 0, 0)), 2);
}

static void segments_are_apart(void **state)
{
	(void)state;
	machine();
	assert_int_equal(unit_of(SBDF(1, 0, 3, 0)), 3);
	assert_int_equal(unit_of(SBDF(1, 0, 2, 0)), 0xdead); /* no INCLUDE_PCI_ALL there */
	assert_int_equal(unit_of(SBDF(2, 0, 2, 0)), 0xdead);
	assert_int_equal(unit_of(SBDF(1, 3, 0, 0)), 0xdead);
}

static void ioapics_and_hpets_have_source_ids(void **state)
{
	struct sbdf source;
	u16 unit;

	(void)state;
	machine();
	assert_int_equal(scope_unit_of_platform_device(&dmar, &world.pci, DMAR_SCOPE_IOAPIC, 8,
						       &unit, &source),
			 OK);
	assert_int_equal(unit, 2);
	assert_int_equal(source.bdf, 0xff00);
	assert_int_equal(scope_unit_of_platform_device(&dmar, &world.pci, DMAR_SCOPE_HPET, 9, &unit,
						       &source),
			 OK);
	assert_int_equal(unit, 0);
	assert_int_equal(source.bdf, 0xf078);
	assert_int_equal(scope_unit_of_platform_device(&dmar, &world.pci, DMAR_SCOPE_HPET, 8, &unit,
						       &source),
			 ERR_NOT_FOUND);
}

/* Firmware's path is followed over the buses as they are now. */
static void paths_follow_renumbered_buses(void **state)
{
	struct sbdf end;

	(void)state;
	machine();
	world.pci.function[1].secondary_bus = 0x11;
	world.pci.function[2].address = SBDF(0, 0x11, 0, 0);
	world.pci.function[2].secondary_bus = 0x12;
	assert_int_equal(scope_resolve(&dmar.scope[0], 0, &world.pci, &end), OK);
	assert_int_equal(end.bdf, 0x1208);
	world.pci.function[2].header_type = 0; /* no bridge any more */
	assert_int_equal(scope_resolve(&dmar.scope[0], 0, &world.pci, &end), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_requester_has_its_unit),
		cmocka_unit_test(segments_are_apart),
		cmocka_unit_test(ioapics_and_hpets_have_source_ids),
		cmocka_unit_test(paths_follow_renumbered_buses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
