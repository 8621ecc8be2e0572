// sources: hv/vm/signal.c
/* How CPUs reach vCPUs: in whatever order things happen, nothing that is asked is slept through. */
#include "tests/host/harness.h"

#include "arch/x86/apic.h"
#include "arch/x86/delay.h"
#include "hv/vm/vm.h"

#define CPUS 3

static struct vm vm;
static u32 nmis[CPUS];
static void (*on_nmi)(u32 vcpu);
static void (*while_waiting)(void);
static u32 looks;

void apic_send_nmi(u32 id)
{
	assert_true(id >= 10 && id < 10 + CPUS);
	nmis[id - 10]++;
	if (on_nmi)
		on_nmi(id - 10);
}

struct deadline deadline_in(u64 us)
{
	assert_true(us > 0);
	return (struct deadline){us};
}

bool deadline_passed(struct deadline deadline)
{
	(void)deadline;
	if (while_waiting)
		while_waiting();
	return ++looks > 100;
}

static int begin(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(nmis, 0, sizeof(nmis));
	captured_log_clear();
	on_nmi = NULL;
	while_waiting = NULL;
	looks = 0;
	vm.vcpu_count = CPUS;
	for (u32 n = 0; n < CPUS; n++)
		vm.vcpu[n].apic_id = 10 + n;
	return 0;
}

static void test_asked_before(void **state)
{
	(void)state;
	signal_send(&vm, 1, SIGNAL_NMI);
	signal_send(&vm, 1, SIGNAL_INIT);
	assert_int_equal(nmis[1], 0); /* it will look */
	assert_false(signal_away(&vm.signals[1]));
	assert_false(vm.signals[1].away);
	assert_int_equal(signal_take(&vm.signals[1]), SIGNAL_NMI | SIGNAL_INIT);
	assert_int_equal(signal_take(&vm.signals[1]), 0);
	assert_true(signal_away(&vm.signals[1]));
	signal_back(&vm.signals[1]);
	assert_int_equal(nmis[0] + nmis[1] + nmis[2], 0);
}

static void test_asked_while_away(void **state)
{
	(void)state;
	assert_true(signal_away(&vm.signals[2]));
	signal_send(&vm, 2, SIGNAL_END);
	assert_int_equal(nmis[2], 1);
	signal_send(&vm, 0, SIGNAL_END);
	assert_int_equal(nmis[0], 0);
	signal_back(&vm.signals[2]);
	signal_send(&vm, 2, SIGNAL_NMI);
	assert_int_equal(nmis[2], 1);
	assert_false(signal_away(&vm.signals[2]));
}

/* --- The flush --- */

static bool in_hypervisor(void)
{
	for (u32 n = 0; n < CPUS; n++)
		if (vm.signals[n].away)
			return false;
	return true;
}

static void test_nobody_is_away(void **state)
{
	(void)state;
	assert_true(signal_flush(&vm).done);
	assert_int_equal(looks, 0);
	for (u32 n = 0; n < CPUS; n++) {
		assert_false(signal_away(&vm.signals[n])); /* not before it has flushed */
		assert_int_equal(signal_take(&vm.signals[n]), SIGNAL_FLUSH);
	}
	assert_true(in_hypervisor());
}

static void leave_at_once(u32 vcpu)
{
	signal_back(&vm.signals[vcpu]);
}

static void test_others_leave(void **state)
{
	(void)state;
	on_nmi = leave_at_once;
	assert_true(signal_away(&vm.signals[0]) && signal_away(&vm.signals[2]));
	assert_true(signal_flush(&vm).done);
	assert_int_equal(nmis[0], 1);
	assert_int_equal(nmis[1], 0);
	assert_int_equal(nmis[2], 1);
}

/* It was out, flushed, and is in the guest again between two looks. */
static void come_and_go(void)
{
	assert_true(vm.signals[2].away);
	if (looks == 5) {
		signal_back(&vm.signals[2]);
		assert_false(signal_away(&vm.signals[2]));
		assert_int_equal(signal_take(&vm.signals[2]), SIGNAL_FLUSH);
		assert_true(signal_away(&vm.signals[2]));
	}
}

static void test_out_and_in_again(void **state)
{
	(void)state;
	assert_true(signal_away(&vm.signals[2]));
	while_waiting = come_and_go;
	assert_true(signal_flush(&vm).done);
	assert_int_equal(looks, 6);
	assert_true(vm.signals[2].away);
}

static void test_one_does_not_leave(void **state)
{
	(void)state;
	assert_true(signal_away(&vm.signals[1]));
	assert_false(signal_flush(&vm).done);
	assert_int_equal(nmis[1], 1);
	assert_non_null(strstr(captured_log(), "virtual CPU 1 can't be reached"));
	/* The request stays, so that it flushes whenever it comes. */
	assert_int_equal(signal_take(&vm.signals[1]), SIGNAL_FLUSH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_asked_before, begin),
		cmocka_unit_test_setup(test_asked_while_away, begin),
		cmocka_unit_test_setup(test_nobody_is_away, begin),
		cmocka_unit_test_setup(test_others_leave, begin),
		cmocka_unit_test_setup(test_out_and_in_again, begin),
		cmocka_unit_test_setup(test_one_does_not_leave, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
