#include "hv/vm/planner.h"

#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/base/string.h"

/* about may be "". Always false. */
bool planner_refuse(const struct vm_config *vm, const char *about, const char *reason)
{
	log_line("plan", "vm %s: refused: %s%s%s", vm->name, about, *about ? ": " : "", reason);
	return false;
}

static u32 find_vm(const struct plan *plan, const char *name)
{
	for (u32 i = 0; i < plan->vm_count; i++)
		if (strcmp(plan->vm[i].config->name, name) == 0)
			return i;
	return PLAN_NO_VM;
}

bool plan_takes_turns(const struct plan *plan, u32 n)
{
	return plan->vm[plan->vm[n].chain].turns;
}

u32 plan_successor(const struct plan *plan, u32 n)
{
	for (u32 i = 0; i < plan->vm_count; i++)
		if (plan->vm[i].after == n)
			return i;
	return plan_takes_turns(plan, n) ? plan->vm[n].chain : PLAN_NO_VM;
}

static const struct vm_config *find_config(const struct config *config, const char *name)
{
	for (u32 i = 0; i < config->vm_count; i++)
		if (strcmp(config->vm[i].name, name) == 0)
			return &config->vm[i];
	return NULL;
}

/* True if VMs after this one wait for each other so that the one that it waits for waits for it. */
static bool closes_ring(const struct config *config, const struct vm_config *vm)
{
	const struct vm_config *at = find_config(config, vm->after);

	for (u32 i = 0; i < config->vm_count && at && at > vm; i++)
		at = find_config(config, at->after);
	return at == vm && strcmp(vm->after, vm->name) != 0;
}

static bool is_waited_for(const struct plan *plan, const char *name)
{
	for (u32 i = 0; i < plan->vm_count; i++)
		if (strcmp(plan->vm[i].config->after, name) == 0)
			return true;
	return false;
}

static bool plan_order(const struct planner *planner, struct vm_plan *vm)
{
	const struct plan *plan = planner->plan;

	vm->after = PLAN_NO_VM;
	vm->chain = plan->vm_count;
	if (!*vm->config->after)
		return true;
	vm->turns = closes_ring(planner->config, vm->config);
	if (vm->turns)
		return true;
	vm->after = find_vm(plan, vm->config->after);
	if (vm->after == PLAN_NO_VM)
		return planner_refuse(vm->config, vm->config->after,
				      "no VM before it has this name");
	if (plan->vm[vm->after].config->restarts == CONFIG_ALWAYS &&
	    !plan_takes_turns(plan, vm->after))
		return planner_refuse(vm->config, vm->config->after, "it restarts always");
	if (is_waited_for(plan, vm->config->after))
		return planner_refuse(vm->config, vm->config->after, "another VM waits for it");
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
		return planner_refuse(vm->config, vm->config->after, "it has fewer CPUs");
	for (u32 i = 0; i < wanted; i++)
		vm->apic_id[i] = before->apic_id[i];
	vm->cpu_count = wanted;
	return true;
}

static bool plan_cpus(const struct planner *planner, struct vm_plan *vm)
{
	u32 wanted = vm->config->cpus ? vm->config->cpus : 1;

	if (wanted > VM_MAX_CPUS)
		return planner_refuse(vm->config, "", "it asks for more CPUs than a VM can have");
	if (vm->after != PLAN_NO_VM)
		return inherit_cpus(planner, vm, wanted);
	if (wanted > planner->abilities->cpu_count - planner->next_cpu)
		return planner_refuse(vm->config, "", "there are not enough CPUs");
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
		return planner_refuse(vm->config, "", "less than 16 MiB of memory are left for it");
	if (!wanted)
		wanted = planner->share;
	if (wanted < VM_MEMORY_MIN)
		return planner_refuse(vm->config, "", "a VM needs at least 16 MiB of memory");
	if (wanted > left || align_up(wanted, VM_MEMORY_UNIT) > left)
		return planner_refuse(vm->config, "", "there is not enough memory");
	vm->memory = align_up(wanted, VM_MEMORY_UNIT);
	return true;
}

static void plan_vm(struct planner *planner, const struct vm_config *config)
{
	struct vm_plan vm = {.config = config};
	u64 there;

	if (!plan_order(planner, &vm) || !plan_cpus(planner, &vm) || !plan_memory(planner, &vm) ||
	    !planner_devices(planner, &vm))
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
		if (vm->after != PLAN_NO_VM || vm->turns)
			log_line("plan", "vm %s: %s %s", vm->config->name,
				 vm->turns ? "takes turns with" : "waits for the end of",
				 vm->config->after);
		for (u32 j = 0; j < vm->device_count; j++) {
			char text[SBDF_TEXT_MAX];

			log_line("plan", "vm %s: device %s %04x:%04x", vm->config->name,
				 sbdf_text(vm->device[j]->address, text), vm->device[j]->vendor_id,
				 vm->device[j]->device_id);
		}
	}
}
