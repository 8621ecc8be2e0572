// sources: hv/vm/plan.c hv/vm/plan_devices.c hv/vm/lines.c
#include "tests/host/plan_desk.h"

/* VMs that wait for others: what they may share with those. */

static struct vm_config *add_after(const char *name, const char *after)
{
	struct vm_config *vm = add_vm(name);

	snprintf(vm->after, sizeof(vm->after), "%s", after);
	return vm;
}

static void test_chain(void **state)
{
	(void)state;
	abilities.cpu_count = 3;
	give(add_vm("a"), NIC0);
	config.vm[0].memory = MIB(600);
	give(add_after("b", "a"), NIC0);
	config.vm[1].memory = MIB(900);
	give(add_after("c", "b"), NIC0_MATE);
	config.vm[2].memory = MIB(64);
	give(add_vm("d"), NIC1);
	config.vm[3].memory = GIB(1) - MIB(900);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 4);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(plan.vm[i].after, i ? i - 1 : PLAN_NO_VM);
		assert_int_equal(plan.vm[i].chain, 0);
		assert_int_equal(plan.vm[i].apic_id[0], 6);
		assert_int_equal(plan.vm[i].device_count, 1);
	}
	assert_int_equal(plan.vm[3].chain, 3);
	assert_int_equal(plan.vm[3].apic_id[0], 300);
	assert_int_equal(plan_successor(&plan, 0), 1);
	assert_int_equal(plan_successor(&plan, 1), 2);
	assert_int_equal(plan_successor(&plan, 2), PLAN_NO_VM);
	assert_int_equal(plan_successor(&plan, 3), PLAN_NO_VM);
	captured_log_clear();
	plan_print(&plan);
	assert_true(logged("vm b: waits for the end of a\n"));
	assert_false(logged("vm d: waits"));
}

static void test_one_cpu(void **state)
{
	(void)state;
	abilities.cpu_count = 1;
	add_vm("a");
	add_after("b", "a");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[1].apic_id[0], 4);
}

/* More than all that the chain can have. */
static void test_memory(void **state)
{
	(void)state;
	add_vm("a")->memory = MIB(100);
	add_vm("other")->memory = MIB(500);
	add_after("b", "a")->memory = MIB(526);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_true(logged("vm b: refused: there is not enough memory"));
	config.vm[2].memory = MIB(524);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
}

/* Chains run beside each other: theirs stay apart. */
static void test_others_devices(void **state)
{
	(void)state;
	give(add_vm("a"), NIC0);
	give(add_vm("b"), NIC1);
	give(add_after("c", "a"), NIC1);
	give(add_after("d", "b"), NIC0_MATE);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_true(logged("vm c: refused: 00:03.0: another VM has this device"));
	assert_true(logged("vm d: refused: 00:02.1: the group of 00:02.0 is a's, by 00:02.0"));
}

static void test_one_owner(void **state)
{
	(void)state;
	abilities.one_owner = true;
	give(add_vm("a"), NIC0);
	give(add_after("b", "a"), NIC1);
	give(add_vm("c"), APART);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[1].device_count, 1);
	assert_true(logged("vm c: refused: it names devices"));
}

static void test_refusals(void **state)
{
	(void)state;
	add_after("early", "a");
	add_vm("a");
	add_after("self", "self");
	add_after("b", "a");
	add_after("second", "a");
	add_after("late", "early");
	add_after("greedy", "b")->cpus = 2;
	assert_int_equal(make(), OK);
	assert_true(logged("vm early: refused: a: no VM before it has this name"));
	assert_true(logged("vm self: refused: self: no VM before it has this name"));
	assert_true(logged("vm second: refused: a: another VM waits for it"));
	assert_true(logged("vm late: refused: early: no VM before it has this name"));
	assert_true(logged("vm greedy: refused: "));
	assert_int_equal(plan.vm_count, 2);
	assert_string_equal(plan.vm[0].config->name, "a");
	assert_string_equal(plan.vm[1].config->name, "b");

	config.vm[1].restarts = CONFIG_ALWAYS;
	assert_int_equal(make(), OK);
	assert_true(logged("vm b: refused: a: it restarts always"));
}

static void test_ring(void **state)
{
	(void)state;
	abilities.cpu_count = 3;
	give(add_after("a", "c"), NIC0);
	give(add_after("b", "a"), NIC0);
	config.vm[1].restarts = CONFIG_ALWAYS;
	add_vm("other");
	give(add_after("c", "b"), NIC0_MATE);
	add_after("late", "c");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 4);
	assert_int_equal(plan.vm[0].after, PLAN_NO_VM);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(plan_takes_turns(&plan, i), i != 2);
	assert_int_equal(plan_successor(&plan, 0), 1);
	assert_int_equal(plan_successor(&plan, 1), 3);
	assert_int_equal(plan_successor(&plan, 3), 0);
	assert_int_equal(plan_successor(&plan, 2), PLAN_NO_VM);
	assert_int_equal(plan.vm[3].apic_id[0], 6);
	assert_true(logged("vm late: refused: c: another VM waits for it"));
	captured_log_clear();
	plan_print(&plan);
	assert_true(logged("vm a: takes turns with c\n"));
	assert_true(logged("vm b: waits for the end of a\n"));
}

/* One of a ring is refused: those before it take turns without it, those after it have nobody to wait for. */
static void test_broken_ring(void **state)
{
	(void)state;
	add_after("a", "d");
	add_after("b", "a");
	give(add_after("c", "b"), &functions[0]);
	add_after("d", "c");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_true(logged("vm d: refused: c: no VM before it has this name"));
	assert_int_equal(plan_successor(&plan, 0), 1);
	assert_int_equal(plan_successor(&plan, 1), 0);
}

/* Rings that don't begin where they stand in the configuration, or have a side branch. */
static void test_no_ring(void **state)
{
	(void)state;
	add_after("a", "b");
	add_after("b", "c");
	add_after("c", "b");
	add_after("d", "e");
	add_after("e", "f");
	add_after("f", "d");
	add_vm("end");
	assert_int_equal(make(), OK);
	assert_true(logged("vm a: refused: b: no VM before it has this name"));
	assert_true(logged("vm e: refused: f: no VM before it has this name"));
	assert_int_equal(plan.vm_count, 5);
	assert_string_equal(plan.vm[0].config->name, "b");
	assert_int_equal(plan_successor(&plan, 0), 1);
	assert_int_equal(plan_successor(&plan, 1), 0);
	assert_string_equal(plan.vm[2].config->name, "d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_chain, set_up),
		cmocka_unit_test_setup(test_one_cpu, set_up),
		cmocka_unit_test_setup(test_memory, set_up),
		cmocka_unit_test_setup(test_others_devices, set_up),
		cmocka_unit_test_setup(test_one_owner, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
		cmocka_unit_test_setup(test_ring, set_up),
		cmocka_unit_test_setup(test_broken_ring, set_up),
		cmocka_unit_test_setup(test_no_ring, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
