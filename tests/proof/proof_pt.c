// sources: hv/base/pt.c hv/base/pool.c
// cbmc: --paths lifo
// cbmc-limits: PAGE_SHIFT=5 PAGE_SIZE=32ull PT_INDEX_BITS=2
/*
 * The page-table engine: for each sequence of one to three mappings and unmappings, of ranges that begin and end
 * around the ends of leaves and tables of all sizes, to targets that allow large leaves or do not, in two entry
 * formats and, up to two steps, with any small number of pages in the pool:
 *   a mapping that is OK translates exactly its range to its target, with the rights asked for; what is mapped
 *   already makes it ERR_EXISTS, and that and ERR_NO_MEMORY change nothing;
 *   an unmapping that is OK leaves nothing of its range; one that finds no page for a split leaves what it has not
 *   come to;
 *   nothing else changes: all entries of all tables are compared with a model at every place where it can change;
 *   no table but the root is empty, and each entry has just the format's bits;
 *   each page of the pool is free, in the tables or retired, and free again once the table is gone.
 * CBMC takes two steps in one format, with three levels of tables of four entries, and pages of as many bytes.
 */
#define PROOF_SET u64
#include "hv/base/pt.h"
#include "tests/proof/proof.h"

/* Of CBMC: two steps, tables of few entries, a pool of less. */
#ifdef PROOF_CBMC
#define STEPS	   2u
#define MOST_PAGES 7u
#define LARGE	   3
#define SCARCE	   1u
#define FORMATS	   1u
#else
#define STEPS	   3u
#define MOST_PAGES 16u
#define LARGE	   7
#define SCARCE	   7u
#define FORMATS	   2u
#endif
#define LEVELS	  3u
#define ENTRIES	  (1u << PT_INDEX_BITS)
#define POOL_HPA  0x100000000ull
#define GIB_PAGES (ENTRIES * ENTRIES)
#define TARGET	  0x80000ull /* as a page number; aligned for every leaf */
#define NOWHERE	  (~0ull)

PROOF_POINTS(8);

static const struct pt_format formats[] = {
	{
		.name = "any right makes it present",
		.present = 7,
		.address = BITS(51, PAGE_SHIFT),
		.large = BIT(LARGE),
		.table = 7,
		.read = BIT(0),
		.write = BIT(1),
	},
	{
		.name = "a present bit",
		.present = BIT(0),
		.address = BITS(51, PAGE_SHIFT),
		.large = BIT(LARGE),
		.table = BIT(0) | BIT(1) | BIT(2),
		.leaf = BIT(0) | BIT(2),
		.write = BIT(1),
		.no_exec = BIT(63),
	},
};

/* Page numbers; of a sequence of three, the first ones only. */
static const u32 starts[] = {0, ENTRIES - 1, GIB_PAGES - 1, 1, ENTRIES};
static const u32 sizes[] = {1, ENTRIES, GIB_PAGES + 1, 2};
#ifdef PROOF_CBMC
#define FEW 2u
#else
#define FEW 3u
#endif

struct step {
	bool unmap;
	u64 start, size, target; /* in pages */
	u32 prot;
	u64 done; /* so many pages of it happened */
};

#ifdef PROOF_CBMC
/* Words, as the tables have them: the engine's accesses are then to elements, which CBMC knows one by one. */
static struct {
	u32 next[PAGE_SIZE / 4];
	u64 table[MOST_PAGES][ENTRIES];
} memory;
#define POOL_MEMORY (&memory)
#else
static _Alignas(4096) u8 memory[(MOST_PAGES + 1) * PAGE_SIZE];
#define POOL_MEMORY memory
#endif
static struct pool pool;
static struct pool_chain retired;
static struct pt pt;
static struct step steps[STEPS];
static unsigned step_count;
static u32 pages, tables, leaves;

/* What the model has of a page: its target, or NOWHERE, and the rights. */
static u64 model(u64 page, u32 *prot)
{
	u64 target = NOWHERE;

	for (unsigned i = 0; i < step_count; i++) {
		const struct step *step = &steps[i];

		if (page - step->start >= step->done)
			continue;
		target = step->unmap ? NOWHERE : step->target + (page - step->start);
		*prot = step->prot;
	}
	return target;
}

/* A page of an entry's span is in the table as it is in the model. */
static void check_page(u64 page, u64 span_start, u64 entry)
{
	const struct pt_format *format = pt.format;
	u32 prot = 0;
	u64 target = model(page, &prot);

	if (target == NOWHERE) {
		MUST(!entry);
		return;
	}

	u64 bits = format->leaf | format->no_exec | (prot & PT_READ ? format->read : 0) |
		   (prot & PT_WRITE ? format->write : 0);

	MUST((entry & format->address) / PAGE_SIZE + (page - span_start) == target);
	MUST((entry & ~format->address & ~format->large) == bits);
}

/* Looking up tells what the model has. */
static void check_lookup(u64 page)
{
	struct pt_leaf leaf = {{0}, 0, 0};
	u32 prot;
	u64 target = model(page, &prot);

	MUST(pt_lookup(&pt, page * PAGE_SIZE, &leaf) == (target != NOWHERE));
	MUST(target == NOWHERE || leaf.address.v == target * PAGE_SIZE);
}

/*
 * The pages [start, start + size) have one entry. The model is linear between the ends of its steps, so that it
 * is compared at the span's first page and at each end within it, on either side.
 */
static void check_span(u64 start, u64 size, u64 entry)
{
	check_page(start, start, entry);
	for (unsigned i = 0; i < 2 * step_count; i++) {
		u64 end = steps[i / 2].start + (i % 2 ? steps[i / 2].done : 0);

		if (end > start && end < start + size) {
			check_page(end, start, entry);
			check_page(end - 1, start, entry);
		}
	}
}

static void check_table(const u64 *table, unsigned level, u64 start)
{
	u64 span = 1ull << PT_INDEX_BITS * (level - 1);
	u32 used = 0;

	tables++;
	for (u32 i = 0; i < ENTRIES; i++) {
		u64 entry = table[i];
		bool present = entry & pt.format->present;

		used += present;
		if (!present || level == 1 || entry & pt.format->large) {
			MUST(present || !entry);
			MUST(level > 1 || !(entry & pt.format->large));
			MUST(!present ||
			     is_aligned((entry & pt.format->address) / PAGE_SIZE, span));
			leaves += present && level > 1;
			check_span(start + i * span, span, entry);
			continue;
		}
		MUST((entry & ~pt.format->address) == pt.format->table);
		check_table(pool_page(&pool, hpa(entry & pt.format->address)), level - 1,
			    start + i * span);
	}
	MUST(used || level == LEVELS);
}

static void check(void)
{
	for (unsigned i = 0; i < 2 * step_count; i++) {
		u64 end = steps[i / 2].start + (i % 2 ? steps[i / 2].done : 0);

		check_lookup(end);
		check_lookup(end ? end - 1 : end);
	}
	tables = leaves = 0;
	check_table(pool_page(&pool, pt.root), LEVELS, 0);
	MUST(pt.tables == tables);
	MUST(pool.free_pages + pt.tables + retired.count == pages);
	if (leaves)
		REACHED(0);
}

static bool is_free(const struct step *step)
{
	u32 prot;

	for (unsigned i = 0; i <= 2 * step_count; i++) {
		u64 page = i ? steps[(i - 1) / 2].start + (i % 2 ? 0 : steps[(i - 1) / 2].done)
			     : step->start;

		if (page - step->start < step->size && model(page, &prot) != NOWHERE)
			return false;
	}
	return true;
}

static void do_map(struct step *step)
{
	enum status status = pt_map(&pt, step->start * PAGE_SIZE, hpa(step->target * PAGE_SIZE),
				    step->size * PAGE_SIZE, step->prot, &retired);

	MUST((status == ERR_EXISTS) == !is_free(step));
	MUST(status == OK || status == ERR_EXISTS || status == ERR_NO_MEMORY);
	step->done = status == OK ? step->size : 0;
	REACHED(status == OK ? 1 : status == ERR_EXISTS ? 2 : 3);
}

/* A leaf that could not be split is all or partly in the range: up to it, nothing is left. */
static u64 pages_unmapped(const struct step *step)
{
	struct pt_leaf leaf;
	u64 page = step->start;

	while (page < step->start + step->size && !pt_lookup(&pt, page * PAGE_SIZE, &leaf))
		page = page % ENTRIES && page + 1 < step->start + step->size ? page + 1
									     : page + ENTRIES;
	return min_u64(page - step->start, step->size);
}

static void do_unmap(struct step *step)
{
	enum status status =
		pt_unmap(&pt, step->start * PAGE_SIZE, step->size * PAGE_SIZE, &retired);

	MUST(status == OK || status == ERR_NO_MEMORY);
	step->done = status == OK ? step->size : pages_unmapped(step);
	REACHED(status == OK ? 4 : 5);
	if (step->done && step->done < step->size)
		REACHED(6);
}

/* The first step is a mapping. A target that allows no large leaf would take a range of 1 GiB 512 tables. */
static void choose_step(bool few)
{
	struct step step = {
		.start = starts[proof_choose(few ? FEW : ARRAY_SIZE(starts))],
		.size = sizes[proof_choose(few ? FEW : ARRAY_SIZE(sizes))],
	};
	u32 what = proof_choose(step_count ? 3 : 2);

	step.unmap = what == 2;
	step.target = TARGET + step.start + (what ? step.size > ENTRIES ? ENTRIES : 1 : 0);
	step.prot = what ? PT_READ : PT_READ | PT_WRITE;
	if (step.unmap)
		do_unmap(&step);
	else
		do_map(&step);
	steps[step_count++] = step;
}

void proof(void)
{
#ifdef PROOF_CBMC
	unsigned length = STEPS;
#else
	unsigned length = 1 + proof_choose(STEPS);
#endif
	u32 scarcity = length < STEPS ? proof_choose(SCARCE) : 0;

	pages = scarcity ? 1 + scarcity : MOST_PAGES;
	pool_init(&pool, POOL_MEMORY, hpa(POOL_HPA), (pages + 1) * PAGE_SIZE);
	retired = (struct pool_chain){0};
	step_count = 0;
	MUST(pt_init(&pt, &formats[length < STEPS ? proof_choose(FORMATS) : 0], &pool, LEVELS,
		     PT_4K | PT_2M | PT_1G, false) == OK);
	while (step_count < length)
		choose_step(length == STEPS);
	check();
	pt_free_retired(&pool, &retired, (struct pt_flushed){true});
	MUST(pool.free_pages + pt.tables == pages);
	pt_destroy(&pt, &retired);
	pt_free_retired(&pool, &retired, (struct pt_flushed){true});
	MUST(pool.free_pages == pages);
	if (length == STEPS)
		REACHED(7);
}
