// sources: hv/vm/plan.c hv/vm/plan_devices.c hv/vm/lines.c
#include "tests/host/plan_desk.h"

/* Which VM gets which devices. */

static void test_devices_given(void **state)
{
	struct vm_config *a = add_vm("a");
	struct vm_config *b = add_vm("b");

	(void)state;
	give(a, NIC1);
	give(a, ALIASED_A);
	give(a, ALIASED_B);
	give(b, NIC0);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[0].device_count, 3);
	assert_ptr_equal(plan.vm[0].device[0], NIC1);
	assert_ptr_equal(plan.vm[0].device[2], ALIASED_B);
	assert_int_equal(plan.vm[1].device_count, 1);
	assert_ptr_equal(plan.vm[1].device[0], NIC0);
}

static void test_devices_refused(void **state)
{
	static const struct {
		struct sbdf device;
		const char *reason;
	} bad[] = {
		{{0, 0x0000}, "vm b: refused: 00:00.0: bridges"},
		{{0, 0x0020}, "vm b: refused: 00:04.0: bridges"},
		{{0, 0x0028}, "vm b: refused: 00:05.0: IOMMUs"},
		{{0, 0x00f8}, "vm b: refused: 00:1f.0: bridges"},
		{{0, 0x0700}, "vm b: refused: 07:00.0: there is no such device"},
		{{1, 0x0010}, "there is no such device"},
		{{0, 0x0010}, "vm b: refused: 00:02.0: another VM has this device"},
		{{0, 0x0018}, "vm b: refused: 00:03.0: it is named twice"},
		{{0, 0x0110},
		 "vm b: refused: 01:02.0: the group of 00:04.0 is a's, by 01:01.0 (bonds 3)"},
		{{0, 0x0011}, "vm b: refused: 00:02.1: the group of 00:02.0 is a's, by 00:02.0"},
		{{0, 0x0029},
		 "vm b: refused: 00:05.1: the group of 00:05.0 is the hypervisor's, by "
		 "00:05.0 (bonds 4)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vm_config *a, *b;

		set_up(NULL);
		a = add_vm("a");
		b = add_vm("b");
		give(a, NIC0);
		give(a, ALIASED_A);
		give(b, NIC1);
		b->device[b->device_count++] = bad[i].device;
		add_vm("c");
		assert_int_equal(make(), OK);
		assert_int_equal(plan.vm_count, 2);
		assert_int_equal(plan.vm[0].device_count, 2);
		assert_string_equal(plan.vm[1].config->name, "c");
		assert_int_equal(plan.vm[1].apic_id[0], 300);
		assert_int_equal(plan.vm[1].device_count, 0);
		assert_true(logged(bad[i].reason));
	}
}

/* What a refused VM asked for is free again. */
static void test_refused_vm_keeps_nothing(void **state)
{
	struct vm_config *a = add_vm("a");

	(void)state;
	give(a, NIC0);
	give(a, &functions[0]);
	a->memory = MIB(1000);
	give(add_vm("b"), NIC0);
	config.vm[1].memory = MIB(1000);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_ptr_equal(plan.vm[0].device[0], NIC0);
	assert_int_equal(plan.vm[0].apic_id[0], 6);
}

static void test_default_nic(void **state)
{
	struct vm_config *a = add_vm("a");
	struct vm_config *b = add_vm("b");

	(void)state;
	give(b, NIC0);
	assert_int_equal(make(), OK);
	assert_ptr_equal(plan.vm[0].device[0], NIC1);
	assert_ptr_equal(plan.vm[1].device[0], NIC0);

	give(b, NIC1);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_true(logged("vm a: starts without a NIC: no NIC is free"));

	/* Nor one that would keep a VM from what it names. */
	b->device_count = 0;
	give(b, NIC0_MATE);
	assert_int_equal(make(), OK);
	assert_ptr_equal(plan.vm[0].device[0], NIC1);
	assert_ptr_equal(plan.vm[1].device[0], NIC0_MATE);

	b->device_count = 0;
	a->pci_given = true;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_int_equal(plan.vm[1].device_count, 0);
}

static void test_no_assignment(void **state)
{
	(void)state;
	abilities.assignment = false;
	abilities.no_assignment_reason = "there is no IOMMU";
	add_vm("a");
	give(add_vm("b"), NIC1);
	add_vm("c")->pci_given = true;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_string_equal(plan.vm[1].config->name, "c");
	assert_true(logged("vm a: starts without a NIC: there is no IOMMU"));
	assert_true(logged("vm b: refused: it names devices: there is no IOMMU"));
	assert_false(logged("vm c: "));
}

/* Nothing is translated: one VM has all the devices, and those that name some go before. */
static void test_one_owner(void **state)
{
	struct vm_config *a = add_vm("a");

	(void)state;
	abilities.one_owner = true;
	assert_int_equal(make(), OK);
	assert_ptr_equal(plan.vm[0].device[0], NIC0);

	give(add_vm("b"), NIC1);
	give(&config.vm[1], APART);
	give(add_vm("c"), SEGMENT_1);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_string_equal(plan.vm[1].config->name, "b");
	assert_int_equal(plan.vm[1].device_count, 2);
	assert_true(logged("vm a: starts without a NIC: without an IOMMU only one VM can have"));
	assert_true(logged("vm c: refused: it names devices: without an IOMMU only one VM can"));

	/* A VM that is refused owns nothing. */
	captured_log_clear();
	give(&config.vm[1], &functions[0]);
	a->pci_given = true;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_string_equal(plan.vm[1].config->name, "c");
	assert_int_equal(plan.vm[1].device_count, 1);
	assert_false(logged("only one VM"));
}

static void test_unfit_device(void **state)
{
	(void)state;
	unfit = NIC0;
	add_vm("a");
	add_vm("b")->pci_given = true;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_true(logged("vm a: starts without a NIC: its BARs are nowhere"));

	give(&config.vm[1], NIC0);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_ptr_equal(plan.vm[0].device[0], NIC1);
	assert_true(logged("vm b: refused: 00:02.0: its BARs are nowhere"));
}

/* A group goes to one VM. */
static void test_groups(void **state)
{
	static const struct {
		const struct pci_function *a, *b;
		const char *reason; /* NULL: each can be another VM's */
	} pairs[] = {
		{DEVICE_A, DEVICE_B,
		 "vm b: refused: 00:07.1: the group of 00:07.0 is a's, by 00:07.0"},
		{DEVICE_B, DEVICE_A,
		 "vm b: refused: 00:07.0: the group of 00:07.0 is a's, by 00:07.1"},
		{SWITCH_A, SWITCH_B,
		 "vm b: refused: 05:00.0: the group of 02:00.0 is a's, by 04:00.0"},
		{SWITCH_B, SWITCH_A,
		 "vm b: refused: 04:00.0: the group of 02:00.0 is a's, by 05:00.0"},
		{NIC0, NIC1, NULL},
		{SWITCH_A, APART, NULL},
		{NIC0, SWITCH_A, NULL},
		{DEVICE_A, SEGMENT_1, NULL},
		{BY_BRIDGE, NIC0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		set_up(NULL);
		give(add_vm("a"), pairs[i].a);
		give(add_vm("b"), pairs[i].b);
		assert_int_equal(make(), OK);
		assert_int_equal(plan.vm_count, pairs[i].reason ? 1 : 2);
		assert_true(!pairs[i].reason || logged(pairs[i].reason));
		/* One VM may have both. */
		give(&config.vm[0], pairs[i].b);
		config.vm_count = 1;
		assert_int_equal(make(), OK);
		assert_int_equal(plan.vm[0].device_count, 2);
	}
}

static void test_taken_groups(void **state)
{
	(void)state;
	give(add_vm("a"), NIC1);
	give(add_vm("b"), SWITCH_A);
	assert_int_equal(make(), OK);
	for (u32 i = 0; i < ARRAY_SIZE(functions); i++)
		assert_int_equal(plan_takes_group_of(&plan, &functions[i]),
				 functions[i].group == 2 || functions[i].group == 11);
}

/* Nobody names the others of the NIC's group: they are nobody's, but the group is taken. */
static void test_group_of_the_default_nic(void **state)
{
	struct vm_config *b;

	(void)state;
	add_vm("a");
	b = add_vm("b");
	give(b, NIC0_MATE);
	b->memory = GIB(8); /* b is refused for something else, but has its say */
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 1);
	assert_ptr_equal(plan.vm[0].device[0], NIC1);

	/* A NIC in a group that is the hypervisor's is none for a VM. */
	functions[1].group = functions[19].group = 4;
	b->pci_given = true;
	b->device_count = 0;
	assert_int_equal(make(), OK);
	assert_ptr_equal(plan.vm[0].device[0], NIC1);
	functions[2].group = 4;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_true(logged("vm a: starts without a NIC: no NIC is free"));
	functions[1].group = functions[19].group = 1;
	functions[2].group = 2;
}

/* The IOMMU's word counts before anything is built, be it about any of the device's IDs. */
static void test_iommu_refuses(void **state)
{
	(void)state;
	unserved = SEGMENT_1->address;
	give(add_vm("a"), NIC0);
	give(add_vm("b"), SEGMENT_1);
	give(add_vm("c"), NIC1);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_string_equal(plan.vm[1].config->name, "c");
	assert_true(logged("vm b: refused: 00:07.0: its reserved region is shared\n"));

	captured_log_clear();
	unserved = (struct sbdf){7, 0x0700};
	aliased = NIC1;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_true(logged("vm c: refused: 00:03.0: its reserved region is shared\n"));
	assert_false(logged("vm b: refused"));
}

static void test_iommu_refuses_default_nic(void **state)
{
	(void)state;
	unserved = NIC0->address;
	add_vm("a");
	give(add_vm("b"), NIC1);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_int_equal(plan.vm[0].device_count, 0);
	assert_true(logged("vm a: starts without a NIC: its reserved region is shared\n"));
}

/* 00:07.0 and that of segment 1 are on one line. */
static void test_lines(void **state)
{
	struct vm_config *b;

	(void)state;
	functions[8].interrupt_pin = functions[18].interrupt_pin = 1;
	give(add_vm("a"), DEVICE_A);
	b = add_vm("b");
	give(b, SEGMENT_1);
	give(add_vm("c"), NIC1);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_string_equal(plan.vm[1].config->name, "c");
	assert_true(
		logged("vm b: refused: 00:07.0: it has no MSI, and its interrupt line 23 is a's, "
		       "by 00:07.0\n"));

	/* A line that the configuration says; messages; no pin; no line that is known; one VM at a time. */
	config.hv.intx_count = 1;
	config.hv.intx[0].device = SEGMENT_1->address;
	config.hv.intx[0].gsi = 40;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	config.hv.intx_count = 0;
	functions[18].msi = 0x40;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	functions[18].msi = 0;
	functions[18].msix = 0x40;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	functions[18].msix = functions[18].interrupt_pin = 0;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	functions[18].interrupt_pin = 9;
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	functions[18].interrupt_pin = 1;
	strcpy(b->after, "a");
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 3);
	functions[8].interrupt_pin = functions[18].interrupt_pin = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_devices_given, set_up),
		cmocka_unit_test_setup(test_devices_refused, set_up),
		cmocka_unit_test_setup(test_refused_vm_keeps_nothing, set_up),
		cmocka_unit_test_setup(test_default_nic, set_up),
		cmocka_unit_test_setup(test_no_assignment, set_up),
		cmocka_unit_test_setup(test_one_owner, set_up),
		cmocka_unit_test_setup(test_unfit_device, set_up),
		cmocka_unit_test_setup(test_groups, set_up),
		cmocka_unit_test_setup(test_taken_groups, set_up),
		cmocka_unit_test_setup(test_iommu_refuses, set_up),
		cmocka_unit_test_setup(test_iommu_refuses_default_nic, set_up),
		cmocka_unit_test_setup(test_lines, set_up),
		cmocka_unit_test_setup(test_group_of_the_default_nic, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
