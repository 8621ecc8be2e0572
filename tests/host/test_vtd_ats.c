// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
/* Devices that firmware let translate for themselves: what they hold, and when they forget it. */
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define TES    0x80000000u
#define DEVICE 0x18 /* 00:03.0 */
#define SECOND 0x20
#define PAGE   7
#define DT     (WORLD_ECAP | WORLD_ECAP_DT)

static u64 to;

/* The machine, with ATS on in 00:03.0 and 00:04.0 below one unit. */
static struct fake_unit *probed(u64 ecap)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(WORLD_CAP, ecap);

	world_set_ats(world_add_function(0, 3, 0, PCI_NO_PARENT), 5);
	world_set_ats(world_add_function(0, 4, 0, PCI_NO_PARENT), 0);
	world_add_function(0, 5, 0, PCI_NO_PARENT);
	fake_device_add(unit, DEVICE, 5);
	fake_device_add(unit, SECOND, 0);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	return unit;
}

static void put64(u64 at, u64 value)
{
	memcpy(fake_memory_at(at), &value, sizeof(value));
}

/* Firmware's tables, with TT 1: both devices reach page 7, which is 0x7000, and know so. */
static void firmware_left_it_on(struct fake_unit *unit)
{
	u64 base = WORLD_FREE_PAGE;

	put64(base, (base + 0x1000) | 1);
	for (u64 sid = DEVICE; sid <= SECOND; sid += SECOND - DEVICE) {
		put64(base + 0x1000 + sid * 16, (base + 0x2000) | 1 | 1 << 2);
		put64(base + 0x1000 + sid * 16 + 8, 1 | 1 << 8);
	}
	put64(base + 0x2000, (base + 0x3000) | 3);
	put64(base + 0x3000, (base + 0x4000) | 3);
	put64(base + 0x4000 + PAGE * 8, 0x7000 | 3);
	unit->rtaddr = unit->root_latched = base;
	unit->gsts = TES | 0x40000000;
	assert_int_equal(fake_device_dma(unit, DEVICE, 0x7123, true, &to), 0);
	assert_int_equal(to, 0x7123);
	assert_int_equal(fake_device_dma(unit, SECOND, 0x7000, true, &to), 0);
	assert_true(fake_device_holds(&unit->device[0], 0x7000));
}

static void expect_all_forgotten(struct fake_unit *unit)
{
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(unit->device[i].requests, 1);
		assert_false(fake_device_holds(&unit->device[i], 0x7000));
		assert_false(unit->device[i].ats_on);
	}
	assert_null(unit->violation);
}

/* The fake unit sees to the order: unit's caches first, and ATS on until the device has answered. */
static void what_they_hold_is_forgotten_and_then_ats_is_off(void **state)
{
	static const u64 ecap[] = {DT, DT | WORLD_ECAP_DIT, DT & ~WORLD_ECAP_C};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ecap); i++) {
		struct fake_unit *unit = probed(ecap[i]);

		firmware_left_it_on(unit);
		assert_int_equal(vtd_ops.enable(&world_event, false), OK);
		expect_all_forgotten(unit);
		assert_non_null(strstr(captured_log(), "firmware left ATS on"));
	}
	/* Even where the unit was off: who knows what was before. */
	struct fake_unit *unit = probed(DT);

	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	expect_all_forgotten(unit);
}

/* At each register write from the one on that makes the unit use nothing but our tables. */
static void never_through(struct fake_unit *unit)
{
	if (unit->root_latches && !unit->owes_context_flush) {
		assert_int_not_equal(fake_device_dma(unit, DEVICE, 0x7000, true, &to), 0);
		assert_int_not_equal(fake_device_dma(unit, SECOND, 0x7000, true, &to), 0);
	}
}

static void what_they_hold_is_of_no_use_meanwhile(void **state)
{
	struct fake_unit *unit = probed(DT);

	(void)state;
	firmware_left_it_on(unit);
	unit->on_write = never_through;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_null(unit->violation);
}

/* ITE: no word of the device, and nothing is held up by it. */
static void a_silent_device_is_told_and_stays_blocked(void **state)
{
	struct fake_unit *unit = probed(DT);

	(void)state;
	firmware_left_it_on(unit);
	unit->device[0].silent = true;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_non_null(strstr(captured_log(), "did not complete an invalidation of its TLB"));
	assert_false(vtd.unit[0].dead);
	assert_int_equal(unit->fsts & 0x7f, 0);
	assert_true(fake_device_holds(&unit->device[0], 0x7000));
	assert_false(unit->device[0].ats_on);
	unit->device[0].ats_on = true; /* as a device that does what it likes */
	assert_int_equal(fake_device_dma(unit, DEVICE, 0x7000, true, &to), 2);
	assert_false(fake_device_holds(&unit->device[1], 0x7000));
	assert_null(unit->violation);

	/* In a domain too: TT is 0. */
	struct iommu_domain domain;

	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.attach(&domain, SBDF(0, 0, 3, 0)), OK);
	assert_int_equal(fake_device_dma(unit, DEVICE, 0x7000, true, &to), 0xd);
}

/* A minute and a half, as a device may, is not forever; no answer at all is. */
static void patience_is_a_devices_but_ends(void **state)
{
	struct fake_unit *unit = probed(DT);

	(void)state;
	unit->device_ms = 90000;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	expect_all_forgotten(unit);

	unit = probed(DT);
	unit->device_ms = ~0u;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_TIMEOUT);
	assert_true(vtd.unit[0].dead);
	assert_false(unit->device[0].ats_on || unit->device[1].ats_on);
}

/* A unit that has no device-TLBs, or no queue to ask by, gave nothing to any: ATS only goes off. */
static void units_that_can_not_ask_do_not(void **state)
{
	static const u64 ecap[] = {WORLD_ECAP, DT & ~(WORLD_ECAP_QI | WORLD_ECAP_IR)};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ecap); i++) {
		struct fake_unit *unit = probed(ecap[i]);

		assert_int_equal(vtd_ops.enable(&world_event, false), OK);
		assert_int_equal(unit->device[0].requests + unit->device[1].requests, 0);
		assert_false(unit->device[0].ats_on || unit->device[1].ats_on);
		assert_null(unit->violation);
	}
}

/* 00:03.0 is the first unit's, which can; 00:04.0 the second one's, which can't; nobody asks 00:05.0. */
static void only_those_whose_ats_was_on_below_units_that_can(void **state)
{
	struct fake_unit *first, *second;

	(void)state;
	world_reset();
	first = world_add_drhd(0, 0, 0xfed91000, WORLD_CAP, DT);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	world_add_scope(1, 0, 0, (const u8[]){5, 0, 0xff});
	second = world_add_unit(WORLD_CAP, WORLD_ECAP);
	world_set_ats(world_add_function(0, 3, 0, PCI_NO_PARENT), 1);
	world_set_ats(world_add_function(0, 4, 0, PCI_NO_PARENT), 1);
	world_add_function(0, 5, 0, PCI_NO_PARENT);
	fake_device_add(first, DEVICE, 1);
	fake_device_add(first, 0x28, 1)->ats_on = false;
	fake_device_add(second, SECOND, 1);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(first->device[0].requests, 1);
	assert_int_equal(first->device[1].requests, 0);
	assert_int_equal(second->device[0].requests, 0);
	assert_false(first->device[0].ats_on || second->device[0].ats_on);
	assert_null(first->violation);
	assert_null(second->violation);
}

/* Its DMA goes on, so its ATS is off before the units are on: it is not asked for an answer that it may not give. */
static void a_device_in_use_by_firmware_is_not_asked(void **state)
{
	struct fake_unit *unit;
	u16 function;

	(void)state;
	world_reset();
	unit = world_add_unit(WORLD_CAP, DT);
	world_add_rmrr(0x8c000000, 0x8c000fff);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	function = world_add_function(0, 3, 0, PCI_NO_PARENT);
	world_set_ats(function, 1);
	fake_device_add(unit, DEVICE, 1);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	pci_ats_off(&world.pci.function[function]);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->device[0].requests, 0);
	assert_int_equal(fake_device_dma(unit, DEVICE, 0x8c000000, true, &to), 0);
	assert_null(unit->violation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_they_hold_is_forgotten_and_then_ats_is_off),
		cmocka_unit_test(what_they_hold_is_of_no_use_meanwhile),
		cmocka_unit_test(a_silent_device_is_told_and_stays_blocked),
		cmocka_unit_test(patience_is_a_devices_but_ends),
		cmocka_unit_test(units_that_can_not_ask_do_not),
		cmocka_unit_test(only_those_whose_ats_was_on_below_units_that_can),
		cmocka_unit_test(a_device_in_use_by_firmware_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
