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
#define OTHER  SBDF(0, 0, 4, 0)
#define IOVA   0x105000ull
#define TARGET 0x12345000ull

static u64 to;

/* The ways in which a unit can be told to forget, and to see. Each test runs on all of them. */
static const struct {
	const char *name;
	u64 cap, ecap;
} kind[] = {
	{"plain", WORLD_CAP, WORLD_ECAP},
	{"caching mode", WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP},
	{"write buffer", WORLD_CAP | WORLD_CAP_RWBF, WORLD_ECAP},
	{"incoherent", WORLD_CAP, WORLD_ECAP & ~WORLD_ECAP_C},
	{"domain-selective only", WORLD_CAP & ~WORLD_CAP_PSI, WORLD_ECAP},
	{"snoop control", WORLD_CAP, WORLD_ECAP | WORLD_ECAP_SC},
	{"4 levels", WORLD_CAP & ~(1ull << 9), WORLD_ECAP},
	{"4K pages, 3 levels", 0x00d20080222f0206ull, WORLD_ECAP},
};

static struct iommu_domain attached_domain(void)
{
	struct iommu_domain domain;

	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(
		vtd_ops.map(&domain, iova(IOVA), hpa(TARGET), PAGE_SIZE, PT_READ | PT_WRITE), OK);
	return domain;
}

static void unattached_is_blocked_and_attached_reaches_its_mapping(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
		struct fake_unit *unit = world_enabled(kind[i].cap, kind[i].ecap);
		struct iommu_domain domain = attached_domain();

		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 1);
		assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
		assert_int_equal(fake_dma(unit, OTHER.bdf, IOVA, false, &to), 2);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA + 0x123, true, &to), 0);
		assert_int_equal(to, TARGET + 0x123);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA - 1, false, &to), 6);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA + PAGE_SIZE, true, &to), 5);
		assert_null(unit->violation);
	}
}

static void later_mappings_reach_the_unit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
		struct fake_unit *unit = world_enabled(kind[i].cap, kind[i].ecap);
		struct iommu_domain domain = attached_domain();
		u64 big = 0x80000000;

		assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
		/* Caching mode keeps in mind that nothing was there. */
		assert_int_equal(fake_dma(unit, DEVICE.bdf, big + 0x345678, false, &to), 6);
		assert_int_equal(vtd_ops.map(&domain, iova(big), hpa(0x10200000), MIB(4), PT_READ),
				 OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, big + 0x345678, false, &to), 0);
		assert_int_equal(to, 0x10200000 + 0x345678);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, big + 0x345678, true, &to), 5);
	}
}

static void unmapped_is_blocked_and_its_neighbour_is_not(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
		struct fake_unit *unit = world_enabled(kind[i].cap, kind[i].ecap);
		struct iommu_domain domain = attached_domain();

		assert_int_equal(vtd_ops.map(&domain, iova(0x200000), hpa(0x600000), MIB(2),
					     PT_READ | PT_WRITE),
				 OK);
		assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
		for (u64 page = 0x203000; page < 0x20b000; page += PAGE_SIZE)
			assert_int_equal(fake_dma(unit, DEVICE.bdf, page, true, &to), 0);
		/* Three pages that straddle a power of two. */
		assert_int_equal(vtd_ops.unmap(&domain, iova(0x207000), 3 * PAGE_SIZE), OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x206000, true, &to), 0);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x207000, true, &to), 5);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x209000, true, &to), 5);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x20a000, true, &to), 0);
		assert_int_equal(to, 0x60a000);
	}
}

static bool has_cached(const struct fake_unit *unit, u16 domain_id)
{
	for (unsigned i = 0; i < FAKE_CACHE; i++)
		if (unit->iotlb[i].valid && unit->iotlb[i].did == domain_id)
			return true;
	return false;
}

static void detached_is_blocked_and_may_go_elsewhere(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
		struct fake_unit *unit = world_enabled(kind[i].cap, kind[i].ecap);
		struct iommu_domain first = attached_domain(), second;

		assert_int_equal(vtd_ops.usage().domains, 1);
		assert_int_equal(vtd_ops.domain_create(&second, NULL), OK);
		assert_int_equal(vtd_ops.usage().domains, 2);
		assert_int_equal(vtd_ops.attach(&first, DEVICE), OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, true, &to), 0);
		assert_int_equal(vtd_ops.attach(&second, DEVICE), ERR_BUSY);
		assert_int_equal(vtd_ops.detach(&second, DEVICE), ERR_NOT_FOUND);
		assert_int_equal(vtd_ops.domain_destroy(&first), ERR_BUSY);
		assert_true(has_cached(unit, first.id));
		assert_int_equal(vtd_ops.detach(&first, DEVICE), OK);
		assert_false(has_cached(unit, first.id));
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, true, &to), 2);
		assert_int_equal(vtd_ops.attach(&second, DEVICE), OK);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, true, &to), 5);
		assert_int_equal(vtd_ops.domain_destroy(&first), OK);
	}
}

/* The same pages and ID serve the next domain; nothing of the old one may show through. */
static void destroyed_domains_give_back_all(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct iommu_domain domain = attached_domain();
	u32 free_pages;
	u16 id = domain.id;

	(void)state;
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), OK);
	assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
	free_pages = world_pool.free_pages;
	domain = attached_domain();
	assert_int_equal(domain.id, id);
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, true, &to), 0);
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), OK);
	assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
	assert_int_equal(world_pool.free_pages, free_pages);
}

static void the_interrupt_range_is_never_mapped(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct iommu_domain domain = attached_domain();
	u64 low = 0xc0000000, low_size = 0xfee00000 - low;

	(void)state;
	assert_int_equal(vtd_ops.map(&domain, iova(low), hpa(low), GIB(1), PT_READ), ERR_INVALID);
	assert_int_equal(vtd_ops.map(&domain, iova(0xfeeff000), hpa(0), PAGE_SIZE, PT_READ),
			 ERR_INVALID);
	assert_int_equal(vtd_ops.map(&domain, iova(low), hpa(low), low_size, PT_READ), OK);
	assert_int_equal(vtd_ops.map(&domain, iova(0xfef00000), hpa(0xfef00000), MIB(1), PT_READ),
			 OK);
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, 0xfedff000, false, &to), 0);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, 0xfee00000, false, &to), 6);
	assert_int_equal(
		vtd_ops.map(&domain, iova(BIT(vtd_ops.address_bits())), hpa(0), PAGE_SIZE, PT_READ),
		ERR_INVALID);
}

static void page_selective_invalidation_takes_no_more_than_needed(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct iommu_domain domain = attached_domain();
	unsigned before;

	(void)state;
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	before = unit->invalidations;
	assert_int_equal(vtd_ops.map(&domain, iova(0x300000), hpa(0), PAGE_SIZE, PT_READ), OK);
	assert_int_equal(unit->invalidations, before);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0);
	assert_int_equal(vtd_ops.unmap(&domain, iova(0x300000), PAGE_SIZE), OK);
	assert_int_equal(unit->invalidations, before + 1);
	assert_true(unit->iotlb[0].valid);
}

/* A unit without queue and interrupt remapping blocks, but nothing behind it is given away. */
static void registers_invalidate_where_there_is_no_queue(void **state)
{
	u64 ecap = WORLD_ECAP & ~(WORLD_ECAP_QI | WORLD_ECAP_IR);
	struct fake_unit *unit = world_enabled(WORLD_CAP, ecap);
	struct iommu_domain domain = attached_domain();
	struct iommu_interrupts interrupts;

	(void)state;
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 1);
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), ERR_UNSUPPORTED);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &interrupts), ERR_UNSUPPORTED);
	assert_int_equal(vtd_context_enter(&vtd.unit[0], &domain, DEVICE.bdf), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0);
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 6);
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 2);
	unit->registers_stuck = true;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), ERR_TIMEOUT);
	assert_true(vtd.unit[0].dead);
	assert_null(unit->violation);
}

/* 6.5.1: what was done reads back as 0 where the request was wrong. */
static void refuse_by_register(struct fake_unit *unit)
{
	unit->ccmd &= ~(3ull << 59);
}

static void what_a_register_refuses_is_not_done(void **state)
{
	u64 ecap = WORLD_ECAP & ~(WORLD_ECAP_QI | WORLD_ECAP_IR);
	struct fake_unit *unit = world_enabled(WORLD_CAP, ecap);
	struct iommu_domain domain = attached_domain();

	(void)state;
	assert_int_equal(vtd_context_enter(&vtd.unit[0], &domain, DEVICE.bdf), OK);
	unit->on_write = refuse_by_register;
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), ERR_HARDWARE);
	unit->on_write = NULL;
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), OK);
}

/* 11.4.2, ND 0: 16 of them, and 0 is not used. */
static void no_more_domains_than_the_unit_has_ids(void **state)
{
	struct iommu_domain domain;
	unsigned count = 0;

	(void)state;
	world_enabled(WORLD_CAP & ~7ull, WORLD_ECAP);
	while (count < 100 && vtd_ops.domain_create(&domain, NULL) == OK)
		count++;
	assert_int_equal(count, 15);
}

static void one_table_serves_units_that_differ(void **state)
{
	struct fake_unit *rich, *poor;
	struct iommu_domain domain;

	(void)state;
	world_reset();
	poor = world_add_drhd(0, 0, 0xfed91000, 0x00d20080222f0606ull, WORLD_ECAP);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	rich = world_add_unit(WORLD_CAP, WORLD_ECAP | WORLD_ECAP_SC);
	world_add_function(0, 3, 0, PCI_NO_PARENT);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.map(&domain, iova(0), hpa(0), MIB(2), PT_READ | PT_WRITE), OK);
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	assert_int_equal(vtd_ops.attach(&domain, OTHER), OK);
	assert_int_equal(fake_dma(poor, DEVICE.bdf, 0x5000, true, &to), 0);
	assert_int_equal(fake_dma(rich, OTHER.bdf, 0x5000, true, &to), 0);
	/* Each requester is known where it belongs only. */
	assert_int_equal(fake_dma(rich, DEVICE.bdf, 0x5000, true, &to), 2);
	assert_int_equal(vtd_ops.unmap(&domain, iova(0x5000), PAGE_SIZE), OK);
	assert_int_equal(fake_dma(poor, DEVICE.bdf, 0x5000, true, &to), 5);
	assert_int_equal(fake_dma(rich, OTHER.bdf, 0x5000, true, &to), 5);
}

/* The mapping is taken back, and what a unit learned of it meanwhile is forgotten. */
static void a_mapping_that_was_not_announced_is_none(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP);
	struct iommu_domain domain = attached_domain();
	u32 free_pages, tables = domain.pt.tables;
	struct pt_leaf leaf;

	(void)state;
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	free_pages = world_pool.free_pages;
	unit->refuse = 1;
	assert_int_equal(vtd_ops.map(&domain, iova(0x80000000), hpa(0x7000), PAGE_SIZE, PT_READ),
			 ERR_HARDWARE);
	assert_false(pt_lookup(&domain.pt, 0x80000000, &leaf));
	assert_false(domain.stale);
	assert_int_equal(domain.pt.tables, tables);
	assert_int_equal(world_pool.free_pages, free_pages);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x80000000, false, &to), 6);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, IOVA, false, &to), 0);
	assert_int_equal(vtd_ops.map(&domain, iova(0x80000000), hpa(0x9000), PAGE_SIZE, PT_READ),
			 OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, 0x80000000, false, &to), 0);
	assert_int_equal(to, 0x9000);
}

static void nor_where_the_unit_falls_silent(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP);
	struct iommu_domain domain = attached_domain();
	struct pt_leaf leaf;
	u32 free_pages;

	(void)state;
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	free_pages = world_pool.free_pages;
	unit->queue_stuck = true;
	assert_int_equal(vtd_ops.map(&domain, iova(0x80000000), hpa(0x7000), PAGE_SIZE, PT_READ),
			 ERR_TIMEOUT);
	assert_false(pt_lookup(&domain.pt, 0x80000000, &leaf));
	assert_true(domain.stale);
	assert_true(world_pool.free_pages < free_pages); /* the unit may still walk the tables */
	assert_true(pt_lookup(&domain.pt, IOVA, &leaf));

	unit = world_enabled(WORLD_CAP | WORLD_CAP_RWBF, WORLD_ECAP);
	domain = attached_domain();
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), OK);
	unit->commands_ignored = 1u << 27;
	assert_int_equal(vtd_ops.map(&domain, iova(0x80000000), hpa(0x7000), PAGE_SIZE, PT_READ),
			 ERR_TIMEOUT);
	assert_false(pt_lookup(&domain.pt, 0x80000000, &leaf));
	assert_true(domain.stale);
}

static unsigned writes_seen;

static void expect_locked(struct fake_unit *unit)
{
	(void)unit;
	writes_seen++;
	assert_int_equal(vtd.lock.held, 1);
}

static void expect_unlocked_after_writes(enum status status, enum status expected)
{
	assert_int_equal(status, expected);
	assert_int_equal(vtd.lock.held, 0);
	assert_true(writes_seen);
	writes_seen = 0;
}

static void registers_are_written_under_the_lock_alone(void **state)
{
	struct interrupt_target target = {.vector = 0x40};
	struct iommu_interrupts interrupts;
	struct iommu_domain domain;
	struct iommu_fault fault;
	struct fake_unit *unit;

	(void)state;
	world_reset();
	unit = world_add_unit(WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	writes_seen = 0;
	unit->on_write = expect_locked;
	expect_unlocked_after_writes(vtd_ops.enable(&world_event, false), OK);
	domain = attached_domain();
	expect_unlocked_after_writes(vtd_ops.attach(&domain, DEVICE), OK);
	expect_unlocked_after_writes(
		vtd_ops.map(&domain, iova(0x200000), hpa(0), PAGE_SIZE, PT_READ), OK);
	expect_unlocked_after_writes(vtd_ops.unmap(&domain, iova(0x200000), PAGE_SIZE), OK);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &interrupts), OK);
	expect_unlocked_after_writes(vtd_ops.interrupt_set(&interrupts, 0, &target), OK);
	expect_unlocked_after_writes(vtd_ops.interrupt_clear(&interrupts, 0), OK);
	expect_unlocked_after_writes(vtd_ops.interrupts_free(&interrupts), OK);
	fake_dma(unit, OTHER.bdf, 0, false, &to);
	expect_unlocked_after_writes(vtd_ops.faults(&fault, 1) == 1 ? OK : ERR_NOT_FOUND, OK);
	expect_unlocked_after_writes(vtd_ops.detach(&domain, DEVICE), OK);
	expect_unlocked_after_writes(vtd_ops.domain_destroy(&domain), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_INVALID);
	assert_int_equal(vtd_ops.interrupts_alloc_ioapic(77, 1, &interrupts), ERR_NOT_FOUND);
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), ERR_NOT_FOUND);
	assert_int_equal(vtd.lock.held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unattached_is_blocked_and_attached_reaches_its_mapping),
		cmocka_unit_test(later_mappings_reach_the_unit),
		cmocka_unit_test(unmapped_is_blocked_and_its_neighbour_is_not),
		cmocka_unit_test(detached_is_blocked_and_may_go_elsewhere),
		cmocka_unit_test(destroyed_domains_give_back_all),
		cmocka_unit_test(the_interrupt_range_is_never_mapped),
		cmocka_unit_test(page_selective_invalidation_takes_no_more_than_needed),
		cmocka_unit_test(registers_invalidate_where_there_is_no_queue),
		cmocka_unit_test(what_a_register_refuses_is_not_done),
		cmocka_unit_test(no_more_domains_than_the_unit_has_ids),
		cmocka_unit_test(one_table_serves_units_that_differ),
		cmocka_unit_test(a_mapping_that_was_not_announced_is_none),
		cmocka_unit_test(nor_where_the_unit_falls_silent),
		cmocka_unit_test(registers_are_written_under_the_lock_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
