#include "hv/vm/plan.h"

#include "drivers/pci_groups.h"
#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/base/string.h"
#include "hv/vm/vpci.h"

/* What is still to be had while VMs are looked at one after the other. */
struct planner {
	const struct config *config;
	const struct platform *platform;
	const struct plan_abilities *abilities;
	struct plan *plan;
	u32 next_cpu;	 /* index into abilities->apic_id */
	u64 memory_left; /* bytes */
	u64 share;	 /* bytes for each VM without mem= */
};

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

/* about may be "". Always false. */
static bool refuse(const struct vm_config *vm, const char *about, const char *reason)
{
	log_line("plan", "vm %s: refused: %s%s%s", vm->name, about, *about ? ": " : "", reason);
	return false;
}

static bool refuse_device(const struct vm_config *vm, struct sbdf device, const char *reason)
{
	char text[SBDF_TEXT_MAX];

	return refuse(vm, sbdf_text(device, text), reason);
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

static u32 find_vm(const struct plan *plan, const char *name)
{
	for (u32 i = 0; i < plan->vm_count; i++)
		if (strcmp(plan->vm[i].config->name, name) == 0)
			return i;
	return PLAN_NO_VM;
}

u32 plan_successor(const struct plan *plan, u32 n)
{
	for (u32 i = 0; i < plan->vm_count; i++)
		if (plan->vm[i].after == n)
			return i;
	return PLAN_NO_VM;
}

static bool plan_order(const struct planner *planner, struct vm_plan *vm)
{
	const struct plan *plan = planner->plan;

	vm->after = PLAN_NO_VM;
	vm->chain = plan->vm_count;
	if (!*vm->config->after)
		return true;
	vm->after = find_vm(plan, vm->config->after);
	if (vm->after == PLAN_NO_VM)
		return refuse(vm->config, vm->config->after, "no VM before it has this name");
	if (plan->vm[vm->after].config->restarts == CONFIG_ALWAYS)
		return refuse(vm->config, vm->config->after, "it restarts always");
	if (plan_successor(plan, vm->after) != PLAN_NO_VM)
		return refuse(vm->config, vm->config->after, "another VM waits for it");
	vm->chain = plan->vm[vm->after].chain;
	return true;
}

/* Of those in the chain so far: they are never there at the same time. */
static u64 chain_memory(const struct planner *planner, const struct vm_plan *vm)
{
	u64 most = 0;

	for (u32 i = 0; i < planner->plan->vm_count; i++)
		if (planner->plan->vm[i].chain == vm->chain)
			most = max_u64(most, planner->plan->vm[i].memory);
	return most;
}

static bool inherit_cpus(const struct planner *planner, struct vm_plan *vm, u32 wanted)
{
	const struct vm_plan *before = &planner->plan->vm[vm->after];

	if (wanted > before->cpu_count)
		return refuse(vm->config, vm->config->after, "it has fewer CPUs");
	for (u32 i = 0; i < wanted; i++)
		vm->apic_id[i] = before->apic_id[i];
	vm->cpu_count = wanted;
	return true;
}

static bool plan_cpus(const struct planner *planner, struct vm_plan *vm)
{
	u32 wanted = vm->config->cpus ? vm->config->cpus : 1;

	if (wanted > VM_MAX_CPUS)
		return refuse(vm->config, "", "it asks for more CPUs than a VM can have");
	if (vm->after != PLAN_NO_VM)
		return inherit_cpus(planner, vm, wanted);
	if (wanted > planner->abilities->cpu_count - planner->next_cpu)
		return refuse(vm->config, "", "there are not enough CPUs");
	for (u32 i = 0; i < wanted; i++)
		vm->apic_id[i] = planner->abilities->apic_id[planner->next_cpu + i];
	vm->cpu_count = wanted;
	return true;
}

static bool plan_memory(const struct planner *planner, struct vm_plan *vm)
{
	u64 wanted = vm->config->memory;
	u64 left = planner->memory_left + chain_memory(planner, vm);

	if (!wanted && planner->share < VM_MEMORY_MIN)
		return refuse(vm->config, "", "less than 16 MiB of memory are left for it");
	if (!wanted)
		wanted = planner->share;
	if (wanted < VM_MEMORY_MIN)
		return refuse(vm->config, "", "a VM needs at least 16 MiB of memory");
	if (wanted > left || align_up(wanted, VM_MEMORY_UNIT) > left)
		return refuse(vm->config, "", "there is not enough memory");
	vm->memory = align_up(wanted, VM_MEMORY_UNIT);
	return true;
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
		reason = conflict(planner, vm, function, text);
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
	if (why_not)
		log_line("plan", "vm %s: starts without a NIC: %s", vm->config->name, why_not);
	else
		vm->device[vm->device_count++] = nic;
}

static bool plan_devices(const struct planner *planner, struct vm_plan *vm)
{
	const struct vm_config *config = vm->config;

	if (!config->pci_given && config == &planner->config->vm[0])
		add_default_nic(planner, vm);
	if (config->device_count && !planner->abilities->assignment)
		return refuse(config, "it names devices", planner->abilities->no_assignment_reason);
	if (config->device_count && planner->abilities->one_owner && any_given(planner->plan, vm))
		return refuse(config, "it names devices", ONE_OWNER);
	for (u32 i = 0; i < config->device_count; i++)
		if (!add_device(planner, vm, config->device[i]))
			return false;
	return true;
}

static void plan_vm(struct planner *planner, const struct vm_config *config)
{
	struct vm_plan vm = {.config = config};
	u64 there;

	if (!plan_order(planner, &vm) || !plan_cpus(planner, &vm) || !plan_memory(planner, &vm) ||
	    !plan_devices(planner, &vm))
		return;
	there = chain_memory(planner, &vm);
	if (vm.after == PLAN_NO_VM)
		planner->next_cpu += vm.cpu_count;
	planner->memory_left -= vm.memory - min_u64(vm.memory, there);
	planner->plan->vm[planner->plan->vm_count++] = vm;
}

/* What each VM without mem= gets: an equal part of what the others leave, and no more than enough. */
static u64 default_share(const struct config *config, u64 available)
{
	u32 sharers = 0;

	for (u32 i = 0; i < config->vm_count; i++) {
		u64 wanted = config->vm[i].memory;

		if (!wanted)
			sharers++;
		else if (wanted <= available && align_up(wanted, VM_MEMORY_UNIT) <= available)
			available -= align_up(wanted, VM_MEMORY_UNIT);
	}
	if (!sharers)
		return 0;
	return align_down(min_u64(available / sharers, VM_MEMORY_DEFAULT), VM_MEMORY_UNIT);
}

enum status plan_make(const struct config *config, const struct platform *platform,
		      const struct plan_abilities *abilities, struct plan *plan)
{
	struct planner planner = {
		.config = config,
		.platform = platform,
		.abilities = abilities,
		.plan = plan,
		.memory_left = abilities->memory_available,
		.share = default_share(config, abilities->memory_available),
	};

	*plan = (struct plan){.housekeeping = abilities->cpu_count > 1};
	planner.next_cpu = plan->housekeeping ? 1 : 0;
	for (u32 i = 0; i < config->vm_count; i++)
		plan_vm(&planner, &config->vm[i]);
	plan->refused = config->left_out + config->vm_count - plan->vm_count;
	return plan->vm_count ? OK : ERR_NOT_FOUND;
}

bool plan_takes_group_of(const struct plan *plan, const struct pci_function *function)
{
	const struct vm_plan *owner;

	return owned_member(plan, PLAN_NO_VM, function->group, &owner);
}

static void apic_ids_text(const struct vm_plan *vm, char *text, size_t size)
{
	size_t length = 0;

	for (u32 i = 0; i < vm->cpu_count && length < size; i++)
		length += format_text(text + length, size - length, " %u", vm->apic_id[i]);
}

void plan_print(const struct plan *plan)
{
	for (u32 i = 0; i < plan->vm_count; i++) {
		const struct vm_plan *vm = &plan->vm[i];
		char ids[5 * VM_MAX_CPUS + 8];

		apic_ids_text(vm, ids, sizeof(ids));
		log_line("plan", "vm %s: %u CPU%s (APIC ID%s%s), %llu MiB, %u modules, %u devices",
			 vm->config->name, vm->cpu_count, vm->cpu_count > 1 ? "s" : "", ids,
			 plan->housekeeping ? "" : ", shared with the hypervisor",
			 (unsigned long long)(vm->memory >> 20), vm->config->module_count,
			 vm->device_count);
		if (vm->after != PLAN_NO_VM)
			log_line("plan", "vm %s: waits for the end of %s", vm->config->name,
				 vm->config->after);
		for (u32 j = 0; j < vm->device_count; j++) {
			char text[SBDF_TEXT_MAX];

			log_line("plan", "vm %s: device %s %04x:%04x", vm->config->name,
				 sbdf_text(vm->device[j]->address, text), vm->device[j]->vendor_id,
				 vm->device[j]->device_id);
		}
	}
}
