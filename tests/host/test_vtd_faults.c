// sources: iommu/dmar.c iommu/scope.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_world.c
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define DEVICE SBDF(0, 0, 3, 0)
#define ONE    (WORLD_CAP & ~(0xffull << 40))
#define FOUR   (ONE | 3ull << 40)

static struct iommu_fault fault[16];
static u64 to;

static void faults_are_told_in_words(void **state)
{
	struct fake_unit *unit = world_enabled(ONE, WORLD_ECAP);

	(void)state;
	assert_int_equal(vtd_ops.faults(fault, 16), 0);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x123456789, true, &to), 1);
	assert_int_equal(unit->fault_events, 1);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_true(sbdf_equal(fault[0].requester, DEVICE));
	assert_true(fault[0].address == 0x123456000);
	assert_true(fault[0].write && !fault[0].interrupt);
	assert_int_equal(fault[0].reason_code,
			 1); /* what lies above its 8 bits is not part of it */
	assert_string_equal(fault[0].reason, "the bus has no root entry: blocked");
	assert_int_equal(vtd_ops.faults(fault, 16), 0);
	fake_dma(unit, DEVICE.bdf, 0x5000, false, &to);
	assert_int_equal(unit->fault_events, 2);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_false(fault[0].write);
}

static void interrupt_faults_tell_the_index(void **state)
{
	struct fake_unit *unit = world_enabled(ONE, WORLD_ECAP);
	struct fake_delivery out;

	(void)state;
	assert_int_equal(fake_message(unit, DEVICE.bdf, 0xfee00010 | 77 << 5, 0, &out), 0x22);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_true(fault[0].interrupt && !fault[0].write);
	assert_int_equal(fault[0].address, 77);
	assert_string_equal(fault[0].reason, "the interrupt entry is not present");
}

static void all_records_are_taken_and_overflow_is_cleared(void **state)
{
	struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

	(void)state;
	for (u16 sid = 1; sid <= 6; sid++)
		fake_dma(unit, sid, 0x1000u * sid, false, &to);
	assert_int_equal(unit->fsts & 1, 1);
	assert_int_equal(vtd_ops.faults(fault, 16), 4);
	for (u16 i = 0; i < 4; i++)
		assert_int_equal(fault[i].requester.bdf, i + 1);
	assert_int_equal(unit->fsts & 3, 0);
	/* It records again. */
	fake_dma(unit, 9, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_int_equal(fault[0].requester.bdf, 9);
}

/* Records are a ring: the oldest is where FRI says. */
static void the_oldest_comes_first_and_max_is_kept(void **state)
{
	struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

	(void)state;
	for (u16 sid = 1; sid <= 4; sid++)
		fake_dma(unit, sid, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 3), 3);
	fake_dma(unit, 5, 0, false, &to);
	fake_dma(unit, 6, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 16), 3);
	assert_int_equal(fault[0].requester.bdf, 4);
	assert_int_equal(fault[1].requester.bdf, 5);
	assert_int_equal(fault[2].requester.bdf, 6);
	assert_int_equal(unit->fsts & 3, 0);
}

/* A device that faults again on each register write can't keep the CPU. */
static void storm(struct fake_unit *unit)
{
	fake_fault(unit, DEVICE.bdf, 2, 0, true);
}

static void a_storm_does_not_hold_the_cpu(void **state)
{
	struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

	(void)state;
	storm(unit);
	unit->on_write = storm;
	assert_in_range(vtd_ops.faults(fault, 16), 1, 4);
}

static void every_reason_has_words(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 256; code++)
		assert_true(strlen(vtd_fault_reason((u8)code)) > 5);
	assert_non_null(strstr(vtd_fault_reason(0x25), "compatibility"));
	assert_non_null(strstr(vtd_fault_reason(0xff), "does not name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_told_in_words),
		cmocka_unit_test(interrupt_faults_tell_the_index),
		cmocka_unit_test(all_records_are_taken_and_overflow_is_cleared),
		cmocka_unit_test(the_oldest_comes_first_and_max_is_kept),
		cmocka_unit_test(a_storm_does_not_hold_the_cpu),
		cmocka_unit_test(every_reason_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
