// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
/* What the unit keeps of the tables that it walked, and that nobody reuses what it may still walk. */
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define DEVICE SBDF(0, 0, 3, 0)
#define IOVA   0x105000ull
#define TARGET 0x12345000ull
#define REGION 0x40000000ull /* its table is used by nothing else */
#define IH     BIT(6)

static u64 to;

static struct fake_unit *attached(u64 cap, struct iommu_domain *domain)
{
	struct fake_unit *unit = world_enabled(cap, WORLD_ECAP);

	assert_int_equal(vtd_ops.domain_create(domain, NULL), OK);
	assert_int_equal(
		vtd_ops.map(domain, iova(IOVA), hpa(TARGET), 2 * PAGE_SIZE, PT_READ | PT_WRITE),
		OK);
	assert_int_equal(vtd_ops.attach(domain, DEVICE), OK);
	return unit;
}

static void expect(struct fake_unit *unit, u64 address, u64 target)
{
	assert_int_equal(fake_dma(unit, DEVICE.bdf, address, true, &to), 0);
	assert_int_equal(to, target);
}

static void invalidate(u64 address)
{
	assert_int_equal(vtd_queue_run(&vtd.unit[0], vtd_inv_iotlb_make(VTD_SELECTIVE, 1, address,
									0, true, true)),
			 OK);
}

/* Entry 0x105 of another table stands for pages that nobody touched yet; IH says that no table has changed. */
static void tables_stay_cached_until_the_right_invalidation(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = attached(WORLD_CAP, &domain);
	u64 table[512] = {[0x105] = 0x8000 | 3, [0x106] = 0x9000 | 3};
	u64 *old = pt_entry(&domain.pt, IOVA) - 0x105;
	u64 *link = pool_page(&world_pool, domain.pt.root);
	struct vtd_entry with_ih = vtd_inv_iotlb_make(VTD_SELECTIVE, 1, IOVA, 0, true, true);

	(void)state;
	assert_int_equal(domain.id, 1);
	expect(unit, IOVA, TARGET);
	/* Three levels: the root's first entry, and that one's first. */
	link = pool_page(&world_pool, hpa(link[0] & BITS(51, 12)));
	assert_ptr_equal(old, pool_page(&world_pool, hpa(link[0] & BITS(51, 12))));
	memcpy(fake_memory_at(WORLD_FREE_PAGE), table, sizeof(table));
	link[0] = WORLD_FREE_PAGE | 3;
	expect(unit, IOVA + PAGE_SIZE, TARGET + PAGE_SIZE);
	with_ih.high |= IH;
	assert_int_equal(vtd_queue_run(&vtd.unit[0], with_ih), OK);
	expect(unit, IOVA, TARGET);
	invalidate(REGION);
	expect(unit, IOVA, TARGET);
	invalidate(IOVA);
	expect(unit, IOVA, 0x8000);
	/* That page's translation is apart from the table. */
	expect(unit, IOVA + PAGE_SIZE, TARGET + PAGE_SIZE);
	invalidate(IOVA + PAGE_SIZE);
	expect(unit, IOVA + PAGE_SIZE, 0x9000);
	assert_null(unit->violation);
}

/* In caching mode a table that is not there is kept in mind too. */
static void absent_tables_are_cached_in_caching_mode(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = attached(WORLD_CAP | WORLD_CAP_CM, &domain);
	struct pool_chain none = {0};

	(void)state;
	assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION, true, &to), 5);
	/* Past the driver, so that nobody is told. */
	assert_int_equal(
		pt_map(&domain.pt, REGION, hpa(TARGET), 2 * PAGE_SIZE, PT_READ | PT_WRITE, &none),
		OK);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION + PAGE_SIZE, true, &to), 5);
	invalidate(REGION + PAGE_SIZE);
	expect(unit, REGION + PAGE_SIZE, TARGET + PAGE_SIZE);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION, true, &to), 5);

	unit = attached(WORLD_CAP, &domain);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION, true, &to), 5);
	assert_int_equal(
		pt_map(&domain.pt, REGION, hpa(TARGET), PAGE_SIZE, PT_READ | PT_WRITE, &none), OK);
	expect(unit, REGION, TARGET);
}

static bool has_cached_table(const struct fake_unit *unit, u64 address)
{
	u64 table;

	return fake_deepest_table(unit, 1, address, 3, &table) == 1;
}

/* The unit was not told, so it walks the region's old table still: what if that were another domain's by now? */
static void a_table_that_may_be_walked_is_not_reused(void **state)
{
	struct iommu_domain domain, other;
	struct fake_unit *unit = attached(WORLD_CAP, &domain);

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&other, NULL), OK);
	assert_int_equal(vtd_ops.map(&other, iova(MIB(20)), hpa(0), PAGE_SIZE, PT_READ), OK);
	assert_int_equal(vtd_ops.map(&domain, iova(REGION), hpa(TARGET), PAGE_SIZE, PT_WRITE), OK);
	expect(unit, REGION, TARGET);
	assert_true(has_cached_table(unit, REGION));
	unit->refuse = 1;
	assert_int_equal(vtd_ops.unmap(&domain, iova(REGION), PAGE_SIZE), ERR_HARDWARE);
	assert_true(has_cached_table(unit, REGION));
	/* Each takes one more table, of the same level. */
	for (u64 at = 0; at < MIB(16); at += MIB(2))
		assert_int_equal(vtd_ops.map(&other, iova(at), hpa(0x666000), 8 * PAGE_SIZE,
					     PT_READ | PT_WRITE),
				 OK);
	for (u64 page = 1; page < 8; page++)
		assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION + page * PAGE_SIZE, true, &to),
				 5);
	/* Once it was told, it walks nothing old, and the page may serve again. */
	assert_int_equal(vtd_ops.unmap(&domain, iova(REGION), PAGE_SIZE), OK);
	assert_false(has_cached_table(unit, REGION));
	assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION, true, &to), 5);
}

/* A mapping that takes the place of one that a unit may still know is the only one from then on. */
static void what_was_not_forgotten_makes_room(void **state)
{
	struct iommu_domain domain;
	struct fake_unit *unit = attached(WORLD_CAP, &domain);

	(void)state;
	expect(unit, IOVA, TARGET);
	unit->refuse = 1;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), 2 * PAGE_SIZE), ERR_HARDWARE);
	assert_int_equal(vtd_ops.map(&domain, iova(IOVA), hpa(0x8000), PAGE_SIZE, PT_WRITE), OK);
	expect(unit, IOVA, 0x8000);

	/* The table of tables was that of others too. */
	unit->refuse = 1;
	assert_int_equal(vtd_ops.unmap(&domain, iova(IOVA), PAGE_SIZE), ERR_HARDWARE);
	assert_int_equal(vtd_ops.map(&domain, iova(MIB(6)), hpa(0x9000), PAGE_SIZE, PT_WRITE), OK);
	expect(unit, MIB(6), 0x9000);

	unit->refuse = 2;
	assert_int_equal(vtd_ops.unmap(&domain, iova(MIB(6)), PAGE_SIZE), ERR_HARDWARE);
	assert_int_equal(vtd_ops.map(&domain, iova(MIB(6)), hpa(0x8000), PAGE_SIZE, PT_WRITE),
			 ERR_HARDWARE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_stay_cached_until_the_right_invalidation),
		cmocka_unit_test(absent_tables_are_cached_in_caching_mode),
		cmocka_unit_test(what_was_not_forgotten_makes_room),
		cmocka_unit_test(a_table_that_may_be_walked_is_not_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
