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

#define TES  0x80000000u
#define QIES 0x04000000u
#define IRES 0x02000000u
#define CFIS 0x00800000u

static struct fake_unit *probed(u64 cap, u64 ecap)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(cap, ecap);

	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	return unit;
}

static void from_reset_to_on(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP);

	(void)state;
	assert_int_equal(unit->gsts, 0); /* probing changes nothing */
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->gsts & (TES | QIES | IRES | CFIS), TES | QIES | IRES);
	assert_int_equal(unit->root_latches, 1);
	assert_false(unit->owes_context_flush || unit->owes_iotlb_flush);
	assert_false(unit->owes_interrupt_flush);
	assert_int_equal(unit->fectl, 0);
	assert_int_equal(unit->fedata, 0x400);
	assert_null(unit->violation);
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_INVALID);
}

/* The units' width is 48 here; the region above 512 GiB takes 4 levels. */
static void a_host_address_width_of_64_bits_excludes_nothing(void **state)
{
	(void)state;
	for (unsigned width = 40; width <= 64; width++) {
		world_reset();
		world_add_unit(WORLD_CAP, WORLD_ECAP);
		world_set_address_width(width);
		world_add_rmrr(1ull << 39, (1ull << 39) + 0xfff);
		world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
		world_finish();
		assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
		assert_int_equal(vtd_ops.address_bits(), 48);
		assert_true(vtd_ops.has_reserved(SBDF(0, 0, 3, 0)));
	}
}

static void protected_memory_goes_last(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP | WORLD_CAP_PLMR, WORLD_ECAP);

	(void)state;
	unit->pmen = 0x80000001;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(unit->pmen, 0);
	assert_null(unit->violation);

	unit = probed(WORLD_CAP | WORLD_CAP_PLMR, WORLD_ECAP);
	unit->pmen = 0x80000001;
	unit->commands_ignored = TES;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_TIMEOUT);
	assert_int_equal(unit->pmen, 0x80000001);
}

static void compatibility_format_is_off_and_read_back(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP);
	struct fake_delivery out;

	(void)state;
	unit->gsts = CFIS;
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(fake_message(unit, 0x18, 0xfee00000, 0x30, &out), 0x25);

	unit = probed(WORLD_CAP, WORLD_ECAP);
	unit->gsts = CFIS;
	unit->commands_ignored = CFIS;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_HARDWARE);
}

static void let_compatibility_format_in(struct fake_unit *unit)
{
	if (unit->gsts & IRES)
		unit->gsts |= CFIS;
}

/* Off when it was asked for, and on again with remapping. */
static void compatibility_format_that_comes_back_is_seen(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP);

	(void)state;
	unit->on_write = let_compatibility_format_in;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_HARDWARE);
}

static void silence_to_any_command_ends_in_an_error(void **state)
{
	static const u32 command[] = {TES, 1u << 30, QIES, IRES, 1u << 24};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(command); i++) {
		struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP);

		unit->commands_ignored = command[i];
		assert_int_equal(vtd_ops.enable(&world_event, false), ERR_TIMEOUT);
		assert_true(vtd.unit[0].dead);
	}
}

static void extended_interrupt_mode_where_all_can(void **state)
{
	struct interrupt_target event = {.apic_id = 0x12345, .vector = 0x41};
	struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP | WORLD_ECAP_EIM);

	(void)state;
	assert_int_equal(vtd_ops.enable(&event, true), OK);
	assert_true(vtd_ops.wide_apic_ids());
	assert_true(unit->irta_latched & 1 << 11);
	assert_int_equal(unit->feuaddr, 0x12300);
	assert_int_equal(unit->feaddr, 0xfee45000);
	assert_int_equal(unit->fedata, 0x41);

	unit = probed(WORLD_CAP, WORLD_ECAP | WORLD_ECAP_EIM);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_false(unit->irta_latched & 1 << 11);

	/* x2APIC without EIM: fine as long as all IDs fit. */
	unit = probed(WORLD_CAP, WORLD_ECAP);
	world.madt.cpu_count = 1;
	world.madt.cpu[0] = (struct madt_cpu){.apic_id = 300, .enabled = true, .x2apic = true};
	assert_int_equal(vtd_ops.enable(&world_event, true), ERR_UNSUPPORTED);
	assert_int_equal(unit->gsts, 0);
	world.madt.cpu[0].apic_id = 3;
	assert_int_equal(vtd_ops.enable(&world_event, true), OK);
	assert_false(vtd_ops.wide_apic_ids());
}

/* Older tables tell a page for every unit; here the fault records are at 0x2000. */
static void registers_beyond_the_first_page_are_mapped(void **state)
{
	(void)state;
	(void)probed((WORLD_CAP & ~0x3ff000000ull) | 0x200000000ull, WORLD_ECAP);
	assert_true(vtd.unit[0].mmio.size > 0x2000);
}

static void units_that_are_of_no_use_are_refused(void **state)
{
	static const struct {
		u64 cap, ecap;
	} bad[] = {
		{~0ull, ~0ull},
		{0, 0},
		{WORLD_CAP & ~0x1f00ull, WORLD_ECAP},	  /* no depth */
		{0x00d2008c221e0206ull, WORLD_ECAP},	  /* MGAW 31 bits */
		{WORLD_CAP, WORLD_ECAP & ~WORLD_ECAP_QI}, /* IR without QI */
		{(WORLD_CAP & ~0x3ff000000ull) | 2 << 24,
		 WORLD_ECAP}, /* fault records over RTADDR */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		world_reset();
		struct fake_unit *unit = world_add_unit(bad[i].cap, bad[i].ecap);

		world_finish();
		assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_UNSUPPORTED);
		assert_int_equal(vtd_ops.enable(&world_event, false), ERR_INVALID);
		assert_int_equal(unit->gsts, 0);
	}
	world_reset();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_NOT_FOUND);
}

/* What a table takes for registers is written to only where it can't be anything else. */
static void registers_that_are_no_units_own_are_refused(void **state)
{
	static const u64 second[] = {
		WORLD_UNIT_BASE,	  /* the same unit again */
		WORLD_UNIT_BASE + 0x1000, /* within the first one's two pages */
		0x1000000,		  /* RAM */
		0x800ff000,		  /* not RAM, but its second page is */
		0xfffffffffffff000,	  /* wraps */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(second); i++) {
		world_reset();
		world.boot.memory.range[2] =
			(struct memory_range){hpa(0x80100000), PAGE_SIZE, MEMORY_RAM};
		world.boot.memory.count = 3;
		/* Fault records at 0x1000 make it two pages. */
		u64 cap = (WORLD_CAP & ~0x3ff000000ull) | 0x100000000ull;
		struct fake_unit *first = world_add_unit(cap, WORLD_ECAP);
		struct fake_unit *other = world_add_drhd(0, 0, second[i], cap, WORLD_ECAP);

		world_finish();
		assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_UNSUPPORTED);
		assert_non_null(strstr(captured_log(), "unit 1: its registers at "));
		assert_int_equal(vtd_ops.enable(&world_event, false), ERR_INVALID);
		assert_int_equal(first->gsts | other->gsts, 0);
	}
}

static void depth_follows_memory_and_all_units(void **state)
{
	(void)state;
	probed(WORLD_CAP, WORLD_ECAP);
	assert_int_equal(vtd_ops.address_bits(), 39);

	world_reset();
	world_add_unit(WORLD_CAP, WORLD_ECAP);
	world.boot.memory.range[2] = (struct memory_range){hpa(GIB(4)), 1ull << 39, MEMORY_RAM};
	world.boot.memory.count = 3;
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.address_bits(), 48);

	/* One can do 3 levels only, the other 4: no table serves both. */
	world_reset();
	world_add_drhd(0, 0, 0xfed91000, 0x00d2008c222f0206ull, WORLD_ECAP);
	world_add_unit(0x00d2008c222f0406ull, WORLD_ECAP);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_reset_to_on),
		cmocka_unit_test(a_host_address_width_of_64_bits_excludes_nothing),
		cmocka_unit_test(protected_memory_goes_last),
		cmocka_unit_test(compatibility_format_is_off_and_read_back),
		cmocka_unit_test(compatibility_format_that_comes_back_is_seen),
		cmocka_unit_test(silence_to_any_command_ends_in_an_error),
		cmocka_unit_test(extended_interrupt_mode_where_all_can),
		cmocka_unit_test(registers_beyond_the_first_page_are_mapped),
		cmocka_unit_test(units_that_are_of_no_use_are_refused),
		cmocka_unit_test(registers_that_are_no_units_own_are_refused),
		cmocka_unit_test(depth_follows_memory_and_all_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
