// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
// sources: hv/vm/vm.c hv/vm/domain.c arch/x86/vmx/ept.c arch/x86/mtrr.c arch/x86/svm/caps.c arch/x86/svm/nested.c
/* One table for the CPU and the units: when, and what is freed when. */
#include "tests/host/harness.h"

#include "arch/x86/svm/internal.h"
#include "tests/host/shared_desk.h"

/* --- When they share ----------------------------------------------------------------------------- */

static void one_table_where_all_agree(void **state)
{
	static const struct {
		const char *what;
		const struct pt_format *format;
		u64 cap, ecap;
		u8 levels, leaf_sizes;
		bool shared;
	} rows[] = {
		{"all agree", &ept_format, WORLD_CAP, SNOOPS, 4, ALL, true},
		{"caching mode", &ept_format, WORLD_CAP | WORLD_CAP_CM, SNOOPS, 4, ALL, true},
		{"no snoop control", &ept_format, WORLD_CAP, WORLD_ECAP, 4, ALL, false},
		{"not coherent", &ept_format, WORLD_CAP, SNOOPS & ~WORLD_ECAP_C, 4, ALL, false},
		{"3 levels", &ept_format, WORLD_CAP & ~CAP_4LV, SNOOPS, 4, ALL, false},
		{"5 levels", &ept_format, WORLD_CAP, SNOOPS, 5, ALL, false},
		{"no 1G", &ept_format, WORLD_CAP & ~CAP_1G, SNOOPS, 4, ALL, false},
		{"no 1G on either", &ept_format, WORLD_CAP & ~CAP_1G, SNOOPS, 4, PT_4K | PT_2M,
		 true},
		{"no 2M", &ept_format, WORLD_CAP & ~(CAP_1G | CAP_2M), SNOOPS, 4, PT_4K | PT_2M,
		 false},
		{"CPU knows less", &ept_format, WORLD_CAP, SNOOPS, 4, PT_4K, true},
		{"npt", &npt_format, WORLD_CAP, SNOOPS, 4, ALL, false},
		{"npt, no snoop control", &npt_format, WORLD_CAP, WORLD_ECAP, 4, ALL, false},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pt_leaf leaf;
		u64 to;

		machine(rows[i].cap, rows[i].ecap);
		make_vm(rows[i].format, rows[i].levels, rows[i].leaf_sizes);
		assert_int_equal(vm_domain_create(&vm), OK);
		if (rows[i].shared != (vm.domain.shared != NULL))
			fail_msg("%s", rows[i].what);
		assert_int_equal(!!strstr(captured_log(), "share"), rows[i].shared);
		/* Either way the device has the VM's memory, and the CPU has it. */
		struct vm_region ram = region(0, MIB(4), RWX, true);

		assert_int_equal(vtd_ops.attach(&vm.domain, DEVICE), OK);
		assert_int_equal(vm_map(&vm, &ram), OK);
		assert_int_equal(dma(0x345678, true, &to), 0);
		assert_int_equal(to, HOST + 0x345678);
		assert_true(pt_lookup(&vm.nested, 0x345678, &leaf));
		assert_int_equal(leaf.address.v, to);
		assert_null(unit->violation);
	}
}

static void one_unit_that_can_not_is_enough(void **state)
{
	static const u64 poor[][2] = {
		{WORLD_CAP, WORLD_ECAP},
		{WORLD_CAP, SNOOPS & ~WORLD_ECAP_C},
		{WORLD_CAP & ~CAP_4LV, SNOOPS},
		{WORLD_CAP & ~CAP_1G, SNOOPS},
		{WORLD_CAP, SNOOPS}, /* this one can */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(poor); i++) {
		world_reset();
		world_add_drhd(0, 0, 0xfed91000, poor[i][0], poor[i][1]);
		world_add_scope(1, 0, 0, (const u8[]){2, 0, 0xff});
		world_add_unit(WORLD_CAP, SNOOPS);
		world_add_function(0, 3, 0, PCI_NO_PARENT);
		world_finish();
		assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
		make_vm(&ept_format, 4, ALL);
		assert_int_equal(vm_domain_create(&vm), OK);
		assert_int_equal(vm.domain.shared != NULL, i == 4);
	}
}

/* A reserved region never gets into the CPU's table, whoever asks for it. */
static void two_tables_with_a_reserved_region(void **state)
{
	u64 to;

	(void)state;
	machine(WORLD_CAP, SNOOPS);
	make_vm(&ept_format, 4, ALL);
	plan.device[plan.device_count++] = pci_find(&world.pci, USB);
	assert_int_equal(vm_domain_create(&vm), OK);
	assert_null(vm.domain.shared);
	assert_int_equal(vtd_ops.attach(&vm.domain, DEVICE), OK);
	assert_int_equal(vtd_ops.attach(&vm.domain, USB), OK);
	assert_int_equal(fake_dma(unit, USB.bdf, RMRR, true, &to), 0);
	assert_false(cpu_has(RMRR));

	begin_shared(WORLD_CAP);
	assert_int_equal(vtd_ops.attach(&vm.domain, USB), ERR_UNSUPPORTED);
	assert_int_equal(fake_dma(unit, USB.bdf, RMRR, true, &to), 0); /* at home */
	assert_int_equal(to, RMRR);
	assert_int_not_equal(dma(RMRR, true, &to), 0);
	assert_false(cpu_has(RMRR));
}

/* --- What is freed, and when ---------------------------------------------------------------------- */

static u32 free_at_first, seen_writes;

/* While the unit is being told, nothing is free yet, and the CPU has been told. */
static void expect_nothing_freed(struct fake_unit *told)
{
	assert_ptr_equal(told, unit);
	assert_int_equal(world_pool.free_pages, free_at_first);
	assert_false(cpu_has(GIB(70)));
	assert_true(cpu_flushes > 0);
	seen_writes++;
}

static void pages_are_freed_after_both_flushes(void **state)
{
	struct vm_region ram = region(GIB(70), 2 * PAGE_SIZE, RWX, true);
	u32 tables;

	(void)state;
	for (unsigned is_dma = 0; is_dma < 2; is_dma++) {
		begin_shared(WORLD_CAP);
		tables = vm.nested.tables;
		ram.dma = is_dma;
		assert_int_equal(vm_map(&vm, &ram), OK);
		assert_int_equal(vm.nested.tables, tables + 3);
		assert_true(reaches(GIB(70)));
		free_at_first = world_pool.free_pages;
		cpu_flushes = seen_writes = 0;
		unit->on_write = expect_nothing_freed;
		assert_int_equal(vm_unmap(&vm, ram.start, ram.size), OK);
		assert_true(seen_writes > 0);
		unit->on_write = NULL;
		assert_int_equal(world_pool.free_pages, free_at_first + 3);
		assert_false(reaches(GIB(70)));
	}
}

static void nothing_is_freed_without_the_units_word(void **state)
{
	struct vm_region ram = region(GIB(70), 2 * PAGE_SIZE, RWX, true);

	(void)state;
	begin_shared(WORLD_CAP);
	assert_int_equal(vm_map(&vm, &ram), OK);
	assert_true(reaches(GIB(70)));
	free_at_first = world_pool.free_pages;
	unit->refuse = 1;
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), ERR_HARDWARE);
	assert_int_equal(world_pool.free_pages, free_at_first);
	assert_int_equal(vm.nested_retired.count, 3);
	assert_int_equal(vm.region_count, 1); /* nobody else gets that memory */
	assert_true(reaches(GIB(70)));	      /* for the unit still can */
	/* It can be tried again. */
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), OK);
	assert_int_equal(world_pool.free_pages, free_at_first + 3);
	assert_int_equal(vm.region_count + vm.nested_retired.count, 0);
	assert_false(reaches(GIB(70)));

	/* Or the next flush of anything makes up for it. */
	struct vm_region other = region(0, PAGE_SIZE, RWX, true);

	assert_int_equal(vm_map(&vm, &ram), OK);
	assert_int_equal(vm_map(&vm, &other), OK);
	assert_true(reaches(GIB(70)));
	unit->refuse = 1;
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), ERR_HARDWARE);
	assert_int_equal(vm_unmap(&vm, other.start, other.size), OK);
	assert_int_equal(vm.nested_retired.count, 0);
	assert_false(reaches(GIB(70)));
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), OK);

	assert_int_equal(vm_map(&vm, &ram), OK);
	free_at_first = world_pool.free_pages;
	unit->queue_stuck = true;
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), ERR_TIMEOUT);
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), ERR_HARDWARE); /* dead */
	assert_int_equal(world_pool.free_pages, free_at_first);
	assert_int_equal(vm.region_count, 1);
}

/* A mapping that can't be announced, or that memory doesn't suffice for. */
static void a_mapping_in_vain_is_forgotten(void **state)
{
	struct vm_region ram = region(GIB(70), 2 * PAGE_SIZE, RWX, true);

	(void)state;
	begin_shared(WORLD_CAP | WORLD_CAP_CM);
	free_at_first = world_pool.free_pages;
	unit->refuse = 1;
	assert_int_equal(vm_map(&vm, &ram), ERR_HARDWARE);
	assert_false(cpu_has(GIB(70)) || reaches(GIB(70)));
	assert_int_equal(vm.region_count + vm.nested_retired.count, 0);
	assert_int_equal(world_pool.free_pages, free_at_first);
	/* Caching mode keeps in mind that nothing was there, until it is told. */
	assert_int_equal(vm_map(&vm, &ram), OK);
	assert_true(reaches(GIB(70)));
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), OK);

	while (world_pool.free_pages > 2)
		(void)pool_take(&world_pool);
	unsigned told = unit->invalidations;

	assert_int_equal(vm_map(&vm, &ram), ERR_NO_MEMORY);
	assert_int_equal(world_pool.free_pages, 2);
	assert_true(unit->invalidations > told);

	begin_shared(WORLD_CAP);
	ram = region(0xfee00000, PAGE_SIZE, RWX, true); /* where devices never reach memory */
	assert_int_equal(vm_map(&vm, &ram), ERR_INVALID);
	assert_false(cpu_has(ram.start.v));
}

/* A BAR beyond the addresses that units know: of no use to them, and no harm. */
static void registers_may_lie_where_no_unit_reaches(void **state)
{
	struct vm_region registers = region(BIT(45), PAGE_SIZE, PT_READ | PT_WRITE, false);
	struct vm_region ram = region(0, PAGE_SIZE, RWX, true);
	u64 narrow = (WORLD_CAP & ~(0x3full << 16)) | 38ull << 16;

	(void)state;
	begin_shared(narrow);
	assert_int_equal(vm_map(&vm, &ram), OK);
	assert_int_equal(vm_map(&vm, &registers), OK);
	assert_true(reaches(0) && !reaches(BIT(45)) && cpu_has(BIT(45)));
	assert_int_equal(vm_unmap(&vm, registers.start, PAGE_SIZE), OK);
	/* The invalidation could not name the page, so it was of the whole domain. */
	for (unsigned i = 0; i < FAKE_CACHE; i++)
		assert_false(unit->iotlb[i].valid);
	registers.dma = true;
	assert_int_equal(vm_map(&vm, &registers), ERR_INVALID);
	assert_false(cpu_has(BIT(45)));
}

/* What a unit saw of it in the moment that it was there: of the second run too, which was cut short. */
static void a_half_made_mapping_is_forgotten(void **state)
{
	struct vm_region ram = region(MIB(5) - PAGE_SIZE, MIB(1) + 2 * PAGE_SIZE, RWX, true);
	struct fake_translation *seen;

	(void)state;
	begin_shared(WORLD_CAP);
	seen = &unit->iotlb[0];
	*seen = (struct fake_translation){true, vm.domain.id, MIB(5) >> 12, HOST | 3};
	while (world_pool.free_pages > 3)
		(void)pool_take(&world_pool);
	assert_int_equal(vm_map(&vm, &ram), ERR_NO_MEMORY);
	assert_false(seen->valid);
	assert_false(cpu_has(MIB(5) - PAGE_SIZE) || cpu_has(MIB(5)));
	assert_int_equal(world_pool.free_pages, 3);
}

static void the_owner_alone_changes_and_frees_it(void **state)
{
	struct vm_region ram = region(0, MIB(4), RWX, true);
	u32 tables;

	(void)state;
	begin_shared(WORLD_CAP);
	assert_int_equal(vm_map(&vm, &ram), OK);
	tables = vm.nested.tables;
	free_at_first = world_pool.free_pages;
	assert_int_equal(vtd_ops.unmap(&vm.domain, iova(0), MIB(4)), ERR_INVALID);
	assert_true(reaches(0));
	assert_int_equal(vtd_ops.detach(&vm.domain, DEVICE), OK);
	assert_false(reaches(0));
	assert_int_equal(vtd_ops.domain_destroy(&vm.domain), OK);
	assert_true(cpu_has(0));
	assert_int_equal(vm.nested.tables, tables);
	assert_int_equal(world_pool.free_pages, free_at_first);
}

/* They hold pointers to its memory, from before. */
static void no_vcpu_keeps_a_page_of_code(void **state)
{
	struct vm_region ram = region(0, MIB(4), RWX, true);

	(void)state;
	begin_shared(WORLD_CAP);
	vm.vcpu_count = 3;
	assert_int_equal(vm_map(&vm, &ram), OK);
	for (u32 n = 0; n < vm.vcpu_count; n++)
		vm.vcpu[n].code.last = PAGE_MASK;
	assert_int_equal(vm_unmap(&vm, ram.start, ram.size), OK);
	for (u32 n = 0; n < vm.vcpu_count; n++)
		assert_int_equal(vm.vcpu[n].code.last, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_table_where_all_agree),
		cmocka_unit_test(one_unit_that_can_not_is_enough),
		cmocka_unit_test(two_tables_with_a_reserved_region),
		cmocka_unit_test(pages_are_freed_after_both_flushes),
		cmocka_unit_test(nothing_is_freed_without_the_units_word),
		cmocka_unit_test(a_mapping_in_vain_is_forgotten),
		cmocka_unit_test(a_half_made_mapping_is_forgotten),
		cmocka_unit_test(registers_may_lie_where_no_unit_reaches),
		cmocka_unit_test(no_vcpu_keeps_a_page_of_code),
		cmocka_unit_test(the_owner_alone_changes_and_frees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
