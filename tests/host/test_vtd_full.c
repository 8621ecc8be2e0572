// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
/* Memory that runs out at any step, and more reserved regions than there is room for. */
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define TES    0x80000000u
#define DEVICE SBDF(0, 0, 3, 0)
#define REGION 0x8c000000ull
#define IOVA   0x105000ull

static u64 to;

/* Leaves so many pages in the pool. */
static void leave_pages(u32 count)
{
	while (world_pool.free_pages > count)
		assert_non_null(pool_take(&world_pool));
}

/* One unit, and the device with a reserved region. */
static struct fake_unit *machine(void)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(WORLD_CAP, WORLD_ECAP);

	world_add_rmrr(REGION, REGION + 0xfff);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	return unit;
}

/* Whatever is missing: it is said, and the unit was not turned on with half of its tables. */
static void enabling_takes_all_pages_or_fails(void **state)
{
	enum status status = ERR_NO_MEMORY;
	u32 pages;

	(void)state;
	for (pages = 0; status == ERR_NO_MEMORY; pages++) {
		struct fake_unit *unit = machine();

		assert_in_range(pages, 0, 64);
		leave_pages(pages);
		status = vtd_ops.enable(&world_event, false);
		if (status != OK)
			assert_int_equal(unit->gsts & TES, 0);
	}
	assert_int_equal(status, OK);
	assert_in_range(pages, 10, 64);
}

/* A device of another bus, whose context table is still to be made. */
#define FAR_DEVICE SBDF(0, 5, 1, 0)

static void expect_nothing_left(struct fake_unit *unit, struct sbdf device, u32 domains)
{
	assert_int_not_equal(fake_dma(unit, device.bdf, IOVA, false, &to), 0);
	assert_int_equal(vtd_ops.usage().domains, domains);
	assert_null(unit->violation);
}

/* Each step is done wholly or not at all; nothing is lost by one that failed. */
static void assigning_takes_all_pages_or_nothing(void **state)
{
	enum status status = ERR_NO_MEMORY;
	unsigned failed_at[3] = {0};

	(void)state;
	for (u32 pages = 0; status != OK; pages++) {
		struct fake_unit *unit = machine();
		struct iommu_domain domain = {0};
		unsigned step = 0;

		assert_int_equal(vtd_ops.enable(&world_event, false), OK);
		u32 domains = vtd_ops.usage().domains;

		leave_pages(pages);
		status = vtd_ops.domain_create(&domain, NULL);
		if (status == OK && ++step)
			status = vtd_ops.map(&domain, iova(IOVA), hpa(0x7000), PAGE_SIZE, PT_READ);
		if (status == OK && ++step)
			status = vtd_ops.attach(&domain, FAR_DEVICE);
		if (status == OK)
			break;
		assert_int_equal(status, ERR_NO_MEMORY);
		failed_at[step]++;
		if (domain.live)
			assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
		expect_nothing_left(unit, FAR_DEVICE, domains);
		assert_int_equal(world_pool.free_pages, pages);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(failed_at); i++)
		assert_int_not_equal(failed_at[i], 0);
}

/* The device's reserved region needs tables in the domain; without them it stays where it was. */
static void who_can_not_take_its_region_along_stays(void **state)
{
	enum status status = ERR_NO_MEMORY;

	(void)state;
	for (u32 pages = 0; status != OK; pages++) {
		struct fake_unit *unit = machine();
		struct iommu_domain domain;

		assert_int_equal(vtd_ops.enable(&world_event, false), OK);
		assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
		leave_pages(pages);
		status = vtd_ops.attach(&domain, DEVICE);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION, true, &to), 0);
		assert_int_equal(to, REGION);
		assert_int_equal(fake_dma(unit, DEVICE.bdf, REGION + PAGE_SIZE, true, &to), 5);
		if (status == OK)
			break;
		assert_int_equal(status, ERR_NO_MEMORY);
		assert_int_equal(vtd_ops.detach(&domain, DEVICE), ERR_NOT_FOUND);
		assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
	}
}

static enum status probe_with(void)
{
	world_finish();
	return vtd_ops.probe(&world, &world_pool);
}

static void endpoint(u8 device, u8 function)
{
	world_add_scope(1, 0, 0, (const u8[]){device, function, 0xff});
}

static void more_regions_than_there_is_room_for_are_told(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		world_reset();
		world_add_unit(WORLD_CAP, WORLD_ECAP);
		for (u64 i = 0; i < VTD_MAX_RESERVED_REGIONS + more; i++)
			world_add_rmrr(REGION + i * PAGE_SIZE, REGION + i * PAGE_SIZE + 0xfff);
		assert_int_equal(probe_with(), more ? ERR_NO_MEMORY : OK);
	}
	assert_non_null(strstr(captured_log(), "too many reserved regions"));
}

static void more_devices_with_regions_than_there_is_room_for_are_told(void **state)
{
	(void)state;
	for (unsigned seen = 0; seen < 2; seen++) {
		for (unsigned more = 0; more < 2; more++) {
			world_reset();
			world_add_unit(WORLD_CAP, WORLD_ECAP);
			world_add_rmrr(REGION, REGION + 0xfff);
			for (unsigned i = 0; i < VTD_MAX_HOMES + more; i++) {
				endpoint((u8)i / 8, i % 8);
				if (seen)
					world_add_function(0, (u8)i / 8, i % 8, PCI_NO_PARENT);
			}
			assert_int_equal(probe_with(), more ? ERR_NO_MEMORY : OK);
		}
	}
	/* Few devices, but each has many. */
	for (unsigned more = 0; more < 2; more++) {
		world_reset();
		world_add_unit(WORLD_CAP, WORLD_ECAP);
		for (unsigned i = 0; i < VTD_MAX_RESERVED_USERS / 8; i++) {
			world_add_rmrr(REGION + i * PAGE_SIZE, REGION + i * PAGE_SIZE + 0xfff);
			for (u8 function = 0; function < 8; function++)
				endpoint(1, function);
		}
		endpoint(1, 7); /* named twice: no more of them */
		world_add_rmrr(REGION + MIB(1), REGION + MIB(1) + 0xfff);
		if (more)
			endpoint(1, 0);
		assert_int_equal(probe_with(), more ? ERR_NO_MEMORY : OK);
	}
}

static void regions_that_can_not_be_are_left_out(void **state)
{
	(void)state;
	world_reset();
	world_add_unit(WORLD_CAP, WORLD_ECAP);
	world_add_rmrr(REGION, REGION + 0x1fff);
	endpoint(3, 0);
	world_add_rmrr(REGION + 0x1000, REGION + 0x1fff);
	endpoint(4, 0);
	world_add_rmrr(REGION, REGION + 0xfff);
	endpoint(5, 0);
	world_add_rmrr(0xfee00000, 0xfee00fff); /* interrupt messages go there */
	endpoint(6, 0);
	world_add_rmrr(BIT(50), BIT(50) + 0xfff);
	endpoint(7, 0);
	assert_int_equal(probe_with(), OK);
	assert_true(vtd_ops.has_reserved(SBDF(0, 0, 3, 0)));
	for (u8 device = 4; device <= 7; device++)
		assert_false(vtd_ops.has_reserved(SBDF(0, 0, device, 0)));
	assert_non_null(strstr(captured_log(), "it overlaps another one"));
	assert_non_null(strstr(captured_log(), "it lies outside the addresses"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enabling_takes_all_pages_or_fails),
		cmocka_unit_test(assigning_takes_all_pages_or_nothing),
		cmocka_unit_test(who_can_not_take_its_region_along_stays),
		cmocka_unit_test(more_regions_than_there_is_room_for_are_told),
		cmocka_unit_test(more_devices_with_regions_than_there_is_room_for_are_told),
		cmocka_unit_test(regions_that_can_not_be_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
