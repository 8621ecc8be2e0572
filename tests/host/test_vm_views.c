// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
// sources: hv/vm/vm.c hv/vm/domain.c arch/x86/vmx/ept.c arch/x86/mtrr.c
/* One region list, the CPU's tables and the units': both views of it are equal, entry by entry. */
#include "tests/host/harness.h"

#include "tests/host/random.h"
#include "tests/host/shared_desk.h"

#define PAGES 4096u /* 16 MiB of guest-physical addresses, in some places more */

static const struct vm_region *region_at(u64 address)
{
	for (u32 i = 0; i < vm.region_count; i++)
		if (range_within(address, 1, vm.region[i].start.v, vm.region[i].size))
			return &vm.region[i];
	return NULL;
}

/* The leaf of the units' table for an address by the table's own words, 0 for none. */
static u64 unit_leaf(u64 address, unsigned *level)
{
	struct vtd_entry context = vtd_context_get(&vtd.unit[0], DEVICE.bdf);
	u64 table = context.low & BITS(51, 12);

	for (*level = (unsigned)(context.high & 7) + 2;; (*level)--) {
		u64 entry = fake_read(unit, table + (address >> (12 + 9 * (*level - 1)) & 511) * 8);

		if (!(entry & 3) || *level == 1 || entry & 0x80)
			return entry & 3 ? entry : 0;
		table = entry & BITS(51, 12);
	}
}

static void check_page(u64 address)
{
	const struct vm_region *at = region_at(address);
	struct pt_leaf leaf = {0};
	unsigned level;
	u64 entry = unit_leaf(address, &level), span = PAGE_SIZE << (9 * (level - 1));

	assert_int_equal(pt_lookup(&vm.nested, address, &leaf), at != NULL);
	if (at) {
		assert_int_equal(leaf.address.v, at->host.v + (address - at->start.v));
		assert_int_equal(leaf.bits & 7, at->prot & 7);
	}
	if (!vm.domain.shared && at && !at->dma)
		at = NULL; /* registers are the CPU's alone */
	assert_int_equal(entry != 0, at != NULL);
	if (!at)
		return;
	assert_int_equal((entry & BITS(51, 12) & ~(span - 1)) | (address & (span - 1)),
			 leaf.address.v);
	assert_int_equal(entry & 3, leaf.bits & 3);
	assert_int_equal(!!(entry & BIT(11)), !!(unit->ecap & WORLD_ECAP_SC));
	if (vm.domain.shared) {
		assert_int_equal(span, leaf.size);
		assert_int_equal(entry & ~BITS(51, 12), leaf.bits);
	}
}

/* With the unit's caches, which keep what nobody told them to forget. */
static void check_dma(u64 address)
{
	const struct vm_region *at = region_at(address);
	bool write = random_u64() & 1;
	u64 to;
	u8 reason = dma(address, write, &to);

	if (reason == 0) {
		assert_non_null(at);
		assert_int_equal(to, at->host.v + (address - at->start.v));
		assert_true(at->prot & (write ? PT_WRITE : PT_READ));
		assert_true(at->dma || vm.domain.shared);
	} else if (at && at->dma) {
		assert_int_equal(reason, write ? 5 : 6);
		assert_false(at->prot & (write ? PT_WRITE : PT_READ));
	}
}

static u64 random_start(void)
{
	static const u64 base[] = {0, 0, 0, GIB(1) - MIB(8), GIB(70)};

	return base[random_u64() % ARRAY_SIZE(base)] + random_u64() % PAGES * PAGE_SIZE;
}

static struct vm_region random_region(void)
{
	static const u32 prots[] = {PT_READ, PT_READ | PT_WRITE, RWX,
				    PT_READ | PT_WRITE | PT_UNCACHED};
	u64 start = random_start(), size = (1 + random_u64() % 16) * PAGE_SIZE;
	struct vm_region made;

	if (random_u64() % 4 == 0) {
		start = align_down(start, MIB(2));
		size = MIB(2) * (1 + random_u64() % 3);
	}
	made = region(start, size, prots[random_u64() % 4], random_u64() % 3);
	made.host.v += random_u64() % 2 * GIB(3); /* the same address comes to mean another */
	return made;
}

static void change(void)
{
	if (random_u64() % 2 && vm.region_count < 24) {
		struct vm_region made = random_region();

		(void)!vm_map(&vm, &made);
	} else if (vm.region_count) {
		struct vm_region gone = vm.region[random_u64() % vm.region_count];

		assert_int_equal(vm_unmap(&vm, gone.start, gone.size), OK);
	}
	assert_int_equal(vm.nested_retired.count, 0);
}

static void check_all(void)
{
	static const u64 base[] = {0, GIB(1) - MIB(8), GIB(70)};

	for (u32 b = 0; b < ARRAY_SIZE(base); b++)
		for (u64 at = 0; at < (PAGES + 1600) * PAGE_SIZE; at += PAGE_SIZE)
			check_page(base[b] + at);
}

static void both_views_are_the_list(void **state)
{
	static const struct {
		u64 cap, ecap;
		bool shared;
	} kinds[] = {
		{WORLD_CAP, SNOOPS, true},
		{WORLD_CAP | WORLD_CAP_CM, SNOOPS, true},
		{WORLD_CAP & ~WORLD_CAP_PSI, SNOOPS, true},
		{WORLD_CAP | WORLD_CAP_RWBF, SNOOPS, true},
		{WORLD_CAP, WORLD_ECAP, false},
		{WORLD_CAP | WORLD_CAP_CM, WORLD_ECAP, false},
		{WORLD_CAP & ~CAP_4LV, SNOOPS, false},
	};

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		begin(kinds[k].cap, kinds[k].ecap);
		assert_int_equal(vm.domain.shared != NULL, kinds[k].shared);
		for (unsigned round = 0; round < 300; round++) {
			change();
			for (unsigned n = 0; n < 30; n++)
				check_dma(random_start());
			for (u32 r = 0; r < vm.region_count; r++) {
				check_dma(vm.region[r].start.v);
				check_dma(vm.region[r].start.v + vm.region[r].size - 1);
			}
			if (round % 30 == 0)
				check_all();
		}
		assert_null(unit->violation);
		while (vm.region_count)
			assert_int_equal(vm_unmap(&vm, vm.region[0].start, vm.region[0].size), OK);
		assert_int_equal(vm.nested.tables, 1);
		check_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_views_are_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
