// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
/* Units that firmware left on, in all the ways it may. */
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define TES  0x80000000u
#define QIES 0x04000000u
#define IRES 0x02000000u
#define CFIS 0x00800000u

static u64 to;

static struct fake_unit *probed(u64 cap, u64 ecap)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(cap, ecap);

	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	return unit;
}

static void put64(u64 at, u64 value)
{
	memcpy(fake_memory_at(at), &value, sizeof(value));
}

/* Firmware's: 00:03.0 reaches page 0x7000, by tables of 3 levels, and interrupt entry 5. */
static void firmware_left_it_on(struct fake_unit *unit)
{
	u64 base = WORLD_FREE_PAGE;

	put64(base, (base + 0x1000) | 1);
	put64(base + 0x1000 + 0x18 * 16, (base + 0x2000) | 1);
	put64(base + 0x1000 + 0x18 * 16 + 8, 1 | 1 << 8);
	put64(base + 0x2000, (base + 0x3000) | 3);
	put64(base + 0x3000, (base + 0x4000) | 3);
	put64(base + 0x4000 + 7 * 8, 0x7000 | 3);
	put64(base + 0x5000 + 5 * 16, 0x310001);
	put64(base + 0x5000 + 5 * 16 + 8, 0x40018);
	unit->rtaddr = unit->root_latched = base;
	unit->irta = unit->irta_latched = (base + 0x5000) | 7;
	unit->iqa = base + 0x6000;
	unit->iqh = unit->iqt = 0x40;
	unit->gsts = TES | QIES | IRES | CFIS | 0x41000000;
}

static void never_open(struct fake_unit *unit)
{
	struct fake_delivery out;

	assert_true(unit->gsts & TES);
	assert_true(unit->gsts & IRES);
	assert_int_not_equal(fake_dma(unit, 0x18, 0x8000, true, &to), 0);
	assert_int_not_equal(fake_dma(unit, 0x20, 0x7000, true, &to), 0);
	if (!fake_message(unit, 0x18, 0xfee00010 | 5 << 5, 0, &out))
		assert_true(out.remapped);
}

static void what_firmware_left_on_is_taken_over_without_a_gap(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP);
	struct fake_delivery out;

	(void)state;
	firmware_left_it_on(unit);
	assert_int_equal(fake_dma(unit, 0x18, 0x7000, true, &to), 0);
	assert_int_equal(fake_message(unit, 0x18, 0xfee00010 | 5 << 5, 0, &out), 0);
	assert_int_equal(out.vector, 0x31);
	unit->on_write = never_open;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	unit->on_write = NULL;
	assert_int_equal(fake_dma(unit, 0x18, 0x7000, true, &to), 1);
	assert_int_equal(fake_message(unit, 0x18, 0xfee00010 | 5 << 5, 0, &out), 0x22);
	assert_int_equal(unit->gsts & CFIS, 0);
	assert_int_equal(unit->queue_starts, 1);
	assert_int_equal(unit->iectl, TES);
	assert_null(unit->violation);
}

#define SCALABLE_MODE (1u << 10)
#define ABORT_MODE    (3u << 10)

/* Two units, translating in this mode. 00:03.0 has a reserved region and is served by the first one. */
static void left_in_mode(u32 mode, struct fake_unit **first, struct fake_unit **second)
{
	world_reset();
	*first = world_add_drhd(0, 0, 0xfed91000, WORLD_CAP, WORLD_ECAP);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	*second = world_add_unit(WORLD_CAP, WORLD_ECAP);
	world_add_rmrr(0x8c000000, 0x8c000fff);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	world_add_function(0, 3, 0, PCI_NO_PARENT);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	(*second)->rtaddr = (*second)->root_latched = WORLD_FREE_PAGE | mode;
	(*second)->gsts = TES;
}

static void expect_taken_over(struct fake_unit *unit)
{
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->gsts & (TES | IRES), TES | IRES);
	assert_int_equal(unit->root_latched & 0xfff, 0);
	assert_in_range(fake_dma(unit, 0x20, 0x7000, true, &to), 1, 2);
	assert_null(unit->violation);
}

static void other_modes_than_legacy_are_left_by_translation_off(void **state)
{
	static const struct {
		u32 mode;
		const char *told;
	} left[] = {
		{SCALABLE_MODE, "scalable mode"},
		{2u << 10, "a reserved mode"},
		{ABORT_MODE, "abort-DMA mode"},
	};
	struct fake_unit *first, *second;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(left); i++) {
		left_in_mode(left[i].mode, &first, &second);
		expect_taken_over(second);
		assert_non_null(strstr(captured_log(), left[i].told));
	}
}

/* In between, the device's requests would not be translated; in abort mode it never got any through. */
static void reserved_regions_forbid_that_but_in_abort_mode(void **state)
{
	struct fake_unit *first, *second;

	(void)state;
	left_in_mode(0, &first, &second);
	first->rtaddr = first->root_latched = WORLD_FREE_PAGE | SCALABLE_MODE;
	first->gsts = TES | 1u << 30;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_HARDWARE);
	assert_int_equal(first->gsts, TES | 1u << 30);

	left_in_mode(0, &first, &second);
	first->rtaddr = first->root_latched = WORLD_FREE_PAGE | ABORT_MODE;
	first->gsts = TES;
	expect_taken_over(first);
	assert_int_equal(fake_dma(first, 0x18, 0x8c000000, true, &to), 0);
}

static void firmwares_faults_do_not_silence_ours(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP | 3ull << 40, WORLD_ECAP);
	struct iommu_fault fault[16];

	(void)state;
	fake_raise(unit, 1u << 4 | 1u << 5 | 1u << 6);
	for (u16 sid = 1; sid <= 6; sid++)
		fake_fault(unit, sid, 2, 0, true);
	unit->gsts |= 1u << 28;		 /* the advanced log, which leaves the records empty, */
	unit->fsts |= 1u << 2 | 1u << 3; /* and has overflown itself */
	assert_int_equal(unit->fsts & 0x7f, 0x7f);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->fsts & 0x7f, 0);
	assert_int_equal(unit->gsts & 1u << 28, 0);
	assert_int_equal(unit->fault_events, 0);
	assert_int_equal(vtd_ops.faults(fault, 16), 0);
	assert_int_equal(fake_dma(unit, 0x18, 0x7000, true, &to), 1);
	assert_int_equal(unit->fault_events, 1);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);
	assert_int_equal(fault[0].requester.bdf, 0x18);
	assert_null(unit->violation);

	unit = probed(WORLD_CAP, WORLD_ECAP);
	unit->gsts = unit->commands_ignored = 1u << 28;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_TIMEOUT);
}

static void fault_once(struct fake_unit *unit)
{
	if (unit->gsts & TES && !vtd.enabled) {
		unit->on_write = NULL;
		fake_fault(unit, 0x18, 2, 0x7000, true);
	}
}

static unsigned faults_to_come;

static void fault_on_write(struct fake_unit *unit)
{
	if (faults_to_come) {
		faults_to_come--;
		fake_fault(unit, 0x18, 2, 0x7000, true);
	}
}

/* The event is masked until the end; what came before is told then. */
static void faults_while_enabling_are_told(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP);
	struct iommu_fault fault[16];

	(void)state;
	unit->on_write = fault_once;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->fault_events, 1);
	assert_int_equal(vtd_ops.faults(fault, 16), 1);

	/* In records that were freed already: with firmware's before, something was pending all along. */
	unit = probed(WORLD_CAP | 3ull << 40, WORLD_ECAP);
	unit->fectl = 0;
	faults_to_come = 7;
	fault_on_write(unit);
	fault_on_write(unit);
	assert_int_equal(unit->fault_events, 1);
	unit->on_write = fault_on_write;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->fsts & 0x7f, 0);
	fake_dma(unit, 0x18, 0x7000, true, &to);
	assert_int_equal(unit->fault_events, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_firmware_left_on_is_taken_over_without_a_gap),
		cmocka_unit_test(other_modes_than_legacy_are_left_by_translation_off),
		cmocka_unit_test(reserved_regions_forbid_that_but_in_abort_mode),
		cmocka_unit_test(firmwares_faults_do_not_silence_ours),
		cmocka_unit_test(faults_while_enabling_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
