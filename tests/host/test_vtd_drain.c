// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c iommu/vtd/tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c hv/vm/housekeeping.c
#include "tests/host/harness.h"

#include "drivers/uart.h"
#include "hv/vm/console.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/services.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"

#define DEVICE	    SBDF(0, 0, 3, 0)
#define RECORDS(n)  ((WORLD_CAP & ~(0xffull << 40)) | (n - 1ull) << 40)
#define FSTS_FIELDS 0x7f

struct services services;
static struct vm vm;

int uart_read(void)
{
	return -1;
}

void console_input(struct vm *of, u8 byte)
{
	(void)of;
	(void)byte;
}

u64 clock_us(void)
{
	return 0;
}

static u32 cuts;

void vpci_cut_off(struct vm *of, const struct pci_function *function)
{
	assert_ptr_equal(of, &vm);
	assert_ptr_equal(function, vm.device[0].function);
	cuts++;
}

static struct fake_unit *with_vm(unsigned records)
{
	struct fake_unit *unit = world_enabled(RECORDS(records), WORLD_ECAP);

	static const struct pci_function function = {.address = DEVICE};

	cuts = 0;
	memset(&vm, 0, sizeof(vm));
	vm.device[0].function = &function;
	vm.device[0].requesters.id[0] = DEVICE;
	vm.device[0].requesters.count = 1;
	vm.device_count = 1;
	services.iommu = &vtd_ops;
	housekeeping_init(&vm, 1);
	return unit;
}

/* One event is all that comes for them, so one call takes them all. */
static void expect_all_are_counted(unsigned records, unsigned faults)
{
	struct fake_unit *unit = with_vm(records);

	for (unsigned i = 0; i < faults; i++)
		fake_fault(unit, DEVICE.bdf, 2, 0, true);
	assert_int_equal(unit->fault_events, 1);
	housekeeping();
	assert_int_equal(vm.counters.dma_faults, faults < records ? faults : records);
	assert_int_equal(cuts, vm.counters.dma_faults >= 10);
	assert_int_equal(unit->fsts & FSTS_FIELDS, 0);
	fake_fault(unit, DEVICE.bdf, 2, 0, true);
	assert_int_equal(unit->fault_events, 2);
}

static void nothing_is_left_for_an_event_that_does_not_come(void **state)
{
	(void)state;
	expect_all_are_counted(1, 1);
	expect_all_are_counted(16, 16);
	expect_all_are_counted(20, 17);
	expect_all_are_counted(32, 32);
	expect_all_are_counted(16, 20); /* overflow, as many as are taken in one go */
	expect_all_are_counted(32, 40);
}

static void storm(struct fake_unit *unit)
{
	fake_fault(unit, DEVICE.bdf, 2, 0, true);
}

static void a_storm_ends_in_bounded_time(void **state)
{
	struct fake_unit *unit = with_vm(4);

	(void)state;
	storm(unit);
	unit->on_write = storm;
	housekeeping();
	assert_in_range(vm.counters.dma_faults, 100, 10000);
	unit->on_write = NULL;
	housekeeping();
	assert_int_equal(unit->fsts & FSTS_FIELDS, 0);
}

static void without_an_iommu_there_are_no_faults(void **state)
{
	(void)state;
	with_vm(1);
	services.iommu = NULL;
	housekeeping();
	assert_int_equal(vm.counters.dma_faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_for_an_event_that_does_not_come),
		cmocka_unit_test(a_storm_ends_in_bounded_time),
		cmocka_unit_test(without_an_iommu_there_are_no_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
