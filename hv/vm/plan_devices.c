/* Which devices a VM of the plan gets. */
#include "drivers/pci_groups.h"
#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/vm/lines.h"
#include "hv/vm/planner.h"
#include "hv/vm/vpci.h"

static const char bridges_stay[] =
	"bridges carry other devices' traffic and stay with the hypervisor";

/* Functions that no VM may own, by class and subclass. */
static const struct class_policy {
	u32 mask;
	u32 class_code;
	const char *reason;
} class_policy[] = {
	{0xff0000, 0x060000, bridges_stay},
	{0xffff00, 0x080000, "interrupt controllers stay with the hypervisor"},
	{0xffff00, 0x080600, "IOMMUs stay with the hypervisor"},
};

#define CLASS_NETWORK 0x02

#define REASON_MAX 224 /* of a refusal that names functions */

static bool refuse_device(const struct vm_config *vm, struct sbdf device, const char *reason)
{
	char text[SBDF_TEXT_MAX];

	return planner_refuse(vm, sbdf_text(device, text), reason);
}

/* NULL if a VM may own such a function, else the reason. */
static const char *keep_back(const struct pci_function *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_policy); i++)
		if ((function->class_code & class_policy[i].mask) == class_policy[i].class_code)
			return class_policy[i].reason;
	if (function->header_type != 0)
		return bridges_stay;
	return NULL;
}

/* What stays with the hypervisor and is no bridge has registers that no VM's device may reach. */
static const struct pci_function *hypervisors_member(const struct pci_topology *pci, u16 group)
{
	for (u32 i = 0; i < pci->count; i++) {
		const struct pci_function *member = &pci->function[i];
		const char *reason = member->group == group ? keep_back(member) : NULL;

		if (reason && reason != bridges_stay)
			return member;
	}
	return NULL;
}

/* A member that a VM has, but for those of one chain. */
static const struct pci_function *owned_member(const struct plan *plan, u32 but_chain, u16 group,
					       const struct vm_plan **owner)
{
	for (u32 i = 0; i < plan->vm_count; i++) {
		*owner = &plan->vm[i];
		if ((*owner)->chain == but_chain)
			continue;
		for (u32 j = 0; j < (*owner)->device_count; j++)
			if ((*owner)->device[j]->group == group)
				return (*owner)->device[j];
	}
	*owner = NULL;
	return NULL;
}

/*
 * NULL if nothing in the function's group stands against giving it to the VM, else why not, in the buffer. A
 * group goes to one VM or to none, whether anybody names its other members or not; one that is there at
 * another time is no other.
 */
static const char *conflict(const struct planner *planner, const struct vm_plan *vm,
			    const struct pci_function *function, char text[REASON_MAX])
{
	const struct pci_topology *pci = &planner->platform->pci;
	const struct pci_function *member = hypervisors_member(pci, function->group);
	const struct vm_plan *owner = NULL;
	char group[SBDF_TEXT_MAX], name[SBDF_TEXT_MAX], bonds[PCI_BONDS_TEXT_MAX];

	if (!member)
		member = owned_member(planner->plan, vm->chain, function->group, &owner);
	if (!member)
		return NULL;
	if (owner && member == function)
		return "another VM has this device";
	(void)format_text(text, REASON_MAX, "the group of %s is %s's, by %s (%s)",
			  sbdf_text(pci->function[function->group].address, group),
			  owner ? owner->config->name : "the hypervisor",
			  sbdf_text(member->address, name), pci_bonds_text(function->bonds, bonds));
	return text;
}

/* Why the IOMMU can't take it, by one of the IDs that its requests carry; or NULL. */
static const char *iommu_refusal(const struct planner *planner, const struct pci_function *function)
{
	struct pci_requesters requesters;

	pci_requesters(&planner->platform->pci, function, &requesters);
	for (u8 i = 0; i < requesters.count; i++) {
		const char *reason = planner->abilities->iommu_refusal(requesters.id[i]);

		if (reason)
			return reason;
	}
	return NULL;
}

static bool has_line(const struct planner *planner, const struct pci_function *function, u32 *gsi)
{
	return function->interrupt_pin &&
	       line_find(&planner->config->hv, &planner->platform->pci, function, gsi) == OK;
}

/* A device on the line that a VM has, but for those of one chain; NULL: none. */
static const struct pci_function *line_sharer(const struct planner *planner, u32 but_chain, u32 gsi,
					      const struct vm_plan **owner)
{
	const struct plan *plan = planner->plan;
	u32 other;

	for (u32 i = 0; i < plan->vm_count; i++) {
		*owner = &plan->vm[i];
		if ((*owner)->chain == but_chain)
			continue;
		for (u32 j = 0; j < (*owner)->device_count; j++)
			if (has_line(planner, (*owner)->device[j], &other) && other == gsi)
				return (*owner)->device[j];
	}
	return NULL;
}

/* A line can't be shared by VMs; whose device has messages can do without. NULL, or why not, in the buffer. */
static const char *line_conflict(const struct planner *planner, const struct vm_plan *vm,
				 const struct pci_function *function, char text[REASON_MAX])
{
	const struct pci_function *sharer = NULL;
	const struct vm_plan *owner;
	char name[SBDF_TEXT_MAX];
	u32 gsi;

	if (!function->msi && !function->msix && has_line(planner, function, &gsi))
		sharer = line_sharer(planner, vm->chain, gsi, &owner);
	if (!sharer)
		return NULL;
	(void)format_text(text, REASON_MAX,
			  "it has no MSI, and its interrupt line %u is %s's, by %s", gsi,
			  owner->config->name, sbdf_text(sharer->address, name));
	return text;
}

static bool add_device(const struct planner *planner, struct vm_plan *vm, struct sbdf address)
{
	const struct pci_function *function = pci_find(&planner->platform->pci, address);
	char text[REASON_MAX];
	const char *reason;

	if (!function)
		return refuse_device(vm->config, address, "there is no such device");
	for (u32 i = 0; i < vm->device_count; i++)
		if (vm->device[i] == function)
			return refuse_device(vm->config, address, "it is named twice");
	reason = keep_back(function);
	if (!reason)
		reason = vpci_check(planner->platform, function);
	if (!reason)
		reason = iommu_refusal(planner, function);
	if (!reason)
		reason = conflict(planner, vm, function, text);
	if (!reason)
		reason = line_conflict(planner, vm, function, text);
	if (reason)
		return refuse_device(vm->config, address, reason);
	vm->device[vm->device_count++] = function;
	return true;
}

/* True if taking it would take away a function that a VM names. */
static bool is_spoken_for(const struct planner *planner, const struct pci_function *function)
{
	const struct config *config = planner->config;

	for (u32 i = 0; i < config->vm_count; i++)
		for (u32 j = 0; j < config->vm[i].device_count; j++) {
			const struct pci_function *named =
				pci_find(&planner->platform->pci, config->vm[i].device[j]);

			if (named && named->group == function->group)
				return true;
		}
	return false;
}

static const struct pci_function *free_nic(const struct planner *planner, const struct vm_plan *vm)
{
	const struct pci_topology *pci = &planner->platform->pci;
	char text[REASON_MAX];

	for (u32 i = 0; i < pci->count; i++) {
		const struct pci_function *function = &pci->function[i];

		if (function->class_code >> 16 == CLASS_NETWORK && !keep_back(function) &&
		    !is_spoken_for(planner, function) && !conflict(planner, vm, function, text))
			return function;
	}
	return NULL;
}

/* True if a VM names devices, whatever becomes of it. */
static bool any_named(const struct config *config)
{
	for (u32 i = 0; i < config->vm_count; i++)
		if (config->vm[i].device_count)
			return true;
	return false;
}

/* Of those that may run at the same time. */
static bool any_given(const struct plan *plan, const struct vm_plan *vm)
{
	for (u32 i = 0; i < plan->vm_count; i++)
		if (plan->vm[i].device_count && plan->vm[i].chain != vm->chain)
			return true;
	return false;
}

#define ONE_OWNER "without an IOMMU only one VM can have devices"

static void add_default_nic(const struct planner *planner, struct vm_plan *vm)
{
	const struct pci_function *nic = free_nic(planner, vm);
	const char *why_not = NULL;

	if (!nic)
		why_not = "no NIC is free";
	else if (!planner->abilities->assignment)
		why_not = planner->abilities->no_assignment_reason;
	else if (planner->abilities->one_owner && any_named(planner->config))
		why_not = ONE_OWNER;
	else
		why_not = vpci_check(planner->platform, nic);
	if (!why_not)
		why_not = iommu_refusal(planner, nic);
	if (why_not)
		log_line("plan", "vm %s: starts without a NIC: %s", vm->config->name, why_not);
	else
		vm->device[vm->device_count++] = nic;
}

bool planner_devices(const struct planner *planner, struct vm_plan *vm)
{
	const struct vm_config *config = vm->config;

	if (!config->pci_given && config == &planner->config->vm[0])
		add_default_nic(planner, vm);
	if (config->device_count && !planner->abilities->assignment)
		return planner_refuse(config, "it names devices",
				      planner->abilities->no_assignment_reason);
	if (config->device_count && planner->abilities->one_owner && any_given(planner->plan, vm))
		return planner_refuse(config, "it names devices", ONE_OWNER);
	for (u32 i = 0; i < config->device_count; i++)
		if (!add_device(planner, vm, config->device[i]))
			return false;
	return true;
}

bool plan_takes_group_of(const struct plan *plan, const struct pci_function *function)
{
	const struct vm_plan *owner;

	return owned_member(plan, PLAN_NO_VM, function->group, &owner);
}
