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
#define IOVA   0x105000ull

static u64 to;

static struct fake_unit *with_device(struct iommu_domain *domain)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);

	assert_int_equal(vtd_ops.domain_create(domain, NULL), OK);
	assert_int_equal(vtd_ops.map(domain, iova(IOVA), hpa(0x7000), PAGE_SIZE, PT_READ), OK);
	assert_int_equal(vtd_ops.attach(domain, DEVICE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0);
	return unit;
}

/* The ring has 256 places, two for each call. */
static void the_ring_goes_round(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = with_device(&domain);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 6);
		assert_int_equal(vtd_ops.map(&domain, iova(IOVA), hpa(0x7000), PAGE_SIZE, PT_READ),
				 OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0);
	}
	assert_null(unit->violation);
}

/* The invalidation was not done, so nothing is freed; the next one makes up for it. */
static void a_refused_descriptor_is_told_and_stepped_over(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = with_device(&domain);
	u32 free_pages = world_pool.free_pages;

	(void)state;
	unit->refuse = 1;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), ERR_HARDWARE);
	assert_int_equal(unit->fsts, 0);
	assert_int_equal(unit->iqh, unit->iqt);
	assert_false(vtd.unit[0].dead);
	assert_int_equal(world_pool.free_pages, free_pages);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0); /* still cached */
	assert_non_null(strstr(captured_log(), "refused invalidation descriptor"));
	assert_int_equal(vtd_ops.unmap(&domain, iova(0x8000000), PAGE_SIZE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 6);
	assert_int_equal(world_pool.free_pages, free_pages + 2);
}

/* A detach that failed holds the entry and the domain until it is repeated. */
static void a_failed_detach_can_be_repeated(void **state)
{
	struct iommu_domain domain, other;
	struct fake_unit *unit = with_device(&domain);

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&other, NULL), OK);
	unit->refuse = 1;
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), ERR_HARDWARE);
	assert_int_equal(vtd_ops.attach(&other, DEVICE), ERR_BUSY);
	assert_int_equal(vtd_ops.domain_destroy(&domain), ERR_BUSY);
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 2);
	assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
}

/* Whoever asked the device, firmware perhaps: the queue's own waits are dropped with it (6.5.2.11). */
static void a_silent_device_does_not_stop_the_queue(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = with_device(&domain);

	(void)state;
	unit->device_silent = 1;
	assert_int_equal(vtd_invalidate_context_all(&vtd.unit[0]), ERR_HARDWARE);
	assert_int_equal(unit->fsts, 0);
	assert_false(vtd.unit[0].dead);
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
}

static void an_unexpected_completion_is_only_told(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = with_device(&domain);

	(void)state;
	unit->fsts = 1 << 5;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
	unit->fsts = 1 << 5;
	unit->queue_ms = 1;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
	assert_int_equal(unit->fsts, 0);
	unit->fsts = 1 << 5 | 1 << 6;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), ERR_HARDWARE);
	assert_int_equal(unit->fsts, 0);
}

static unsigned fetched_late;

/* The tail was written, and the unit has not followed. */
static void fetch_late(struct fake_unit *unit)
{
	fetched_late += unit->iqh != unit->iqt;
}

/* It is behind with what it was given, each time, and does one after the other. */
static void late_answers_are_waited_for(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = with_device(&domain);

	(void)state;
	unit->queue_ms = 300;
	unit->on_write = fetch_late;
	fetched_late = 0;
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 6);
		assert_int_equal(vtd_ops.map(&domain, iova(IOVA), hpa(0x7000), PAGE_SIZE, PT_READ),
				 OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0);
	}
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 2);
	assert_int_equal(fetched_late, 202);
	assert_null(unit->violation);
}

/* Firmware's queue has something to do yet: it is waited for, or the unit would be in the middle of it. */
static void firmwares_queue_runs_empty_first(void **state)
{
	struct fake_unit *unit;
	u64 wait[2] = {5, 0};

	(void)state;
	world_reset();
	unit = world_add_unit(WORLD_CAP, WORLD_ECAP);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	for (unsigned i = 0; i < 3; i++)
		memcpy(fake_memory_at(WORLD_FREE_PAGE + 16 * i), wait, sizeof(wait));
	unit->iqa = WORLD_FREE_PAGE;
	unit->iqt = 3 * 16;
	unit->gsts = 1u << 26;
	unit->queue_ms = 100;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->queue_starts, 1);
	assert_null(unit->violation);
}

static void expect_dead(struct fake_unit *unit, struct iommu_domain *domain)
{
	struct iommu_interrupts interrupts;
	u32 free_pages = world_pool.free_pages;
	u64 tail;

	assert_int_equal(vtd_ops.unmap(domain, iova(IOVA), PAGE_SIZE), ERR_TIMEOUT);
	assert_true(vtd.unit[0].dead);
	tail = unit->iqt;
	/* It comes back to life, too late: nobody asks it for anything again. */
	unit->queue_stuck = unit->status_lost = false;
	assert_int_equal(vtd_ops.unmap(domain, iova(0x200000), PAGE_SIZE), ERR_HARDWARE);
	assert_int_equal(vtd_ops.detach(domain, DEVICE), ERR_HARDWARE);
	assert_int_equal(vtd_ops.domain_destroy(domain), ERR_BUSY);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &interrupts), OK);
	assert_int_equal(
		vtd_ops.interrupt_set(&interrupts, 0, &(struct interrupt_target){.vector = 0x40}),
		ERR_HARDWARE);
	assert_int_equal(vtd_ops.interrupt_clear(&interrupts, 0), ERR_HARDWARE);
	assert_int_equal(unit->iqt, tail);
	assert_int_equal(world_pool.free_pages, free_pages);
}

static void a_unit_that_does_not_answer_is_dead(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = with_device(&domain);

	(void)state;
	unit->queue_stuck = true;
	expect_dead(unit, &domain);
	unit = with_device(&domain);
	unit->status_lost = true;
	expect_dead(unit, &domain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ring_goes_round),
		cmocka_unit_test(a_refused_descriptor_is_told_and_stepped_over),
		cmocka_unit_test(a_failed_detach_can_be_repeated),
		cmocka_unit_test(a_silent_device_does_not_stop_the_queue),
		cmocka_unit_test(an_unexpected_completion_is_only_told),
		cmocka_unit_test(late_answers_are_waited_for),
		cmocka_unit_test(firmwares_queue_runs_empty_first),
		cmocka_unit_test(a_unit_that_does_not_answer_is_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
