/* The ring of exits: what a record has, whose it is, and that the latest stay. */
#define TRACE
#include "hv/vm/trace.c"

#include "tests/host/harness.h"

const char *exit_name(enum vm_exit_kind kind)
{
	return kind == EXIT_CPUID ? "cpuid" : "other";
}

static struct vm first = {.name = "first"}, second = {.name = "second"};

static void one(struct vm *vm, u32 vcpu, struct vm_exit exit)
{
	struct trace_mark mark = trace_begin(&vm->vcpu[vcpu], &exit);

	trace_end(vm, &vm->vcpu[vcpu], &exit, &mark);
}

static const struct trace_record *latest(void)
{
	return &trace.record[(trace.count - 1) % TRACE_RECORDS];
}

static int forget(void **state)
{
	(void)state;
	memset(&trace, 0, sizeof(trace));
	return 0;
}

static void test_details(void **state)
{
	static const struct {
		struct vm_exit exit;
		u64 detail;
	} cases[] = {
		{{.kind = EXIT_CPUID}, 0x40000010},
		{{.kind = EXIT_MSR, .msr.index = 0xC0000080}, 0xC0000080},
		{{.kind = EXIT_IO, .io.port = 0x3F8}, 0x3F8},
		{{.kind = EXIT_NESTED_FAULT, .nested.address = {0xFEE000B0}}, 0xFEE000B0},
		{{.kind = EXIT_HYPERCALL}, 0},
	};

	(void)state;
	first.vcpu[1].gpr[GPR_RAX] = 0xFFFFFFFF40000010;
	first.vcpu[1].rip = 0x1234;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		one(&first, 1, cases[i].exit);
		assert_int_equal(latest()->detail, cases[i].detail);
		assert_int_equal(latest()->kind, cases[i].exit.kind);
		assert_int_equal(latest()->vcpu, 1);
		assert_int_equal(latest()->rip, 0x1234);
	}
	assert_int_equal(trace.count, ARRAY_SIZE(cases));
	assert_string_equal(trace.kind[EXIT_CPUID], "cpuid");
	assert_string_equal(trace.kind[EXIT_CACHE], "");
}

static void test_cost(void **state)
{
	struct vm_exit exit = {.kind = EXIT_CPUID};
	struct trace_mark mark = trace_begin(first.vcpu, &exit);

	(void)state;
	mark.tsc -= 1000000;
	trace_end(&first, first.vcpu, &exit, &mark);
	assert_true(latest()->cost >= 1000000 && latest()->tsc == mark.tsc);
	mark.tsc -= 1ull << 40;
	trace_end(&first, first.vcpu, &exit, &mark);
	assert_int_equal(latest()->cost, UINT32_MAX);
}

static void test_vms(void **state)
{
	(void)state;
	one(&first, 0, (struct vm_exit){.kind = EXIT_CPUID});
	one(&second, 0, (struct vm_exit){.kind = EXIT_CPUID});
	assert_int_equal(latest()->vm, 1);
	one(&first, 0, (struct vm_exit){.kind = EXIT_CPUID});
	assert_int_equal(latest()->vm, 0);
	assert_string_equal(trace.vm[0], "first");
	assert_string_equal(trace.vm[1], "second");
}

static void test_latest_stay(void **state)
{
	(void)state;
	for (u32 i = 0; i < TRACE_RECORDS + 3; i++)
		one(&first, 0, (struct vm_exit){.kind = EXIT_IO, .io.port = (u16)i});
	assert_int_equal(trace.count, TRACE_RECORDS + 3);
	assert_int_equal(trace.record[2].detail, (u16)(TRACE_RECORDS + 2));
	assert_int_equal(trace.record[3].detail, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_details, forget),
		cmocka_unit_test_setup(test_cost, forget),
		cmocka_unit_test_setup(test_vms, forget),
		cmocka_unit_test_setup(test_latest_stay, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
