// sources: hv/vm/startup.c hv/vm/signal.c
/* INIT, startup IPIs and NMIs among vCPUs: what is sent, and what the other does when it looks. */
#include "tests/host/harness.h"

#include "arch/x86/apic.h"
#include "arch/x86/delay.h"
#include "hv/vm/code.h"
#include "hv/vm/features.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define CPUS	  3
#define SIGNATURE 0x306c3

struct services services;
static struct vm vm;
static struct vcpu *const ap = &vm.vcpu[1];

/* --- What is done, one letter each, in its order --- */

static char done[64];
static struct vcpu_start started;

static void note(char what)
{
	size_t length = strlen(done);

	assert_true(length < sizeof(done) - 1);
	assert_true(vm.lock.held);
	done[length] = what;
}

static void reset(struct vcpu *vcpu, const struct vcpu_start *start)
{
	assert_ptr_equal(vcpu, ap);
	started = *start;
	note('R');
}

static void flush(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, ap);
	note('F');
}

static void inject(struct vcpu *vcpu, const struct vcpu_event *event)
{
	assert_ptr_equal(vcpu, ap);
	assert_int_equal(event->kind, EVENT_NMI);
	assert_int_equal(event->vector, 2);
	assert_false(event->has_error);
	note('N');
}

static void stand_by(void)
{
	note('S');
}

void vlapic_reset(struct vm *of, struct vcpu *vcpu)
{
	assert_ptr_equal(of, &vm);
	assert_ptr_equal(vcpu, ap);
	note('A');
}

/* With what is cached of the nested tables goes what was found by them. */
void code_close(struct vcpu *vcpu)
{
	assert_ptr_equal(vcpu, ap);
	note('C');
}

struct cpuid_values features_cpuid(const struct vm *of, const struct vcpu *vcpu, u32 leaf,
				   u32 subleaf)
{
	assert_ptr_equal(of, &vm);
	assert_ptr_equal(vcpu, ap);
	assert_int_equal(leaf, 1);
	assert_int_equal(subleaf, 0);
	return (struct cpuid_values){.eax = SIGNATURE};
}

void vm_end(struct vm *of, enum vm_end_kind end, u32 code, const char *reason)
{
	assert_ptr_equal(of, &vm);
	assert_int_equal(end, VM_CRASHED);
	assert_int_equal(code, 0);
	assert_non_null(reason);
	note('E');
}

static u32 kicks;

void apic_send_nmi(u32 id)
{
	assert_int_equal(id, 11);
	kicks++;
}

struct deadline deadline_in(u64 us)
{
	return (struct deadline){us};
}

bool deadline_passed(struct deadline deadline)
{
	fail_msg("%lu", (unsigned long)deadline.tsc);
	return true;
}

static const struct vcpu_ops ops = {
	.reset = reset, .flush = flush, .inject = inject, .stand_by = stand_by};

static int begin(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	vm.vcpu_count = CPUS;
	for (u32 n = 0; n < CPUS; n++) {
		vm.vcpu[n].apic_id = 10 + n;
		vm.vcpu[n].signals = &vm.signals[n];
	}
	services.cpu = &ops;
	startup_init(&vm);
	kicks = 0;
	return 0;
}

static const char *attend(void)
{
	memset(done, 0, sizeof(done));
	startup_attend(&vm, ap);
	assert_int_equal(vm.lock.held, 0);
	return done;
}

static void run_it(void)
{
	startup_send_startup(&vm, 1, 8);
	assert_string_equal(attend(), "AR");
}

static void test_begin(void **state)
{
	(void)state;
	assert_false(vm.startup[0].waits);
	assert_true(vm.startup[1].waits && vm.startup[2].waits);
	assert_string_equal(attend(), "");
}

static void test_start(void **state)
{
	(void)state;
	startup_send_init(&vm, 1);
	assert_string_equal(attend(), "SA");
	startup_send_startup(&vm, 1, 0x9a);
	startup_send_startup(&vm, 1, 0x55); /* the second one comes too late */
	assert_string_equal(attend(), "AR");
	assert_int_equal(started.kind, START_REAL);
	assert_int_equal(started.page, 0x9a);
	assert_int_equal(started.rdx, SIGNATURE);
	assert_int_equal(started.rip | started.rax | started.rbx, 0);
	assert_false(vm.startup[1].waits);
	startup_send_startup(&vm, 1, 0x55);
	assert_string_equal(attend(), "");
}

/* INIT and a startup IPI may both be there before it looks. */
static void test_all_at_once(void **state)
{
	(void)state;
	run_it();
	startup_send_nmi(&vm, 1);
	startup_send_init(&vm, 1);
	startup_send_nmi(&vm, 1);
	startup_send_startup(&vm, 1, 0x12);
	startup_send_startup(&vm, 1, 0x13);
	assert_string_equal(attend(), "SAAR");
	assert_int_equal(started.page, 0x12);
	assert_string_equal(attend(), "");
}

/* A startup IPI that was not looked at yet is undone by the INIT after it. */
static void test_init_undoes(void **state)
{
	(void)state;
	startup_send_startup(&vm, 1, 0x12);
	startup_send_init(&vm, 1);
	assert_string_equal(attend(), "SA");
	assert_true(vm.startup[1].waits);
	startup_send_startup(&vm, 1, 0x13);
	assert_string_equal(attend(), "AR");
	assert_int_equal(started.page, 0x13);
}

static void test_nmis(void **state)
{
	(void)state;
	startup_send_nmi(&vm, 1); /* it waits */
	assert_string_equal(attend(), "");
	run_it();
	startup_send_nmi(&vm, 1);
	startup_send_nmi(&vm, 1);
	assert_string_equal(attend(), "N");
}

static void test_flush(void **state)
{
	(void)state;
	signal_send(&vm, 1, SIGNAL_FLUSH);
	assert_string_equal(attend(), "FC"); /* one that waits, too */
	run_it();
	signal_send(&vm, 1, SIGNAL_FLUSH | SIGNAL_NMI);
	assert_string_equal(attend(), "FCN");
}

static void test_kicked(void **state)
{
	(void)state;
	assert_true(signal_away(&vm.signals[1]));
	startup_send_nmi(&vm, 1);
	assert_int_equal(kicks, 0); /* for nothing it is not woken */
	startup_send_startup(&vm, 1, 1);
	assert_int_equal(kicks, 1);
	startup_send_startup(&vm, 1, 1);
	assert_int_equal(kicks, 1);
	startup_send_init(&vm, 1);
	assert_int_equal(kicks, 2);
}

static void test_last_one(void **state)
{
	(void)state;
	run_it();
	vm.startup[0].waits = true;
	startup_send_init(&vm, 1);
	assert_string_equal(attend(), "SAE");
	/* One that is about to start can start the others. */
	run_it();
	startup_send_startup(&vm, 2, 1);
	startup_send_init(&vm, 1);
	assert_string_equal(attend(), "SA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_begin, begin),
		cmocka_unit_test_setup(test_start, begin),
		cmocka_unit_test_setup(test_all_at_once, begin),
		cmocka_unit_test_setup(test_init_undoes, begin),
		cmocka_unit_test_setup(test_nmis, begin),
		cmocka_unit_test_setup(test_flush, begin),
		cmocka_unit_test_setup(test_kicked, begin),
		cmocka_unit_test_setup(test_last_one, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
