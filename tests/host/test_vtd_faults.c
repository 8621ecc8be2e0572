// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define DEVICE SBDF(0, 0, 3, 0)
#define ONE    (WORLD_CAP & ~(0xffull << 40))
#define FOUR   (ONE | 3ull << 40)
#define TWENTY (ONE | 19ull << 40)

/* Any of these set, and the unit raises no further event. */
#define FSTS_FIELDS 0x7f
#define FSTS_PFO    0x01
#define FSTS_IQE    0x10
#define FSTS_ICE    0x20
#define FSTS_ITE    0x40

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

/* What all of this is for: the next fault is told of. */
static void expect_to_hear_of_the_next(struct fake_unit *unit)
{
	unsigned events = unit->fault_events;

	assert_int_equal(unit->fsts & FSTS_FIELDS, 0);
	fake_dma(unit, DEVICE.bdf, 0x5000, false, &to);
	assert_int_equal(unit->fault_events, events + 1);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_int_equal(fault[0].requester.bdf, DEVICE.bdf);
}

static void more_than_max_are_taken_by_two_calls(void **state)
{
	struct fake_unit *unit = world_enabled(TWENTY, WORLD_ECAP);

	(void)state;
	for (u16 sid = 1; sid <= 17; sid++)
		fake_dma(unit, sid, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 16), 16);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_int_equal(fault[0].requester.bdf, 17);
	expect_to_hear_of_the_next(unit);
}

/* As many as were asked for: the caller need not come again for the overflow alone to be cleared. */
static void overflow_is_cleared_with_the_last_record(void **state)
{
	struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

	(void)state;
	for (u16 sid = 1; sid <= 6; sid++)
		fake_dma(unit, sid, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 4), 4);
	expect_to_hear_of_the_next(unit);

	unit = world_enabled(TWENTY, WORLD_ECAP);
	for (u16 sid = 1; sid <= 22; sid++)
		fake_dma(unit, sid, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 16), 16);
	assert_int_equal(vtd_ops.faults(fault, 16), 4);
	expect_to_hear_of_the_next(unit);
}

static unsigned faults_to_come;

static void fault_on_each_write(struct fake_unit *unit)
{
	if (faults_to_come)
		fake_fault(unit, (u16)faults_to_come--, 2, 0, true);
}

/* Records are used in turn, so these land before and behind the one that is being taken. */
static void faults_that_land_meanwhile_are_taken_too(void **state)
{
	(void)state;
	for (unsigned more = 1; more <= 10; more++) {
		struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

		fake_dma(unit, 11, 0, false, &to);
		fake_dma(unit, 12, 0, false, &to);
		faults_to_come = more;
		unit->on_write = fault_on_each_write;
		assert_int_equal(vtd_ops.faults(fault, 16), 2 + more);
		assert_int_equal(fault[1 + more].requester.bdf, 1);
		unit->on_write = NULL;
		expect_to_hear_of_the_next(unit);
	}
}

static void queue_errors_do_not_silence_the_event(void **state)
{
	static const u32 error[] = {FSTS_IQE, FSTS_ICE, FSTS_ITE, FSTS_ICE | FSTS_ITE};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(error); i++) {
		struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

		fake_raise(unit, error[i]);
		assert_int_equal(unit->fault_events, 1);
		assert_int_equal(vtd_ops.faults(fault, 16), 0);
		expect_to_hear_of_the_next(unit);
	}
}

/* It would fetch the refused descriptor again, and raise the event again, without end. */
static void a_dead_units_queue_stays_stopped(void **state)
{
	struct fake_unit *unit = world_enabled(FOUR, WORLD_ECAP);

	(void)state;
	vtd.unit[0].dead = true;
	fake_raise(unit, FSTS_IQE | FSTS_ICE);
	fake_dma(unit, 7, 0, false, &to);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_int_equal(unit->fsts & FSTS_FIELDS, FSTS_IQE);
}

/* What a device can cause at will must not fill the log. */
static void overflows_are_told_ever_more_rarely(void **state)
{
	struct fake_unit *unit = world_enabled(ONE, WORLD_ECAP);
	unsigned lines = 0;

	(void)state;
	captured_log_clear();
	for (unsigned i = 0; i < 1000; i++) {
		fake_fault(unit, 1, 2, 0, true);
		fake_fault(unit, 2, 2, 0, true);
		assert_true(unit->fsts & FSTS_PFO);
		fake_raise(unit, FSTS_ICE);
		assert_int_equal(vtd_ops.faults(fault, 16), 1);
	}
	for (const char *at = captured_log(); (at = strchr(at, '\n')); at++)
		lines++;
	assert_in_range(lines, 2, 20);
	expect_to_hear_of_the_next(unit);
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
	assert_in_range(vtd_ops.faults(fault, 16), 1, 16);
	unit->on_write = NULL;
	while (vtd_ops.faults(fault, 16) == 16)
		;
	expect_to_hear_of_the_next(unit);
}

static void a_storm_on_one_unit_does_not_hide_another(void **state)
{
	struct fake_unit *stormy, *calm;
	bool found = false;

	(void)state;
	world_reset();
	stormy = world_add_drhd(0, 0, 0xfed91000, FOUR, WORLD_ECAP);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	calm = world_add_unit(FOUR, WORLD_ECAP);
	world_add_function(0, 3, 0, PCI_NO_PARENT);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	storm(stormy);
	stormy->on_write = storm;
	fake_dma(calm, 9, 0, false, &to);
	for (unsigned call = 0; call < 2; call++) {
		unsigned count = vtd_ops.faults(fault, 16);

		for (unsigned i = 0; i < count; i++)
			found |= fault[i].unit == 1;
	}
	assert_true(found);
	stormy->on_write = NULL;
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
		cmocka_unit_test(more_than_max_are_taken_by_two_calls),
		cmocka_unit_test(overflow_is_cleared_with_the_last_record),
		cmocka_unit_test(faults_that_land_meanwhile_are_taken_too),
		cmocka_unit_test(queue_errors_do_not_silence_the_event),
		cmocka_unit_test(a_dead_units_queue_stays_stopped),
		cmocka_unit_test(overflows_are_told_ever_more_rarely),
		cmocka_unit_test(a_storm_does_not_hold_the_cpu),
		cmocka_unit_test(a_storm_on_one_unit_does_not_hide_another),
		cmocka_unit_test(every_reason_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
