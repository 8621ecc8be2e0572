/* The machine that plans are made for, and the functions of other files that plan.c calls. */
#ifndef TESTS_HOST_PLAN_DESK_H
#define TESTS_HOST_PLAN_DESK_H

#include "tests/host/harness.h"

#include "drivers/intx.h"
#include "drivers/pci_groups.h"
#include "hv/vm/plan.h"

static struct config config;
static struct platform platform;
static struct plan_abilities abilities;
static struct plan plan;

static const u32 apic_ids[] = {4, 6, 300, 8};

/* The group is its first function's index; what binds it is all that the plan says of it. */
#define ENDPOINT(bdf, class, first)                                                                \
	{                                                                                          \
		.address = {0, bdf}, .class_code = (class), .group = (first), .bonds = (first)     \
	}
#define BRIDGE(bdf, first)                                                                         \
	{                                                                                          \
		.address = {0, bdf}, .class_code = 0x060400, .header_type = 1, .group = (first),   \
		.bonds = (first)                                                                   \
	}

/*
 * A machine with a host bridge, two NICs, a bridge over two functions, an IOMMU and an ISA bridge; two
 * functions of one device; two functions under a switch of a root port's, one under another root port, one
 * in another segment; one in a group with the first NIC, and one with the IOMMU.
 */
static struct pci_function functions[] = {
	ENDPOINT(0x0000, 0x060000, 0),
	ENDPOINT(0x0010, 0x020000, 1),
	ENDPOINT(0x0018, 0x020000, 2),
	BRIDGE(0x0020, 3),
	ENDPOINT(0x0028, 0x080600, 4),
	ENDPOINT(0x00f8, 0x060100, 5),
	ENDPOINT(0x0108, 0x010000, 3),
	ENDPOINT(0x0110, 0x030000, 3),
	ENDPOINT(0x0038, 0x010000, 8),
	ENDPOINT(0x0039, 0x0c0300, 8),
	BRIDGE(0x0040, 10),
	BRIDGE(0x0200, 11),
	BRIDGE(0x0300, 11),
	BRIDGE(0x0308, 11),
	ENDPOINT(0x0400, 0x010000, 11),
	ENDPOINT(0x0500, 0x010000, 11),
	BRIDGE(0x0048, 16),
	ENDPOINT(0x0600, 0x010000, 17),
	{.address = {1, 0x0038}, .class_code = 0x010000, .group = 18},
	ENDPOINT(0x0011, 0x010000, 1),
	ENDPOINT(0x0029, 0x010000, 4),
	ENDPOINT(0x00fa, 0x010000, 5),
};

#define NIC0	  (&functions[1])
#define NIC1	  (&functions[2])
#define ALIASED_A (&functions[6])
#define ALIASED_B (&functions[7])
#define DEVICE_A  (&functions[8])
#define DEVICE_B  (&functions[9])
#define SWITCH_A  (&functions[14])
#define SWITCH_B  (&functions[15])
#define APART	  (&functions[17])
#define SEGMENT_1 (&functions[18])
#define NIC0_MATE (&functions[19])
#define BY_IOMMU  (&functions[20])
#define BY_BRIDGE (&functions[21]) /* in a group with the ISA bridge */

const struct pci_function *pci_find(const struct pci_topology *topology, struct sbdf address)
{
	for (u32 i = 0; i < topology->count; i++)
		if (sbdf_equal(topology->function[i].address, address))
			return &topology->function[i];
	return NULL;
}

const char *pci_bonds_text(u8 bonds, char text[PCI_BONDS_TEXT_MAX])
{
	snprintf(text, PCI_BONDS_TEXT_MAX, "bonds %x", bonds);
	return text;
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

/* A function with a bridge's ID, besides which it may carry its own. */
static const struct pci_function *aliased;

void pci_requesters(const struct pci_topology *topology, const struct pci_function *function,
		    struct pci_requesters *requesters)
{
	(void)topology;
	*requesters = (struct pci_requesters){.id = {function->address}, .count = 1};
	if (function == aliased)
		requesters->id[requesters->count++] = (struct sbdf){7, 0x0700};
}

/* The ID that the IOMMU can't take, if any. */
static struct sbdf unserved;

static const char *iommu_refusal(struct sbdf requester)
{
	return sbdf_equal(requester, unserved) ? "its reserved region is shared" : NULL;
}

/* By the device number alone, so that 00:02.0 and 01:02.0 share one, as on most chipsets. */
enum status intx_find_gsi(const struct pci_topology *topology, const struct pci_function *function,
			  u32 *gsi)
{
	(void)topology;
	*gsi = 16 + sbdf_device(function->address);
	return function->interrupt_pin > 4 ? ERR_INVALID : OK;
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
		.iommu_refusal = iommu_refusal,
		.memory_available = GIB(1),
	};
	unfit = aliased = NULL;
	unserved = (struct sbdf){7, 0};
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
