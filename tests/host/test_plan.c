// sources: hv/vm/plan.c hv/vm/plan_devices.c hv/vm/lines.c
#include "tests/host/plan_desk.h"

/* CPUs and memory, and the plan's lines. */

static void test_one_default_vm(void **state)
{
	(void)state;
	add_vm("vm0");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_true(plan.housekeeping);
	assert_ptr_equal(plan.vm[0].config, &config.vm[0]);
	assert_int_equal(plan.vm[0].cpu_count, 1);
	assert_int_equal(plan.vm[0].apic_id[0], 6);
	assert_int_equal(plan.vm[0].memory, MIB(128));
	assert_int_equal(plan.vm[0].device_count, 1);
	assert_ptr_equal(plan.vm[0].device[0], NIC0);
}

static void test_one_cpu_is_shared(void **state)
{
	(void)state;
	abilities.cpu_count = 1;
	add_vm("a");
	add_vm("b");
	assert_int_equal(make(), OK);
	assert_false(plan.housekeeping);
	assert_int_equal(plan.vm_count, 1);
	assert_int_equal(plan.vm[0].apic_id[0], 4);
	assert_true(logged("vm b: refused: there are not enough CPUs"));
}

static void test_cpus_in_order(void **state)
{
	(void)state;
	add_vm("a");
	add_vm("greedy")->cpus = VM_MAX_CPUS + 1;
	add_vm("b");
	add_vm("c")->cpus = 1;
	add_vm("d");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	assert_int_equal(plan.vm[0].apic_id[0], 6);
	assert_int_equal(plan.vm[1].apic_id[0], 300);
	assert_string_equal(plan.vm[2].config->name, "c");
	assert_int_equal(plan.vm[2].apic_id[0], 8);
	assert_true(logged("vm greedy: refused: it asks for more CPUs than a VM can have"));
	assert_true(logged("vm d: refused: there are not enough CPUs"));
}

static void test_several_cpus(void **state)
{
	(void)state;
	add_vm("a")->cpus = 2;
	add_vm("b")->cpus = 2; /* one is left */
	add_vm("c");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[0].cpu_count, 2);
	assert_int_equal(plan.vm[0].apic_id[0], 6);
	assert_int_equal(plan.vm[0].apic_id[1], 300);
	assert_int_equal(plan.vm[1].apic_id[0], 8);
	assert_true(logged("vm b: refused: there are not enough CPUs"));
	plan_print(&plan);
	assert_true(logged("vm a: 2 CPUs (APIC ID 6 300), "));
	abilities.cpu_count = 1;
	assert_int_equal(make(), OK); /* the only CPU is one */
	assert_int_equal(plan.vm_count, 1);
	assert_string_equal(plan.vm[0].config->name, "c");
}

static void test_memory_given(void **state)
{
	(void)state;
	add_vm("odd")->memory = MIB(17) + 1;
	add_vm("most")->memory = GIB(1) - MIB(18);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm[0].memory, MIB(18));
	assert_int_equal(plan.vm[1].memory, GIB(1) - MIB(18));

	config.vm[1].memory += 1;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_true(logged("vm most: refused: there is not enough memory"));

	config.vm[1].memory = UINT64_MAX;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);

	config.vm[1].memory = MIB(16) - 1;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_true(logged("vm most: refused: a VM needs at least 16 MiB of memory"));
}

static void test_memory_shared(void **state)
{
	(void)state;
	add_vm("big")->memory = MIB(900);
	add_vm("a");
	add_vm("b");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm[1].memory, MIB(62));
	assert_int_equal(plan.vm[2].memory, MIB(62));

	config.vm[0].memory = MIB(1000);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_true(logged("vm a: refused: less than 16 MiB of memory are left for it"));
}

static void test_nothing_left(void **state)
{
	(void)state;
	assert_int_equal(make(), ERR_NOT_FOUND);
	add_vm("a")->cpus = 99;
	assert_int_equal(make(), ERR_NOT_FOUND);
	assert_int_equal(plan.vm_count, 0);
}

static void test_print(void **state)
{
	(void)state;
	add_vm("vm0");
	assert_int_equal(make(), OK);
	plan_print(&plan);
	assert_true(logged("vm vm0: 1 CPU (APIC ID 6), 128 MiB, 0 modules, 1 devices"));
	assert_true(logged("vm vm0: device 00:02.0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_default_vm, set_up),
		cmocka_unit_test_setup(test_one_cpu_is_shared, set_up),
		cmocka_unit_test_setup(test_cpus_in_order, set_up),
		cmocka_unit_test_setup(test_several_cpus, set_up),
		cmocka_unit_test_setup(test_memory_given, set_up),
		cmocka_unit_test_setup(test_memory_shared, set_up),
		cmocka_unit_test_setup(test_nothing_left, set_up),
		cmocka_unit_test_setup(test_print, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
