// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
// sources: tests/host/table.c
/* Tables and machines that can't be driven, units that don't keep what is written, calls out of turn. */
#include "tests/host/harness.h"

#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"
#include "tests/host/dmar_builder.h"

#define TES    0x80000000u
#define QIES   0x04000000u
#define DEVICE SBDF(0, 0, 3, 0)
#define REGION 0x8c000000ull

static u64 to;

static bool told(const char *text)
{
	return strstr(captured_log(), text) != NULL;
}

static struct fake_unit *probed(u64 cap, u64 ecap)
{
	world_reset();
	struct fake_unit *unit = world_add_unit(cap, ecap);

	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	return unit;
}

static void lose_root_bit(struct fake_unit *unit)
{
	unit->rtaddr &= ~0x40000ull;
}

static void lose_interrupt_bit(struct fake_unit *unit)
{
	unit->irta &= ~7ull;
}

static void keep_protected_memory(struct fake_unit *unit)
{
	unit->pmen |= 1;
}

static const struct {
	void (*on_write)(struct fake_unit *unit);
	const char *reason;
} forgetful[] = {
	{lose_root_bit, "the root table's address does not read back"},
	{lose_interrupt_bit, "the interrupt table's address does not read back"},
	{keep_protected_memory, "its protected memory regions stay on"},
};

static void what_does_not_read_back_is_refused_in_words(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(forgetful); i++) {
		struct fake_unit *unit = probed(WORLD_CAP | WORLD_CAP_PLMR, WORLD_ECAP);

		unit->pmen = 0x80000001;
		unit->on_write = forgetful[i].on_write;
		assert_int_equal(vtd_ops.enable(&world_event, false), ERR_HARDWARE);
		assert_true(told(forgetful[i].reason));
		assert_int_equal(vtd_ops.attach(&(struct iommu_domain){0}, DEVICE), ERR_INVALID);
		assert_int_equal(vtd_ops.detach(&(struct iommu_domain){0}, DEVICE), ERR_INVALID);
	}
}

/* 6.5.2.2 lets nobody turn such a queue off; what the unit does then, it has to do alone. */
static void a_queue_of_firmwares_that_stands_still_is_told(void **state)
{
	struct fake_unit *unit = probed(WORLD_CAP, WORLD_ECAP);

	(void)state;
	unit->gsts = QIES;
	unit->queue_stuck = true;
	unit->iqh = 0x20;
	unit->iqt = 0x40;
	(void)vtd_ops.enable(&world_event, false);
	assert_true(told("firmware's invalidation queue does not run empty"));

	unit = probed(WORLD_CAP, WORLD_ECAP);
	unit->gsts = unit->commands_ignored = QIES;
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_TIMEOUT);
	assert_int_equal(unit->gsts & TES, 0);
}

static void registers_that_stay_busy_are_waited_for_in_vain(void **state)
{
	u64 busy = BIT(63);
	struct fake_unit *unit;
	struct iommu_domain domain;

	(void)state;
	for (unsigned both = 0; both < 2; both++) {
		unit = probed(WORLD_CAP, WORLD_ECAP & ~(WORLD_ECAP_QI | WORLD_ECAP_IR));
		*(both ? &unit->ccmd : &unit->iotlb_reg) = busy;
		assert_int_equal(vtd_ops.enable(&world_event, false), ERR_TIMEOUT);
		assert_true(told("stays busy"));
		assert_int_equal(unit->gsts & TES, 0);
	}
	/* Nothing can be given away without interrupt remapping, and none of its entries is there. */
	unit = probed(WORLD_CAP, WORLD_ECAP & ~(WORLD_ECAP_QI | WORLD_ECAP_IR));
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_true(told("interrupts NOT remapped"));
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), ERR_UNSUPPORTED);
}

static void tables_that_are_none_are_refused(void **state)
{
	(void)state;
	world_reset();
	world_add_unit(WORLD_CAP, WORLD_ECAP);
	world_finish();
	((u8 *)(uintptr_t)world.acpi.dmar.data)[9]++;
	assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_UNSUPPORTED);
	assert_true(told("DMAR table refused at offset"));

	world_reset();
	world_add_unit(WORLD_CAP, WORLD_ECAP)->base = 0xfed00000; /* elsewhere */
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_UNSUPPORTED);
	assert_true(told("can't be used"));
	assert_int_equal(vtd_ops.enable(&world_event, false), ERR_INVALID);
}

static void units_are_counted_before_they_are_touched(void **state)
{
	(void)state;
	world_reset();
	begin();
	end_structure(begin_structure(0x77)); /* of a later specification */
	for (unsigned i = 0; i <= VTD_MAX_UNITS; i++)
		end_structure(begin_drhd(0, 0, 0, 0xfed00000 + i * PAGE_SIZE));
	world.acpi.dmar = table_seal(&table);
	assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_UNSUPPORTED);
	assert_true(told("1 structures of unknown types"));
	assert_true(told("65 units, and no more than 64 can be driven"));

	world_reset();
	begin();
	end_structure(begin_rmrr(0, REGION, REGION + 0xfff));
	world.acpi.dmar = table_seal(&table);
	assert_int_equal(vtd_ops.probe(&world, &world_pool), ERR_NOT_FOUND);
}

/* 8.1: firmware may ask for no x2APIC; and without EIM a unit can't reach wide IDs. */
static void x2apic_is_possible_if_table_and_all_units_allow_it(void **state)
{
	(void)state;
	for (unsigned opted_out = 0; opted_out < 2; opted_out++) {
		for (unsigned first = 0; first < 2; first++) {
			world_reset();
			world_add_drhd(0, 0, 0xfed91000, WORLD_CAP,
				       WORLD_ECAP | (first ? WORLD_ECAP_EIM : 0));
			world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
			world_add_unit(WORLD_CAP, WORLD_ECAP | WORLD_ECAP_EIM);
			world_finish();
			((u8 *)(uintptr_t)world.acpi.dmar.data)[37] = opted_out ? 3 : 1;
			((u8 *)(uintptr_t)world.acpi.dmar.data)[9] -= opted_out ? 3 : 1;
			assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
			assert_int_equal(vtd_ops.x2apic_possible(), first && !opted_out);
		}
	}
}

/* A device that no unit serves is nobody's to give away. */
static void who_has_no_unit_is_not_found(void **state)
{
	struct iommu_interrupts interrupts;
	struct iommu_domain domain;

	(void)state;
	world_reset();
	world_add_drhd(0, 0, WORLD_UNIT_BASE, WORLD_CAP, WORLD_ECAP);
	world_add_scope(1, 0, 0, (const u8[]){3, 0, 0xff});
	world_add_rmrr(REGION, REGION + 0xfff);
	world_add_scope(1, 0, 0, (const u8[]){4, 0, 0xff});
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.attach(&domain, SBDF(0, 0, 4, 0)), ERR_NOT_FOUND);
	assert_int_equal(vtd_ops.detach(&domain, SBDF(0, 0, 4, 0)), ERR_NOT_FOUND);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(SBDF(1, 0, 3, 0)), 1, &interrupts),
			 ERR_NOT_FOUND);
	assert_int_equal(vtd_ops.interrupts_alloc_ioapic(0, 1, &interrupts), ERR_NOT_FOUND);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 0, &interrupts), ERR_INVALID);
}

static void a_domain_that_is_gone_takes_no_calls(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct pt_flushed proof = {false};
	struct iommu_interrupts none = {0};
	struct iommu_domain domain;

	(void)state;
	assert_int_equal(vtd_ops.domain_create(&domain, NULL), OK);
	assert_int_equal(vtd_ops.unmap(&domain, iova(0x123), PAGE_SIZE), ERR_INVALID);
	assert_int_equal(vtd_ops.domain_destroy(&domain), OK);
	assert_int_equal(vtd_ops.domain_destroy(&domain), ERR_INVALID);
	assert_int_equal(vtd_ops.map(&domain, iova(0), hpa(0), PAGE_SIZE, PT_READ), ERR_INVALID);
	assert_int_equal(vtd_ops.unmap(&domain, iova(0), PAGE_SIZE), ERR_INVALID);
	assert_int_equal(vtd_ops.flush(&domain, iova(0), PAGE_SIZE, &proof), ERR_INVALID);
	assert_false(proof.done);
	assert_int_equal(vtd_ops.attach(&domain, DEVICE), ERR_INVALID);
	assert_int_equal(vtd_ops.detach(&domain, DEVICE), ERR_NOT_FOUND);
	assert_int_equal(fake_dma(unit, DEVICE.bdf, 0, false, &to), 1);
	assert_int_equal(vtd_ops.interrupts_free(&none), OK);
	assert_int_equal(vtd_ops.interrupt_set(&none, 0, &world_event), ERR_INVALID);
	assert_int_equal(vtd_ops.interrupt_clear(&none, 0), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_read_back_is_refused_in_words),
		cmocka_unit_test(a_queue_of_firmwares_that_stands_still_is_told),
		cmocka_unit_test(registers_that_stay_busy_are_waited_for_in_vain),
		cmocka_unit_test(tables_that_are_none_are_refused),
		cmocka_unit_test(units_are_counted_before_they_are_touched),
		cmocka_unit_test(x2apic_is_possible_if_table_and_all_units_allow_it),
		cmocka_unit_test(who_has_no_unit_is_not_found),
		cmocka_unit_test(a_domain_that_is_gone_takes_no_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
