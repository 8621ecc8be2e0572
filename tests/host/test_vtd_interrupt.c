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

#define DEVICE	   SBDF(0, 0, 3, 0)
#define IOAPIC_SID 0xf0f8

static const struct interrupt_target first = {.apic_id = 2, .vector = 0x51};
static const struct interrupt_target second = {.apic_id = 7, .vector = 0x62, .level = true};

static u8 raise(struct fake_unit *unit, u16 sid, struct msi_message message,
		struct fake_delivery *out)
{
	return fake_message(unit, sid, message.address, message.data, out);
}

static void a_vector_goes_where_it_was_set_and_nowhere_else(void **state)
{
	static const u64 more[] = {0, WORLD_CAP_CM};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		/* Coherent and not, in caching mode and not. */
		struct fake_unit *unit =
			world_enabled(WORLD_CAP | more[i & 1], WORLD_ECAP & ~(u64)(i >> 1));
		struct iommu_interrupts interrupts;
		struct fake_delivery out;

		assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 4, &interrupts), OK);
		assert_int_equal(vtd_ops.usage().interrupts, 4);
		struct msi_message message = vtd_ops.msi_message(&interrupts, 2);

		assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0x22);
		assert_int_equal(vtd_ops.interrupt_set(&interrupts, 2, &first), OK);
		assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0);
		assert_true(out.remapped && !out.level);
		assert_int_equal(out.apic_id, 2);
		assert_int_equal(out.vector, 0x51);
		assert_int_equal(raise(unit, 0x20, message, &out), 0x26);
		assert_int_equal(vtd_ops.interrupt_set(&interrupts, 2, &second), OK);
		assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0);
		assert_int_equal(out.apic_id, 7);
		assert_true(out.level);
		assert_int_equal(vtd_ops.interrupt_clear(&interrupts, 2), OK);
		assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0x22);
		assert_null(unit->violation);
	}
}

/* Requests of phantom functions, and those that a bridge answers for, carry other IDs than the first. */
static void sources_of_several_ids(void **state)
{
	static const struct {
		struct iommu_source source;
		u16 good[4], bad[4];
	} rows[] = {
		{{SBDF(0, 2, 3, 1), false, 0}, {0x219}, {0x218, 0x21d, 0x119, 0x221}},
		{{SBDF(0, 2, 3, 1), false, 1}, {0x219, 0x21d}, {0x21b, 0x218, 0x21c, 0x221}},
		{{SBDF(0, 2, 3, 1), false, 2}, {0x219, 0x21b, 0x21d, 0x21f}, {0x218, 0x21a, 0x221}},
		{{SBDF(0, 2, 3, 1), false, 3}, {0x218, 0x21a, 0x21c, 0x21f}, {0x220, 0x210, 0x318}},
		{{SBDF(0, 2, 0, 0), true, 0}, {0x200, 0x219, 0x2ff}, {0x1ff, 0x300, 0x100, 0x18}},
	};
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct iommu_interrupts interrupts;
		struct fake_delivery out;
		struct msi_message message;

		assert_int_equal(vtd_ops.interrupts_alloc(rows[i].source, 1, &interrupts), OK);
		assert_int_equal(vtd_ops.interrupt_set(&interrupts, 0, &first), OK);
		message = vtd_ops.msi_message(&interrupts, 0);
		for (unsigned n = 0; n < 4; n++) {
			if (rows[i].good[n])
				assert_int_equal(raise(unit, rows[i].good[n], message, &out), 0);
			if (rows[i].bad[n])
				assert_int_equal(raise(unit, rows[i].bad[n], message, &out), 0x26);
		}
	}
	assert_null(unit->violation);
}

/* A device with several MSI vectors changes the low bits of the data itself. */
static void multiple_msi_share_one_address(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct iommu_interrupts spacer, interrupts;
	struct fake_delivery out;

	(void)state;
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 3, &spacer), OK);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 8, &interrupts), OK);
	assert_int_equal(interrupts.first % 8, 0);
	struct msi_message message = vtd_ops.msi_message(&interrupts, 0);

	assert_int_equal(vtd_ops.interrupt_set(&interrupts, 5, &first), OK);
	assert_int_equal(message.data, 0);
	message.data |= 5;
	assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0);
	assert_int_equal(out.vector, 0x51);
}

static void freed_entries_are_forgotten_and_reused(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct iommu_interrupts interrupts, again;
	struct fake_delivery out;

	(void)state;
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 2048, &interrupts), OK);
	assert_int_equal(vtd_ops.interrupt_set(&interrupts, 2047, &first), OK);
	struct msi_message message = vtd_ops.msi_message(&interrupts, 2047);

	assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 2048, &again), OK);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &again), ERR_NO_MEMORY);
	unit->refuse = 1;
	assert_int_equal(vtd_ops.interrupts_free(&interrupts), ERR_HARDWARE);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &again), ERR_NO_MEMORY);
	assert_int_equal(vtd_ops.interrupts_free(&interrupts), OK);
	assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0x22);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(SBDF(0, 0, 4, 0)), 2048, &again), OK);
	assert_int_equal(vtd_ops.interrupt_set(&again, 2047, &first), OK);
	assert_int_equal(raise(unit, DEVICE.bdf, message, &out), 0x26);
	assert_int_equal(raise(unit, 0x20, message, &out), 0);
}

static unsigned largest_mask;

/* Looks at all invalidations of single entries that are in the queue, from its start on. */
static void watch_masks(struct fake_unit *unit)
{
	for (u64 at = 0; at < unit->iqt; at += 16) {
		u64 low = fake_read(unit, unit->iqa + at);

		if ((low & 0x1f) == 0x14 && (low >> 27 & 0x1f) > largest_mask)
			largest_mask = low >> 27 & 0x1f;
	}
}

/* ECAP.MHMV 2: four entries at once, and more one by one. */
static void no_mask_is_larger_than_the_unit_takes(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, (WORLD_ECAP & ~0xf00000ull) | 2 << 20);
	struct iommu_interrupts interrupts;

	(void)state;
	largest_mask = 0;
	unit->on_write = watch_masks;
	for (u16 count = 4; count <= 8; count *= 2) {
		assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), count, &interrupts), OK);
		assert_int_equal(vtd_ops.interrupts_free(&interrupts), OK);
	}
	assert_int_equal(largest_mask, 2);
}

static void ioapic_pins_are_remapped(void **state)
{
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);
	struct iommu_interrupts pins;
	struct fake_delivery out;
	u64 entry;

	(void)state;
	assert_int_equal(vtd_ops.interrupts_alloc_ioapic(1, 24, &pins), ERR_NOT_FOUND);
	assert_int_equal(vtd_ops.interrupts_alloc_ioapic(0, 24, &pins), OK);
	assert_int_equal(vtd_ops.interrupt_set(&pins, 19, &second), OK);
	entry = vtd_ops.ioapic_entry(&pins, 19, &second, true, false);
	assert_int_equal(entry & 0x1ffff, 0xa000 | 0x62);
	assert_int_equal(vtd_ops.ioapic_entry(&pins, 19, &second, false, true) & 0x12000, 0x10000);
	assert_int_equal(fake_ioapic(unit, IOAPIC_SID, entry, &out), 0);
	assert_int_equal(out.apic_id, 7);
	assert_int_equal(fake_ioapic(unit, DEVICE.bdf, entry, &out), 0x26);
}

static void what_an_entry_cannot_hold_is_refused(void **state)
{
	struct iommu_interrupts one;
	struct interrupt_target target = first;
	struct fake_delivery out;
	struct fake_unit *unit = world_enabled(WORLD_CAP, WORLD_ECAP);

	(void)state;
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &one), OK);
	assert_int_equal(vtd_ops.interrupt_set(&one, 1, &target), ERR_INVALID);
	target.apic_id = 255;
	assert_int_equal(vtd_ops.interrupt_set(&one, 0, &target), ERR_INVALID);
	target = (struct interrupt_target){.vector = 15};
	assert_int_equal(vtd_ops.interrupt_set(&one, 0, &target), ERR_INVALID);
	target = (struct interrupt_target){.vector = 0x30, .delivery = 5}; /* INIT */
	assert_int_equal(vtd_ops.interrupt_set(&one, 0, &target), ERR_INVALID);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 0, &one), ERR_INVALID);
	target = (struct interrupt_target){.delivery = DELIVERY_NMI, .apic_id = 1};
	assert_int_equal(vtd_ops.interrupt_set(&one, 0, &target), OK);
	assert_int_equal(raise(unit, DEVICE.bdf, vtd_ops.msi_message(&one, 0), &out), 0);
	assert_int_equal(out.delivery, 4);
}

static void wide_apic_ids_reach_their_cpu(void **state)
{
	struct interrupt_target target = {.apic_id = 0x1011f, .vector = 0x44};
	struct iommu_interrupts one;
	struct fake_delivery out;
	struct fake_unit *unit;

	(void)state;
	world_reset();
	unit = world_add_unit(WORLD_CAP, WORLD_ECAP | WORLD_ECAP_EIM);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, true), OK);
	assert_int_equal(vtd_ops.interrupts_alloc(ONLY(DEVICE), 1, &one), OK);
	assert_int_equal(vtd_ops.interrupt_set(&one, 0, &target), OK);
	assert_int_equal(raise(unit, DEVICE.bdf, vtd_ops.msi_message(&one, 0), &out), 0);
	assert_int_equal(out.apic_id, 0x1011f);
}

/* 5.1.2.2, 5.1.5.1: bit 15 of the handle has a place of its own. */
static void handles_have_sixteen_bits(void **state)
{
	(void)state;
	assert_int_equal(vtd_msi_make(0x8001, 0).address, 0xfee0003c);
	assert_int_equal(vtd_msi_make(0x7fff, 3).address, 0xfeeffff8);
	assert_int_equal(vtd_msi_make(0x7fff, 3).data, 3);
	assert_true(vtd_rte_make(0x8001, &first, false, false) == 0x0003000000000851ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vector_goes_where_it_was_set_and_nowhere_else),
		cmocka_unit_test(sources_of_several_ids),
		cmocka_unit_test(multiple_msi_share_one_address),
		cmocka_unit_test(freed_entries_are_forgotten_and_reused),
		cmocka_unit_test(no_mask_is_larger_than_the_unit_takes),
		cmocka_unit_test(ioapic_pins_are_remapped),
		cmocka_unit_test(what_an_entry_cannot_hold_is_refused),
		cmocka_unit_test(wide_apic_ids_reach_their_cpu),
		cmocka_unit_test(handles_have_sixteen_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
