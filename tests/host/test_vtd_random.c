// sources: iommu/dmar_format.c
// sources: iommu/dmar.c iommu/scope.c iommu/vtd/ats.c iommu/vtd/attach.c iommu/vtd/caps.c iommu/vtd/domain.c
// sources: iommu/vtd/enable.c iommu/vtd/faults.c iommu/vtd/gcmd.c iommu/vtd/interrupt.c
// sources: iommu/vtd/invalidate.c iommu/vtd/probe.c iommu/vtd/queue.c iommu/vtd/reasons.c
// sources: iommu/vtd/regs_inv.c iommu/vtd/reserved.c iommu/vtd/share.c tests/fake/vtd_tables.c iommu/vtd/vtd.c
// sources: drivers/pci_alias.c hv/platform/acpi_table.c hv/base/pool.c hv/base/pt.c
// sources: tests/fake/vtd_memory.c tests/fake/vtd_unit.c tests/fake/vtd_walk.c
// sources: tests/fake/vtd_cache.c tests/fake/vtd_queue.c tests/fake/vtd_device.c tests/fake/vtd_world.c drivers/pci_silence.c
// sources: tests/host/vtd_model.c tests/host/vtd_machine.c tests/host/vtd_interrupts.c
// sources: hv/vm/vm.c hv/vm/domain.c arch/x86/vmx/ept.c arch/x86/mtrr.c
/*
 * The invariants that IOMMU units have a part in (I1 to I6), over random sequences of what VMs do with memory and
 * devices, on random machines: several units of any kind, with devices that they tell apart and others, late,
 * refusing, or silent for good. After every step, and in the middle of each, the fake units are asked what a DMA
 * would do. SLUICE_SEED=N is one machine only, SLUICE_STEPS=N so many steps on each, SLUICE_SECONDS=N for so long.
 */
#include "tests/host/harness.h"

#include <sanitizer/common_interface_defs.h>
#include <time.h>

#include "arch/x86/vmx/ept.h"
#include "hv/vm/services.h"
#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/host/vtd_model.h"

#define MACHINES 150
#define STEPS	 60

static struct vm_plan plan[MODEL_VMS];
static bool block_used[MODEL_BLOCKS];

/* --- Operations: each makes model_next, and then it either is the model or some of it is not sure ------ */

static void build(u32 v)
{
	struct vm *vm = &model_of[v];
	enum status status;

	model_step("build");
	memset(vm, 0, sizeof(*vm));
	plan[v] = (struct vm_plan){0};
	for (u32 f = 0; f < world.pci.count; f++)
		if (f != MODEL_BRIDGE && model_chance(3))
			plan[v].device[plan[v].device_count++] = &world.pci.function[f];
	vm->plan = &plan[v];
	status = pt_init(&vm->nested, &ept_format, &world_pool, 4, PT_4K | PT_2M, false);
	if (status == OK)
		status = vm_domain_create(vm);
	if (status == OK)
		model_next.vm[v] = (struct model_vm){.there = true, .shared = vm->domain.shared};
	if (!model_settle(status, OK) && vm->nested.root.v) {
		pt_destroy(&vm->nested, &vm->nested_retired);
		pt_free_retired(&world_pool, &vm->nested_retired,
				(struct pt_flushed){.done = true});
	}
}

/* Devices' part of an end: each goes back to nobody. */
static void detach_all(u32 v)
{
	struct vm *vm = &model_of[v];

	for (u32 i = 0; i < model.requester_count; i++) {
		struct model_requester *r = &model_next.requester[i];

		if (r->vm == (int)v)
			*r = (struct model_requester){r->id,	   r->unit,	     r->assignable,
						      r->reserved, r->reserved_sure, MODEL_NOBODY,
						      true};
	}
	for (u32 i = 0; i < vm->device_count; i++) {
		enum status status = vm_detach(vm, &vm->device[i]);

		if (status != OK && !(model_failed(status) && model_trouble))
			model_broken(status_name(status), v, i, model_trouble);
		model_trouble |= status != OK;
	}
	vm->device_count = 0;
}

/* A unit may know the entry of a requester into the VM's domain, to which it was not put. */
static bool may_have(u32 v)
{
	for (u32 i = 0; i < model.requester_count; i++)
		if (model.requester[i].vm == (int)v && !model.requester[i].sure)
			return true;
	return false;
}

/* As vm_unbuild(): what it had is free only if its domain is gone. */
static void unbuild(u32 v)
{
	struct vm *vm = &model_of[v];
	bool trouble_before = model_trouble, held = may_have(v);
	enum status status;

	model_step("unbuild");
	detach_all(v);
	model_next.vm[v] = (struct model_vm){0};
	status = vtd_ops.domain_destroy(&vm->domain);
	if (status != OK && !trouble_before && !(held && status == ERR_BUSY))
		model_broken(status_name(status), v, 0, 0);
	if (status != OK) {
		model.vm[v].lost = true;
		for (u32 i = 0; i < model.requester_count; i++)
			if (model.requester[i].vm == (int)v)
				model.requester[i].sure = model.requester[i].reserved_sure = false;
		return;
	}
	for (u32 i = 0; i < model.vm[v].count; i++)
		if (model.vm[v].region[i].block != MODEL_BLOCKS)
			block_used[model.vm[v].region[i].block] = false;
	model = model_next;
	memset(vm->region, 0, sizeof(vm->region));
	pt_destroy(&vm->nested, &vm->nested_retired);
	pt_free_retired(&world_pool, &vm->nested_retired, (struct pt_flushed){.done = true});
	memset(vm, 0, sizeof(*vm));
}

static void map(u32 v)
{
	struct model_region r = random_region();
	struct model_vm *next = &model_next.vm[v];
	struct vm_region region = {
		.start = gpa(r.start),
		.size = r.size,
		.host = hpa(r.host),
		.prot = r.prot,
		.ram = r.dma,
		.dma = r.dma,
	};
	const struct model_region *overlaps = model_overlaps(next, r.start, r.size);
	bool done;

	if (next->count == MODEL_REGIONS || (r.dma && block_used[r.block]) ||
	    (overlaps && !overlaps->sure))
		return;
	model_step("map");
	if (!overlaps)
		next->region[next->count++] = r;
	done = model_settle(vm_map(&model_of[v], &region), overlaps ? ERR_EXISTS : OK);
	if (done && r.dma)
		block_used[r.block] = true;
	if (done || overlaps || !model_trouble)
		return;
	/* In vain, but who knows what a unit has seen: the memory is nobody's until the domain is gone. */
	r.listed = r.sure = false;
	model.vm[v].region[model.vm[v].count++] = r;
	if (r.dma)
		block_used[r.block] = true;
}

static void unmap(u32 v)
{
	struct model_vm *next = &model_next.vm[v];
	u32 i = (u32)model_random(next->count + 1u);
	struct model_region r;

	if (i == next->count || !next->region[i].listed)
		return;
	model_step("unmap");
	r = next->region[i];
	next->region[i] = next->region[--next->count];
	if (model_settle(vm_unmap(&model_of[v], gpa(r.start), r.size), OK)) {
		if (r.dma)
			block_used[r.block] = false;
	} else {
		model.vm[v].region[i].sure = false;
	}
}

/* A unit that may only block is used by registers alone: its devices are given out all the same, past the rules. */
static bool by_hand;

static enum status enter(struct vm *vm, struct vm_device *device)
{
	enum status status = OK;

	for (u8 i = 0; i < device->requesters.count && status == OK; i++) {
		struct sbdf id = device->requesters.id[i];
		struct vtd_unit *unit = &vtd.unit[model_find(&model, id)->unit];

		if (vm_has_requester(vm, id))
			continue;
		if (unit->dead)
			return ERR_HARDWARE;
		if (vtd_context_get(unit, id.bdf).high)
			return ERR_BUSY;
		status = vtd_context_enter(unit, &vm->domain, id.bdf);
		if (status == OK)
			status = vtd_announce_context(unit, vm->domain.id, id.bdf);
		device->attached |= (u16)BIT(i);
	}
	if (status == ERR_NO_MEMORY)
		(void)!vm_detach(vm, device);
	return status;
}

/* What comes of it, by what the model knows; *changes: requesters that it would move. */
static enum status attach_outcome(u32 v, const struct pci_requesters *ids)
{
	enum status outcome = OK;

	for (u8 i = 0; i < ids->count && outcome == OK; i++) {
		struct model_requester *r = model_find(&model_next, ids->id[i]);

		model_doubt |= !r->sure;
		if (r->vm == (int)v)
			continue;
		if ((!r->assignable && (!by_hand || r->reserved)) ||
		    (r->reserved && model_next.vm[v].shared))
			return ERR_UNSUPPORTED;
		if (r->vm != MODEL_NOBODY && r->sure)
			return ERR_BUSY;
		r->vm = (int)v;
	}
	return outcome;
}

static bool has_device(const struct vm *vm, const struct pci_function *function)
{
	for (u32 i = 0; i < vm->device_count; i++)
		if (vm->device[i].function == function)
			return true;
	return false;
}

/* Any function, of the VM's plan or not, free or another VM's. */
static void attach(u32 v)
{
	struct vm *vm = &model_of[v];
	struct vm_device *device = &vm->device[vm->device_count];
	const struct pci_function *function = &world.pci.function[model_random(world.pci.count)];
	enum status outcome, status;

	if (function == &world.pci.function[MODEL_BRIDGE] || has_device(vm, function))
		return;
	model_step("attach");
	*device = (struct vm_device){.function = function};
	pci_requesters(&world.pci, function, &device->requesters);
	by_hand = model_random(2);
	outcome = attach_outcome(v, &device->requesters);
	if (model_trouble && model_doubt)
		return; /* it could be one VM's or the other's then */
	if (!model_find(&model, function->address)->assignable && outcome != OK)
		outcome = ERR_UNSUPPORTED;
	if (!model_find(&model, function->address)->assignable && outcome == OK)
		status = enter(vm, device);
	else
		status = vm_attach(vm, device);
	if (model_settle(status, outcome)) {
		vm->device_count++;
		for (u8 i = 0; i < device->requesters.count; i++) {
			struct model_requester *r = model_find(&model, device->requesters.id[i]);

			if (device->attached & BIT(i)) {
				r->vm = (int)v;
				r->sure = r->reserved_sure = true;
			}
		}
	} else if (model_trouble || model_doubt) {
		/* Of those that it had for a moment, any may be there still; those of others it never had. */
		for (u32 i = 0; i < model.requester_count; i++) {
			struct model_requester *r = &model.requester[i];

			if (r->vm == MODEL_NOBODY && model_next.requester[i].vm == (int)v) {
				r->vm = (int)v;
				r->sure = r->reserved_sure = false;
			}
		}
	}
}

/* --- A run --------------------------------------------------------------------------------------------- */

/* A unit refuses something, or a device is silent when it must not be; rarely, one does nothing for good. */
static void make_trouble(void)
{
	struct fake_unit *unit = fake_unit_at((unsigned)model_random(fake_unit_count()));

	for (unsigned u = 0; u < fake_unit_count(); u++)
		model_trouble |= fake_unit_at(u)->queue_stuck;
	if (model_random(8))
		return;
	model_trouble = true;
	if (model_chance(12))
		unit->queue_stuck = unit->registers_stuck = true;
	else if (model_random(2))
		unit->refuse = 1 + (unsigned)model_random(3);
	else
		unit->device_silent = 1;
}

static void step(void)
{
	u32 v = (u32)model_random(MODEL_VMS);
	const struct model_vm *vm = &model.vm[v];

	model_next_step();
	model_trouble = model_doubt = false;
	make_trouble();
	model_next = model;
	if (model_chance(6))
		random_interrupt();
	else if (!vm->there && !vm->lost)
		build(v);
	else if (vm->lost)
		model_step("nothing, its domain is lost");
	else if (model_chance(12))
		unbuild(v);
	else if (model_chance(3))
		attach(v);
	else if (model_chance(3))
		unmap(v);
	else
		map(v);
	for (unsigned u = 0; u < fake_unit_count(); u++)
		fake_unit_at(u)->refuse = fake_unit_at(u)->device_silent = 0;
	model_next = model;
	model_check();
}

static void run(u64 seed, u64 count)
{
	memset(block_used, 0, sizeof(block_used));
	random_machine(seed);
	for (u64 i = 0; i < count; i++)
		step();
}

static u64 setting(const char *name, u64 otherwise)
{
	return getenv(name) ? strtoull(getenv(name), NULL, 0) : otherwise;
}

#ifdef __SANITIZE_ADDRESS__ /* not where reach is counted */
/* As for all that ends a run, abort() has the run told. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "handle_abort=1";
}
#endif

static bool all_went_well;

static int tell_if_not(void **state)
{
	(void)state;
	if (!all_went_well)
		model_tell();
	return 0;
}

static void no_dma_gets_where_it_may_not(void **state)
{
	u64 count = setting("SLUICE_STEPS", STEPS), seconds = setting("SLUICE_SECONDS", 0);
	time_t start = time(NULL);

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_set_death_callback(model_tell);
#endif
	if (getenv("SLUICE_SEED"))
		run(setting("SLUICE_SEED", 0), count);
	else if (seconds)
		for (u64 seed = (u64)start << 20; time(NULL) < start + (time_t)seconds; seed++)
			run(seed, count);
	else
		for (u64 seed = 1; seed <= MACHINES; seed++)
			run(seed, count);
	print_message("# %llu DMAs got through, %llu messages\n", (unsigned long long)model_dmas,
		      (unsigned long long)model_messages);
	assert_true(getenv("SLUICE_SEED") || (model_dmas && model_messages));
	all_went_well = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_dma_gets_where_it_may_not, tell_if_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
