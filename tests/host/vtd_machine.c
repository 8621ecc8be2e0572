/* A random machine: fake units of all kinds, functions behind them, one with a reserved region. */
#include "arch/x86/mtrr.h"
#include "arch/x86/paging.h"
#include "hv/vm/services.h"
#include "iommu/vtd/vtd.h"
#include "tests/host/harness.h"
#include "tests/host/vtd_model.h"

#define RESERVED   0x8c000000ull
#define REGISTERS  0xe0000000ull
#define BLOCK_SIZE MIB(4)

struct services services;

/* --- What the VM code asks of others ---------------------------------------------------------------- */

struct pt_flushed signal_flush(struct vm *of)
{
	(void)of;
	return (struct pt_flushed){.done = true};
}

void signal_send(struct vm *of, u32 vcpu, u32 requests)
{
	fail_msg("%s: %u, %u", of->name, vcpu, requests);
}

static u64 memory_run(hpa_t start, u64 size, bool *cached)
{
	*cached = start.v >= MODEL_HOST;
	return size;
}

static const struct vcpu_ops cpu_ops = {.nested_name = "ept", .memory_run = memory_run};

void mtrr_read(struct mtrr_words *words)
{
	fail_msg("%p", (void *)words);
}

void *paging_window(u32 index, hpa_t address)
{
	fail_msg("window %u, %llx", index, (unsigned long long)address.v);
	return NULL;
}

void paging_window_end(u32 index)
{
	(void)index;
}

/* --- A random machine -------------------------------------------------------------------------------- */

static u64 either(u64 bits)
{
	return model_random(2) ? bits : 0;
}

/* All units are such that domains share the CPU's table. */
static bool shareable;

static u64 random_cap(u64 depth)
{
	u64 cap = WORLD_CAP & ~(0x1f00ull | 3ull << 34 | 0xffull << 48 | 7 | WORLD_CAP_PSI);

	cap |= depth | either(3ull << 9 & ~depth) | model_random(7);
	cap |= (shareable ? 3 : model_random(4)) << 34 | model_random(8) << 40;
	cap |= model_random(19) << 48 | model_random(4) << 54;
	cap |= either(WORLD_CAP_CM) | either(WORLD_CAP_PSI) | either(WORLD_CAP_PLMR);
	return cap | (model_chance(4) ? WORLD_CAP_RWBF : 0);
}

static u64 random_ecap(void)
{
	u64 ecap = WORLD_ECAP & ~(WORLD_ECAP_C | 0xfull << 20);

	ecap |= model_random(16) << 20 | either(WORLD_ECAP_SC) | either(WORLD_ECAP_EIM);
	ecap |= either(WORLD_ECAP_DT) | either(WORLD_ECAP_C);
	ecap |= shareable ? WORLD_ECAP_C | WORLD_ECAP_SC : 0;
	return model_chance(5) ? ecap & ~(WORLD_ECAP_QI | WORLD_ECAP_IR) : ecap;
}

/* The functions' units, the bridge's being that of the two behind it. */
static unsigned unit_of[MODEL_BRIDGE + 1];

static void add_unit(unsigned index, unsigned count, u64 depth)
{
	u64 cap = random_cap(depth), ecap = random_ecap();
	bool rest = index + 1 == count;
	struct fake_unit *unit = world_add_drhd(0, rest, 0xfed90000 + index * 0x1000ull, cap, ecap);

	for (u8 f = 0; f <= MODEL_BRIDGE && !rest; f++)
		if (unit_of[f] == index)
			world_add_scope(f == MODEL_BRIDGE ? 2 : 1, 0, 0,
					(const u8[]){f + 2, 0, 0xff});
	if (!(ecap & WORLD_ECAP_C))
		fake_set_view(unit, FAKE_SEES_FLUSHED);
	else if (cap & WORLD_CAP_RWBF)
		fake_set_view(unit, FAKE_SEES_DRAINED);
	unit->pmen = cap & WORLD_CAP_PLMR ? 0x80000001 : 0;
	unit->queue_ms = model_random(2) ? (unsigned)model_random(50) : 0;
}

static void add_functions(void)
{
	u16 bridge;

	for (u8 f = 0; f < MODEL_BRIDGE; f++)
		world_add_function(0, f + 2, 0, PCI_NO_PARENT);
	bridge = world_add_bridge(0, MODEL_BRIDGE + 2, 0, PCI_NO_PARENT, 1, 1);
	world.pci.function[bridge].pcie_type = 7;
	world_add_function(1, 1, 0, bridge);
	world_add_function(1, 2, 0, bridge);
}

/* The requester IDs of all functions, each once. */
static void list_requesters(u64 reserved_by)
{
	for (u32 f = 0; f < world.pci.count; f++) {
		struct pci_requesters ids;
		unsigned unit = unit_of[f < MODEL_BRIDGE ? f : MODEL_BRIDGE];

		pci_requesters(&world.pci, &world.pci.function[f], &ids);
		for (u8 i = 0; i < ids.count; i++) {
			if (model_find(&model, ids.id[i]))
				continue;
			model.requester[model.requester_count++] = (struct model_requester){
				.id = ids.id[i],
				.unit = unit,
				.assignable = fake_unit_at(unit)->ecap & WORLD_ECAP_IR,
				.reserved = f < MODEL_BRIDGE && f == reserved_by ? RESERVED : 0,
				.reserved_sure = true,
				.vm = MODEL_NOBODY,
				.sure = true,
			};
		}
	}
}

void random_machine(u64 seed)
{
	unsigned units;
	u64 depth, reserved_by;

	model_begin(seed);
	world_reset();
	units = 1 + (unsigned)model_random(3);
	shareable = model_chance(3);
	depth = shareable ? 1ull << 10 : 1ull << (9 + model_random(2));
	reserved_by = model_random(2 * MODEL_BRIDGE);
	for (unsigned f = 0; f <= MODEL_BRIDGE; f++)
		unit_of[f] = (unsigned)model_random(units);
	for (unsigned u = 0; u < units; u++)
		add_unit(u, units, depth);
	if (reserved_by < MODEL_BRIDGE) {
		world_add_rmrr(RESERVED, RESERVED + PAGE_SIZE - 1);
		world_add_scope(1, 0, 0, (const u8[]){(u8)(reserved_by + 2), 0, 0xff});
	}
	add_functions();
	world_finish();
	services = (struct services){.platform = &world, .cpu = &cpu_ops, .iommu = &vtd_ops};
	memset(model_of, 0, sizeof(model_of));
	if (vtd_ops.probe(&world, &world_pool) != OK ||
	    vtd_ops.enable(&world_event, model_random(2)) != OK)
		model_broken(captured_log(), 0, 0, 0);
	list_requesters(reserved_by);
	while (model_chance(3) && world_pool.free_pages > 40)
		for (u32 n = world_pool.free_pages / 2; n; n--)
			(void)pool_take(&world_pool);
	model_next = model;
	fake_between = model_ask_between;
	model_check();
}

struct model_region random_region(void)
{
	static const u32 prots[] = {PT_READ, PT_READ | PT_WRITE, PT_READ | PT_WRITE | PT_EXEC};
	struct model_region r = {
		.start = model_random(MIB(64) / PAGE_SIZE) * PAGE_SIZE +
			 (model_chance(3)   ? GIB(1) - MIB(32)
			  : model_chance(3) ? GIB(70)
					    : 0),
		.size = (1 + model_random(model_random(2) ? 4 : 600)) * PAGE_SIZE,
		.prot = prots[model_random(ARRAY_SIZE(prots))],
		.dma = !model_chance(4),
		.listed = true,
		.sure = true,
		.block = (int)model_random(MODEL_BLOCKS),
	};

	if (model_random(2)) {
		r.start = align_down(r.start, MIB(2));
		r.size = align_up(r.size, model_random(2) ? MIB(2) : PAGE_SIZE);
	}
	r.host = r.dma ? MODEL_HOST + (u64)r.block * BLOCK_SIZE : REGISTERS;
	/* So that large leaves fit, or not. */
	r.host += model_random(2) ? r.start % MIB(1) : 0;
	if (!r.dma)
		r.block = MODEL_BLOCKS;
	return r;
}
