#include "tests/host/vtd_model.h"

#include "hv/base/string.h"
#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/host/harness.h"

#define STRANGER SBDF(0, 0, 0x1a, 0)

struct model model, model_next;
struct vm model_of[MODEL_VMS];

u64 model_dmas, model_messages;

static u64 seed, state;
static u32 steps;
static const char *step_name;
static bool poisoned[FAKE_MEMORY_SIZE / PAGE_SIZE];
static u32 poisoned_first, poisoned_free;

void model_begin(u64 with)
{
	seed = with;
	state = with * 0x9e3779b97f4a7c15 | 1;
	steps = 0;
	step_name = "set-up";
	memset(&model, 0, sizeof(model));
	memset(&model_next, 0, sizeof(model_next));
	memset(poisoned, 0, sizeof(poisoned));
	poisoned_free = ~0u;
}

/* xorshift64*. */
u64 model_random(u64 limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return ((state * 0x2545f4914f6cdd1d) >> 16) % limit;
}

void model_next_step(void)
{
	step_name = "nothing";
	steps++;
}

void model_step(const char *operation)
{
	step_name = operation;
}

void model_tell(void)
{
	fprintf(stderr, "# SLUICE_SEED=%llu SLUICE_STEPS=%u: %s\n", (unsigned long long)seed, steps,
		step_name);
}

_Noreturn void model_broken(const char *what, u64 a, u64 b, u64 c)
{
	fail_msg("%s: %llx %llx %llx", what, (unsigned long long)a, (unsigned long long)b,
		 (unsigned long long)c);
	abort();
}

/* --- Memory that is free --------------------------------------------------------------------------- */

/* As a table of any kind it leads to itself, by 3 levels or 4, as a leaf to the poison page. */
void model_poison(void)
{
	struct fake_pair with = {MODEL_POISON | 3, MODEL_POISON | 0x100 | (1 + (seed & 1))};
	bool is_free[ARRAY_SIZE(poisoned)] = {false};

	if (poisoned_free == world_pool.free_pages && poisoned_first == world_pool.first_free)
		return;
	fake_fill(MODEL_POISON, poisoned_free == ~0u ? PAGE_SIZE : 0, with);
	for (u32 i = world_pool.first_free; i < world_pool.pages; i = world_pool.next[i])
		is_free[i] = true;
	for (u32 i = 0; i < world_pool.pages; i++) {
		if (is_free[i] && !poisoned[i])
			fake_fill(world_pool.base_hpa.v + i * PAGE_SIZE, PAGE_SIZE, with);
		poisoned[i] = is_free[i];
	}
	poisoned_free = world_pool.free_pages;
	poisoned_first = world_pool.first_free;
}

/* --- The model ------------------------------------------------------------------------------------- */

struct model_requester *model_find(struct model *of, struct sbdf id)
{
	for (u32 i = 0; i < of->requester_count; i++)
		if (sbdf_equal(of->requester[i].id, id))
			return &of->requester[i];
	return NULL;
}

const struct model_region *model_overlaps(const struct model_vm *vm, u64 start, u64 size)
{
	for (u32 i = 0; i < vm->count; i++)
		if (vm->region[i].listed &&
		    ranges_overlap(start, size, vm->region[i].start, vm->region[i].size))
			return &vm->region[i];
	return NULL;
}

u64 model_address(const struct model *of)
{
	const struct model_vm *vm = &of->vm[model_random(MODEL_VMS)];
	const struct model_region *region;

	if (!vm->count || model_chance(8))
		return model_random(MIB(64)) + model_random(2) * GIB(70);
	region = &vm->region[model_random(vm->count)];
	switch (model_random(4)) {
	case 0:
		return region->start + (model_random(2) ? region->size : 0);
	case 1:
		return region->start + region->size - 1;
	case 2:
		return region->start ? region->start - 1 : 0;
	default:
		return region->start + model_random(region->size);
	}
}

enum answer {
	NEVER,
	MAYBE,
	ALWAYS,
};

static bool same_page(u64 a, u64 b)
{
	return a >> PAGE_SHIFT == b >> PAGE_SHIFT;
}

/* Whether the requester gets to this very byte of host memory, or as ALWAYS, to that and nowhere else. */
static enum answer reaches(const struct model *of, const struct model_requester *r, u64 address,
			   bool write, u64 to)
{
	const struct model_vm *vm = r->vm == MODEL_NOBODY ? NULL : &of->vm[r->vm];
	enum answer answer = NEVER;
	bool ambiguous = false;

	if (r->reserved && same_page(r->reserved, address))
		return to != address ? NEVER : r->reserved_sure ? ALWAYS : MAYBE;
	for (u32 i = 0; vm && i < vm->count; i++) {
		const struct model_region *region = &vm->region[i];

		if (!range_within(address, 1, region->start, region->size))
			continue;
		ambiguous |= !region->listed;
		if (to != region->host + (address - region->start) ||
		    !(region->prot & (write ? PT_WRITE : PT_READ)) || !(region->dma || vm->shared))
			continue;
		answer = region->sure && region->dma && r->sure ? ALWAYS : MAYBE;
	}
	return answer == ALWAYS && ambiguous ? MAYBE : answer;
}

/* Where it certainly gets to; false if nowhere. */
static bool certainly(const struct model *of, const struct model_requester *r, u64 address,
		      bool write, u64 *to)
{
	const struct model_vm *vm = r->vm == MODEL_NOBODY ? NULL : &of->vm[r->vm];

	*to = address;
	if (r->reserved && same_page(r->reserved, address))
		return r->reserved_sure;
	for (u32 i = 0; vm && i < vm->count; i++) {
		*to = vm->region[i].host + (address - vm->region[i].start);
		if (range_within(address, 1, vm->region[i].start, vm->region[i].size) &&
		    reaches(of, r, address, write, *to) == ALWAYS)
			return true;
	}
	return false;
}

/* --- What operations tell --------------------------------------------------------------------------- */

bool model_trouble, model_doubt;

bool model_failed(enum status status)
{
	return status == ERR_HARDWARE || status == ERR_TIMEOUT;
}

bool model_settle(enum status status, enum status expected)
{
	bool excused = (status == ERR_NO_MEMORY && expected == OK) ||
		       (model_failed(status) && model_trouble) || model_doubt;

	if (status != expected && !excused)
		model_broken(status_name(status), expected, model_trouble, 0);
	if (status == OK)
		model = model_next;
	return status == OK;
}

/* --- Questions ------------------------------------------------------------------------------------- */

static void ask(u32 requester, u64 address, bool write, bool between)
{
	const struct model_requester *now = &model.requester[requester];
	const struct model_requester *next = &model_next.requester[requester];
	u64 to, must, must_next;
	u8 reason = fake_dma(fake_unit_at(now->unit), now->id.bdf, address, write, &to);

	model_dmas += reason == 0;
	if (reason == 0 && reaches(&model, now, address, write, to) == NEVER &&
	    !(between && reaches(&model_next, next, address, write, to) != NEVER))
		model_broken("a DMA gets where it may not", now->id.bdf, address, to);
	if (reason != 0 && certainly(&model, now, address, write, &must) &&
	    (!between || (certainly(&model_next, next, address, write, &must_next) &&
			  must == must_next && !now->reserved)))
		model_broken("a DMA does not get where it may", now->id.bdf, address, reason);
}

/* Each requester has one unit only, and the stranger none. */
static void ask_elsewhere(void)
{
	u64 to, address = model_address(&model);

	for (unsigned u = 0; u < fake_unit_count(); u++) {
		const struct model_requester *r =
			&model.requester[model_random(model.requester_count)];

		if (fake_dma(fake_unit_at(u), STRANGER.bdf, address, false, &to) == 0)
			model_broken("a stranger's DMA gets through", u, address, to);
		if (r->unit != u && fake_dma(fake_unit_at(u), r->id.bdf, address, false, &to) == 0)
			model_broken("a DMA gets through the wrong unit", u, address, to);
	}
}

static bool delivers_as(const struct model_interrupt *i, u32 n, u32 requester,
			const struct fake_delivery *out)
{
	return i->there && i->requester == requester && i->target[n].vector &&
	       i->target[n].vector == out->vector && i->target[n].apic_id == out->apic_id &&
	       i->target[n].delivery == out->delivery && i->target[n].level == out->level;
}

/* I5: the message of the entry, by any requester of its unit. */
static void ask_message(u32 interrupt, u32 n, u32 requester, bool between)
{
	const struct model_interrupt *now = &model.interrupt[interrupt];
	const struct model_interrupt *next = &model_next.interrupt[interrupt];
	const struct model_interrupt *has = now->there ? now : next;
	const struct model_requester *r = &model.requester[requester];
	struct fake_delivery out;
	struct msi_message message;
	bool own = has->requester == requester;
	u8 reason;

	if (!has->there || n >= has->block.count || r->unit != has->block.unit)
		return;
	message = vtd_ops.msi_message(&has->block, (u16)n);
	reason =
		fake_message(fake_unit_at(r->unit), r->id.bdf, message.address, message.data, &out);
	model_messages += reason == 0;
	if (reason == 0 && !(own && !now->sure) && !delivers_as(now, n, requester, &out) &&
	    !(between && (delivers_as(next, n, requester, &out) || (own && !next->sure))))
		model_broken("a message does what it may not", r->id.bdf, n, out.vector);
	if (reason != 0 && !between && own && now->sure && now->target[n].vector)
		model_broken("a message does not arrive", r->id.bdf, n, reason);
}

void model_ask_between(void)
{
	const struct model *of = model_random(2) ? &model : &model_next;

	model_poison();
	if (!model.requester_count)
		return;
	ask((u32)model_random(model.requester_count), model_address(of), model_random(2), true);
	ask_message((u32)model_random(MODEL_INTERRUPTS), (u32)model_random(MODEL_ENTRIES),
		    (u32)model_random(model.requester_count), true);
}

/* I3: the VM's list, and what its CPUs reach, is the model's. */
static void check_lists(u32 v)
{
	const struct model_vm *is = &model.vm[v];
	const struct vm *vm = &model_of[v];
	u32 listed = 0;

	for (u32 i = 0; i < is->count; i++) {
		const struct model_region *region = &is->region[i];
		struct pt_leaf leaf = {0};
		bool found = false;

		if (!region->listed)
			continue;
		listed++;
		for (u32 k = 0; k < vm->region_count; k++)
			found |= vm->region[k].start.v == region->start &&
				 vm->region[k].size == region->size &&
				 vm->region[k].host.v == region->host;
		if (!found)
			model_broken("a region is not in the list", v, region->start, region->size);
		if (region->sure && (!pt_lookup(&vm->nested, region->start, &leaf) ||
				     leaf.address.v != region->host))
			model_broken("the CPU has not got a region", v, region->start, leaf.bits);
	}
	if (is->there && listed != vm->region_count)
		model_broken("the list has other regions", v, listed, vm->region_count);
}

/* Hardware may forget at any time, too. */
static void forget_some(void)
{
	struct fake_unit *unit = fake_unit_at((unsigned)model_random(fake_unit_count()));

	for (unsigned i = 0; i < FAKE_CACHE; i++) {
		unit->iotlb[i].valid &= model_chance(2);
		unit->table[i].valid &= model_chance(2);
		unit->context[i].valid &= model_chance(2);
		unit->iec[i].valid &= model_chance(2);
	}
}

void model_check(void)
{
	struct iommu_fault fault[16];

	model_poison();
	for (u32 v = 0; v < MODEL_VMS; v++)
		check_lists(v);
	for (u32 n = 0; n < 12 * model.requester_count; n++)
		ask(n % model.requester_count, model_address(&model), model_random(2), false);
	for (u32 r = 0; r < model.requester_count; r++)
		if (model.requester[r].reserved)
			ask(r, model.requester[r].reserved, true, false);
	for (u32 i = 0; i < MODEL_INTERRUPTS * MODEL_ENTRIES; i++)
		ask_message(i / MODEL_ENTRIES, i % MODEL_ENTRIES,
			    model_random(2) ? model.interrupt[i / MODEL_ENTRIES].requester
					    : (u32)model_random(model.requester_count),
			    false);
	ask_elsewhere();
	for (unsigned u = 0; u < fake_unit_count(); u++)
		if (fake_unit_at(u)->violation)
			model_broken(fake_unit_at(u)->violation, u, 0, 0);
	fake_between = NULL; /* questions are faults, too */
	while (vtd_ops.faults(fault, 16) == 16)
		;
	fake_between = model_ask_between;
	if (model_chance(8))
		forget_some();
}
