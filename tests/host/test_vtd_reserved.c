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

#define USB	 SBDF(0, 0, 0x1d, 0)
#define GRAPHICS SBDF(0, 0, 2, 0)
#define SHARER_A SBDF(0, 0, 0x1a, 0)
#define SHARER_B SBDF(0, 0, 0x1a, 1)
#define IN_RAM	 SBDF(0, 0, 5, 0)
#define REGION	 0x8c000000ull

static u64 to;

static void endpoint(u8 device, u8 function)
{
	world_add_scope(1, 0, 0, (const u8[]){device, function, 0xff});
}

static struct fake_unit *probed_machine(void)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP);

	world_add_rmrr(REGION + 0x10, REGION + 0x4e00); /* not whole pages: those around it count */
	endpoint(0x1d, 0);
	world_add_rmrr(0x8d000000, 0x8d001fff);
	endpoint(2, 0);
	endpoint(0x1a, 0);
	world_add_rmrr(0x8d000000, 0x8d001fff); /* the same range by another structure */
	endpoint(0x1a, 1);
	world_add_rmrr(0x1000000, 0x1000fff); /* RAM */
	endpoint(5, 0);
	world_add_function(0, 0x1d, 0, PCI_NO_PARENT);
	world_add_function(0, 5, 0, PCI_NO_PARENT);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	return unit;
}

static struct fake_unit *machine(void)
{
	struct fake_unit *unit = probed_machine();

	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	return unit;
}

static void expect_users(void)
{
	assert_true(vtd_ops.has_reserved(USB));
	assert_true(vtd_ops.has_reserved(GRAPHICS));
	assert_true(vtd_ops.has_reserved(SHARER_A));
	assert_true(vtd_ops.has_reserved(SHARER_B));
	assert_false(vtd_ops.has_reserved(IN_RAM)); /* its region is left out */
	assert_false(vtd_ops.has_reserved(SBDF(0, 0, 9, 0)));
	assert_false(vtd_ops.has_reserved(SBDF(1, 0, 0x1d, 0)));
}

/* Devices are silenced before anything is blocked: those that firmware goes on using are known by then. */
static void who_has_regions_is_known_from_the_probe_on(void **state)
{
	struct iommu_domain domain;

	(void)state;
	probed_machine();
	expect_users();
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	expect_users();
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.attach(&domain, USB), OK);
	expect_users();
}

static void quarantine_keeps_the_regions_and_nothing_else(void **state)
{
	struct fake_unit *unit = machine();

	(void)state;
	assert_int_equal(fake_dma(unit, USB.bdf, REGION + 0x4fff, true, &to), 0);
	assert_int_equal(to, REGION + 0x4fff);
	assert_int_equal(fake_dma(unit, USB.bdf, REGION + 0x5000, true, &to), 5);
	assert_int_equal(fake_dma(unit, USB.bdf, 0x8d000000, true, &to), 5);
	assert_int_equal(fake_dma(unit, GRAPHICS.bdf, 0x8d001000, true, &to), 0);
	assert_int_equal(fake_dma(unit, GRAPHICS.bdf, REGION, true, &to), 5);
	assert_int_equal(fake_dma(unit, IN_RAM.bdf, 0x1000000, true, &to), 2);
}

static void regions_follow_into_a_domain_and_back(void **state)
{
	struct fake_unit *unit = machine();
	struct iommu_domain domain;

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.map(&domain, iova(0x3000), hpa(0x9000), PAGE_SIZE, PT_READ), OK);
	assert_int_equal(vtd_ops.attach(&domain, USB), OK);
	assert_int_equal(fake_dma(unit, USB.bdf, 0x3000, false, &to), 0);
	assert_int_equal(fake_dma(unit, USB.bdf, REGION, true, &to), 0);
	assert_int_equal(to, REGION);
	assert_int_equal(vtd_ops.attach(&domain, USB), ERR_BUSY);
	assert_int_equal(vtd_ops.detach(&domain, USB), OK);
	assert_int_equal(fake_dma(unit, USB.bdf, 0x3000, false, &to), 6);
	assert_int_equal(fake_dma(unit, USB.bdf, REGION, true, &to), 0);
	/* Its next neighbour in the domain does not find them there. */
	assert_int_equal(vtd_ops.attach(&domain, SBDF(0, 0, 9, 0)), OK);
	assert_int_equal(fake_dma(unit, 9 << 3, REGION, true, &to), 5);
}

static void overlap_with_the_domain_is_refused(void **state)
{
	struct fake_unit *unit = machine();
	struct iommu_domain domain;

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(
		vtd_ops.map(&domain, iova(REGION + 0x1000), hpa(0x9000), PAGE_SIZE, PT_READ), OK);
	assert_int_equal(vtd_ops.attach(&domain, USB), ERR_EXISTS);
	assert_int_equal(fake_dma(unit, USB.bdf, REGION + 0x1000, true, &to), 0);
	assert_int_equal(to, REGION + 0x1000);
	assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
}

static void shared_regions_are_given_to_nobody(void **state)
{
	struct fake_unit *unit = machine();
	struct iommu_domain domain;

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.attach(&domain, GRAPHICS), ERR_UNSUPPORTED);
	assert_null(vtd_ops.refusal(USB));
	assert_non_null(strstr(vtd_ops.refusal(SHARER_A), "shared with another device"));
	assert_non_null(vtd_ops.refusal(SHARER_B));
	assert_int_equal(vtd_ops.attach(&domain, SHARER_A), ERR_UNSUPPORTED);
	assert_int_equal(vtd_ops.attach(&domain, SHARER_B), ERR_UNSUPPORTED);
	assert_int_equal(fake_dma(unit, SHARER_B.bdf, 0x8d000000, true, &to), 0);
	assert_int_equal(vtd_ops.attach(&domain, IN_RAM), OK);
	assert_int_equal(fake_dma(unit, IN_RAM.bdf, 0x1000000, true, &to), 5);
}

/* The domain keeps what the other unit may still know of the region; the device does without it at no time. */
static void a_unit_that_refuses_keeps_no_other_units_device_from_home(void **state)
{
	struct fake_unit *own, *other;
	struct iommu_domain domain;

	(void)state;
	world_reset();
	own = world_add_drhd(0, 0, WORLD_UNIT_BASE + PAGE_SIZE, WORLD_CAP, WORLD_ECAP);
	endpoint(0x1d, 0);
	other = world_add_unit(WORLD_CAP, WORLD_ECAP);
	world_add_rmrr(REGION, REGION + 0xfff);
	endpoint(0x1d, 0);
	world_add_function(0, 0x1d, 0, PCI_NO_PARENT);
	world_add_function(0, 5, 0, PCI_NO_PARENT);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.attach(&domain, USB), OK);
	assert_int_equal(vtd_ops.attach(&domain, IN_RAM), OK);
	assert_int_equal(fake_dma(other, IN_RAM.bdf, REGION, true, &to), 0);
	other->refuse = 1;
	assert_int_equal(vtd_ops.detach(&domain, USB), ERR_HARDWARE);
	assert_int_equal(fake_dma(own, USB.bdf, REGION, true, &to), 0);
	assert_int_equal(to, REGION);
	assert_int_equal(vtd_ops.detach(&domain, IN_RAM), OK);
	assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
	assert_int_equal(fake_dma(own, USB.bdf, REGION, true, &to), 0);
}

static struct fake_unit *hasty_unit;

/* The device uses the domain at once, and then its unit refuses to be told of it, and to forget it. */
static void use_and_refuse(void)
{
	if (fake_dma(hasty_unit, USB.bdf, 0x3000, false, &to) != 0)
		return;
	hasty_unit->refuse = 2;
	fake_between = NULL;
}

/* The unit may know the entry into the first domain still. */
static void a_device_that_may_be_in_a_domain_gets_into_no_other(void **state)
{
	struct fake_unit *unit = machine();
	struct iommu_domain first, second;

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&first, NULL), OK);
	assert_int_equal(vtd_ops.map(&first, iova(0x3000), hpa(0x9000), PAGE_SIZE, PT_READ), OK);
	assert_int_equal(vtd_ops.domain_create(&second, NULL), OK);
	hasty_unit = unit;
	fake_between = use_and_refuse;
	assert_int_equal(vtd_ops.attach(&first, USB), ERR_HARDWARE);
	assert_int_equal(unit->refuse, 0);
	assert_int_equal(fake_dma(unit, USB.bdf, 0x3000, false, &to), 0);
	assert_int_equal(vtd_ops.attach(&second, USB), ERR_BUSY);
	assert_int_equal(vtd_ops.domain_destroy(&first), ERR_BUSY);
	assert_int_equal(vtd_ops.detach(&first, USB), OK);
	assert_int_equal(fake_dma(unit, USB.bdf, 0x3000, false, &to), 6);
	assert_int_equal(fake_dma(unit, USB.bdf, REGION, true, &to), 0);
	assert_int_equal(vtd_ops.attach(&second, USB), OK);
	assert_int_equal(fake_dma(unit, USB.bdf, 0x3000, false, &to), 6);
}

/* A table that opened these would let a device turn the IOMMU off, or reach other devices. */
static void regions_over_what_confines_are_left_out(void **state)
{
	static const u64 region[] = {
		WORLD_UNIT_BASE,	 /* the unit's registers */
		WORLD_UNIT_BASE - 0x800, /* their first page, by half of it */
		0xfec00000,		 /* the IOAPIC */
		0xb0100000,		 /* configuration space: the window's first bus */
		0xb02ff000,		 /* and its last */
	};
	static const u64 beside[] = {0xb00ff000, 0xb0300000, WORLD_UNIT_BASE + 0x1000};

	(void)state;
	world_reset();
	struct fake_unit *unit = world_add_unit(WORLD_CAP, WORLD_ECAP);

	world.madt.ioapic_count = 1;
	world.madt.ioapic[0].address = hpa(0xfec00010);
	world.mcfg.window_count = 1;
	world.mcfg.window[0] =
		(struct mcfg_window){.base = hpa(0xb0000000), .first_bus = 1, .last_bus = 2};
	for (unsigned i = 0; i < ARRAY_SIZE(region); i++) {
		world_add_rmrr(region[i], region[i] + 0xfff);
		endpoint(0x1d, 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(beside); i++) {
		world_add_rmrr(beside[i], beside[i] + 0xfff);
		endpoint(0x1d, 0);
	}
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	for (unsigned i = 0; i < ARRAY_SIZE(region); i++)
		assert_int_equal(fake_dma(unit, USB.bdf, region[i] + 0x800, true, &to), 5);
	for (unsigned i = 0; i < ARRAY_SIZE(beside); i++)
		assert_int_equal(fake_dma(unit, USB.bdf, beside[i] + 0x800, true, &to), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_regions_is_known_from_the_probe_on),
		cmocka_unit_test(quarantine_keeps_the_regions_and_nothing_else),
		cmocka_unit_test(regions_follow_into_a_domain_and_back),
		cmocka_unit_test(overlap_with_the_domain_is_refused),
		cmocka_unit_test(shared_regions_are_given_to_nobody),
		cmocka_unit_test(a_unit_that_refuses_keeps_no_other_units_device_from_home),
		cmocka_unit_test(a_device_that_may_be_in_a_domain_gets_into_no_other),
		cmocka_unit_test(regions_over_what_confines_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
