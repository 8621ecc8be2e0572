// sources: hv/vm/plan.c
#include "tests/host/harness.h"

#include "hv/vm/plan.h"

static struct config config;
static struct platform platform;
static struct plan_abilities abilities;
static struct plan plan;

static const u32 apic_ids[] = {4, 6, 300, 8};

/* A machine with a host bridge, two NICs, a port, an ISA bridge, and two functions with one requester. */
static struct pci_function functions[] = {
	{.address = {0, 0x0000}, .class_code = 0x060000},
	{.address = {0, 0x0010}, .class_code = 0x020000},
	{.address = {0, 0x0018}, .class_code = 0x020000},
	{.address = {0, 0x0020}, .class_code = 0x060400, .header_type = 1},
	{.address = {0, 0x0028}, .class_code = 0x080600},
	{.address = {0, 0x00f8}, .class_code = 0x060100},
	{.address = {0, 0x0108}, .class_code = 0x010000},
	{.address = {0, 0x0110}, .class_code = 0x030000},
};

#define NIC0	  (&functions[1])
#define NIC1	  (&functions[2])
#define ALIASED_A (&functions[6])
#define ALIASED_B (&functions[7])

const struct pci_function *pci_find(const struct pci_topology *topology, struct sbdf address)
{
	for (u32 i = 0; i < topology->count; i++)
		if (sbdf_equal(topology->function[i].address, address))
			return &topology->function[i];
	return NULL;
}

/* The functions of bus 1 are behind a bridge that puts its own ID in their place. */
struct sbdf pci_requester_id(const struct pci_topology *topology,
			     const struct pci_function *function)
{
	(void)topology;
	if (sbdf_bus(function->address) == 1)
		return SBDF(0, 1, 0, 0);
	return function->address;
}

/* The one that the virtual PCI bus can't take, if any. */
static const struct pci_function *unfit;

const char *vpci_check(const struct platform *machine, const struct pci_function *function)
{
	(void)machine;
	return function == unfit ? "its BARs are nowhere" : NULL;
}

const char *sbdf_text(struct sbdf address, char text[SBDF_TEXT_MAX])
{
	snprintf(text, SBDF_TEXT_MAX, "%02x:%02x.%x", sbdf_bus(address), sbdf_device(address),
		 sbdf_function(address));
	return text;
}

static int set_up(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	memset(&plan, 0xa5, sizeof(plan));
	platform.pci.function = functions;
	platform.pci.count = ARRAY_SIZE(functions);
	abilities = (struct plan_abilities){
		.boot_apic_id = apic_ids[0],
		.cpu_count = ARRAY_SIZE(apic_ids),
		.apic_id = apic_ids,
		.assignment = true,
		.memory_available = GIB(1),
	};
	unfit = NULL;
	captured_log_clear();
	return 0;
}

static struct vm_config *add_vm(const char *name)
{
	struct vm_config *vm = &config.vm[config.vm_count++];

	snprintf(vm->name, sizeof(vm->name), "%s", name);
	return vm;
}

static void give(struct vm_config *vm, const struct pci_function *function)
{
	vm->pci_given = true;
	vm->device[vm->device_count++] = function->address;
}

static enum status make(void)
{
	return plan_make(&config, &platform, &abilities, &plan);
}

static bool logged(const char *text)
{
	return strstr(captured_log(), text) != NULL;
}

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
		{{0, 0x0300}, "vm b: refused: 03:00.0: there is no such device"},
		{{1, 0x0010}, "there is no such device"},
		{{0, 0x0010}, "vm b: refused: 00:02.0: another VM has this device"},
		{{0, 0x0018}, "vm b: refused: 00:03.0: it is named twice"},
		{{0, 0x0110}, "vm b: refused: 01:02.0: the IOMMU can't tell it"},
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

static void test_identity_serves_one(void **state)
{
	(void)state;
	config.hv.unsafe_identity = true;
	add_vm("a")->pci_given = true;
	give(add_vm("b"), NIC1);
	give(add_vm("c"), NIC0);
	assert_int_equal(make(), OK);
	assert_int_equal(plan.vm_count, 2);
	assert_ptr_equal(plan.vm[1].device[0], NIC1);
	assert_true(logged("vm c: refused: 00:02.0: iommu=unsafe-identity serves only one"));
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
		cmocka_unit_test_setup(test_memory_given, set_up),
		cmocka_unit_test_setup(test_memory_shared, set_up),
		cmocka_unit_test_setup(test_devices_given, set_up),
		cmocka_unit_test_setup(test_devices_refused, set_up),
		cmocka_unit_test_setup(test_refused_vm_keeps_nothing, set_up),
		cmocka_unit_test_setup(test_default_nic, set_up),
		cmocka_unit_test_setup(test_no_assignment, set_up),
		cmocka_unit_test_setup(test_unfit_device, set_up),
		cmocka_unit_test_setup(test_identity_serves_one, set_up),
		cmocka_unit_test_setup(test_nothing_left, set_up),
		cmocka_unit_test_setup(test_print, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
