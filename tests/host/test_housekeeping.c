// sources: hv/vm/housekeeping.c drivers/pci_print.c
#include "tests/host/harness.h"

#include "hv/vm/console.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/services.h"

struct services services;
static struct vm vms[2];

/* --- Faults and bytes that wait --- */

static struct iommu_fault next;
static u32 waiting, asked;
static char typed[4096];
static u32 typed_at, typed_end;
static bool endless;
static char heard[8192];
static u32 heard_count;

static unsigned faults(struct iommu_fault *fault, unsigned max)
{
	unsigned taken = 0;

	asked++;
	while (taken < max && (endless || waiting)) {
		fault[taken++] = next;
		waiting -= !endless;
	}
	return taken;
}

static const struct iommu_ops iommu_ops = {.faults = faults};

int uart_read(void)
{
	if (endless)
		return 'z';
	return typed_at < typed_end ? typed[typed_at++] : -1;
}

void console_input(struct vm *vm, u8 byte)
{
	assert_ptr_equal(vm, &vms[0]);
	assert_true(heard_count < sizeof(heard));
	heard[heard_count++] = (char)byte;
}

static u64 now;
static u32 cuts;

u64 clock_us(void)
{
	return now;
}

void vpci_cut_off(struct vm *vm, const struct pci_function *function)
{
	assert_ptr_equal(vm, &vms[1]);
	assert_int_equal(function->address.bdf, 0x0100);
	cuts++;
}

static int set_up(void **state)
{
	static struct pci_function functions[2];

	(void)state;
	memset(vms, 0, sizeof(vms));
	strcpy(vms[0].name, "net");
	strcpy(vms[1].name, "disk");
	static const struct sbdf ids[] = {SBDF(0, 0, 5, 0), SBDF(0, 1, 0, 0)};

	for (u32 i = 0; i < 2; i++) {
		vms[i].device_count = 1;
		vms[i].vcpu_count = 1;
		vms[i].device[0].requesters.count = 2;
		vms[i].device[0].requesters.id[0] = SBDF(0, 2, i, 0);
		vms[i].device[0].requesters.id[1] = ids[i];
		functions[i].address = ids[i];
		vms[i].device[0].function = &functions[i];
	}
	now = cuts = 0;
	services = (struct services){.iommu = &iommu_ops};
	housekeeping_init(vms, 2);
	waiting = asked = typed_at = typed_end = heard_count = 0;
	endless = false;
	next = (struct iommu_fault){.requester = SBDF(0, 1, 0, 0),
				    .address = 0x12345000,
				    .write = true,
				    .reason = "no"};
	captured_log_clear();
	return 0;
}

static u32 lines(void)
{
	u32 count = 0;

	for (const char *c = captured_log(); *c; c++)
		count += *c == '\n';
	return count;
}

/* The first of the tests: no VM is there yet, and what is typed waits. */
static void test_before_the_start(void **state)
{
	(void)state;
	services = (struct services){.iommu = &iommu_ops};
	typed_at = waiting = 0;
	typed_end = 1;
	housekeeping();
	assert_int_equal(asked + typed_at, 0);
}

static void test_nothing(void **state)
{
	(void)state;
	housekeeping();
	assert_int_equal(lines() + heard_count, 0);
	services.iommu = NULL;
	housekeeping();
	assert_int_equal(lines(), 0);
}

static void test_attribution(void **state)
{
	(void)state;
	waiting = 1;
	housekeeping();
	assert_int_equal(vms[1].counters.dma_faults, 1);
	assert_int_equal(vms[0].counters.dma_faults, 0);
	assert_non_null(strstr(captured_log(), "01:00.0 (disk): write of 0x12345000: no\n"));
	next.requester = SBDF(0, 9, 9, 1);
	next.write = false;
	waiting = 1;
	housekeeping();
	assert_non_null(strstr(captured_log(), "09:09.1 (no VM): read of"));
	next.interrupt = true;
	next.address = 0x41;
	waiting = 1;
	housekeeping();
	assert_non_null(strstr(captured_log(), "interrupt through entry 0x41"));
	assert_int_equal(vms[0].counters.dma_faults, 0);
}

/* All that wait are taken, since a unit raises no event for them; told are only the first. */
static void test_storm(void **state)
{
	(void)state;
	waiting = 300;
	housekeeping();
	assert_int_equal(waiting, 0);
	assert_int_equal(vms[1].counters.dma_faults, 300);
	assert_int_equal(lines(), 18);
	assert_non_null(strstr(captured_log(), "further faults of disk are only counted"));
	assert_non_null(strstr(captured_log(), "disk: 01:00.0: cut off after 10 faults"));
	assert_int_equal(cuts, 1);
}

static void fault(u32 count)
{
	waiting = count;
	housekeeping();
}

/* Nine are no storm, and half of them are forgiven after a while. */
static void test_forgiven(void **state)
{
	(void)state;
	fault(9);
	assert_int_equal(cuts, 0);
	now = 10000000;
	fault(5);
	assert_int_equal(cuts, 0);
	fault(1);
	assert_int_equal(cuts, 1);
	fault(100);
	assert_int_equal(cuts, 1);
	assert_int_equal(vms[1].counters.dma_faults, 115);
}

static void test_slow_faults_never_cut(void **state)
{
	(void)state;
	for (u32 i = 0; i < 1000; i++, now += 3000000)
		fault(1);
	assert_int_equal(cuts, 0);
	now += 1000000000000ull;
	fault(9);
	assert_int_equal(cuts, 0);
}

/* Two devices behind one bridge have one ID; each has its own count. */
static void test_one_id_for_two(void **state)
{
	static const struct pci_function function = {.address = SBDF(0, 1, 0, 0)};

	(void)state;
	vms[1].device_count = 2;
	vms[1].device[1] = vms[1].device[0];
	vms[1].device[1].function = &function;
	fault(10);
	assert_int_equal(cuts, 2);
	assert_int_equal(vms[1].counters.dma_faults, 10);
}

/* The device has moved on: its faults are the next owner's, and those of an ended VM cut nothing off. */
static void test_owner_after_the_end(void **state)
{
	(void)state;
	vms[0].device[0] = vms[1].device[0];
	vms[0].end = VM_EXITED;
	fault(1);
	assert_int_equal(vms[1].counters.dma_faults, 1);
	vms[1].end = VM_EXITED;
	fault(20);
	assert_int_equal(vms[0].counters.dma_faults + vms[1].counters.dma_faults, 21);
	assert_int_equal(cuts, 0);
}

static void test_input(void **state)
{
	(void)state;
	typed_end = 300;
	memset(typed, 'a', sizeof(typed));
	housekeeping();
	assert_int_equal(heard_count, 300);
}

/* Its CPU may be another's by then: what is typed is dropped. */
static void test_input_after_the_end(void **state)
{
	(void)state;
	typed_end = 10;
	vms[0].end = VM_EXITED;
	housekeeping();
	assert_int_equal(heard_count, 0);
	assert_int_equal(typed_at, 10);
}

/* Hardware that never runs dry does not hold the CPU for ever. */
static void test_bounded(void **state)
{
	(void)state;
	endless = true;
	housekeeping();
	assert_true(asked <= 64 && heard_count <= 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_start),
		cmocka_unit_test_setup(test_nothing, set_up),
		cmocka_unit_test_setup(test_attribution, set_up),
		cmocka_unit_test_setup(test_storm, set_up),
		cmocka_unit_test_setup(test_forgiven, set_up),
		cmocka_unit_test_setup(test_slow_faults_never_cut, set_up),
		cmocka_unit_test_setup(test_one_id_for_two, set_up),
		cmocka_unit_test_setup(test_owner_after_the_end, set_up),
		cmocka_unit_test_setup(test_input, set_up),
		cmocka_unit_test_setup(test_input_after_the_end, set_up),
		cmocka_unit_test_setup(test_bounded, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
