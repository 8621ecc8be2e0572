/* The machine that plans are made for, and the functions of other files that plan.c calls. */
#ifndef TESTS_HOST_PLAN_DESK_H
#define TESTS_HOST_PLAN_DESK_H

#include "tests/host/harness.h"

#include "hv/vm/plan.h"

static struct config config;
static struct platform platform;
static struct plan_abilities abilities;
static struct plan plan;

static const u32 apic_ids[] = {4, 6, 300, 8};

#define ENDPOINT(bdf, class, above)                                                                \
	{                                                                                          \
		.address = {0, bdf}, .class_code = (class), .parent = (above)                      \
	}
#define BRIDGE(bdf, above)                                                                         \
	{                                                                                          \
		.address = {0, bdf}, .class_code = 0x060400, .header_type = 1, .parent = (above)   \
	}
#define ROOT PCI_NO_PARENT

/*
 * A machine with a host bridge, two NICs, a bridge over two functions with one requester, an IOMMU and an
 * ISA bridge; two functions of one package; two functions under a switch of a root port's, one under
 * another root port, one in another segment, and one in a package with the first NIC.
 */
static struct pci_function functions[] = {
	ENDPOINT(0x0000, 0x060000, ROOT),
	ENDPOINT(0x0010, 0x020000, ROOT),
	ENDPOINT(0x0018, 0x020000, ROOT),
	BRIDGE(0x0020, ROOT),
	ENDPOINT(0x0028, 0x080600, ROOT),
	ENDPOINT(0x00f8, 0x060100, ROOT),
	ENDPOINT(0x0108, 0x010000, 3),
	ENDPOINT(0x0110, 0x030000, 3),
	ENDPOINT(0x0038, 0x010000, ROOT),
	ENDPOINT(0x0039, 0x0c0300, ROOT),
	BRIDGE(0x0040, ROOT),
	BRIDGE(0x0200, 10),
	BRIDGE(0x0300, 11),
	BRIDGE(0x0308, 11),
	ENDPOINT(0x0400, 0x010000, 12),
	ENDPOINT(0x0500, 0x010000, 13),
	BRIDGE(0x0048, ROOT),
	ENDPOINT(0x0600, 0x010000, 16),
	{.address = {1, 0x0038}, .class_code = 0x010000, .parent = ROOT},
	ENDPOINT(0x0011, 0x010000, ROOT),
};

#define NIC0	  (&functions[1])
#define NIC1	  (&functions[2])
#define ALIASED_A (&functions[6])
#define ALIASED_B (&functions[7])
#define PACKAGE_A (&functions[8])
#define PACKAGE_B (&functions[9])
#define SWITCH_A  (&functions[14])
#define SWITCH_B  (&functions[15])
#define APART	  (&functions[17])
#define SEGMENT_1 (&functions[18])
#define NIC0_MATE (&functions[19])

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

static inline void give(struct vm_config *vm, const struct pci_function *function)
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

#endif
