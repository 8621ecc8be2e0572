// sources: hv/base/pool.c
// cbmc: --paths lifo
// cbmc-limits: PAGE_SHIFT=4 PAGE_SIZE=16ull
/*
 * The page pool: for each sequence of STEPS takings of a page or a run, givings back and chainings, of a pool of
 * a few pages:
 *   a page that is given out was free, and is zero; none is given out twice;
 *   nothing is given out only where nothing that fits is free;
 *   the number of free pages is that of the pages that nobody has;
 *   a page is not touched as it is chained or given back: hardware may still walk it.
 */
#include "hv/base/pool.h"
#include "tests/proof/proof.h"

#ifdef PROOF_CBMC
#define PAGES	 3u
#define STEPS	 4u
#define MOST_RUN 2u
#else
#define PAGES	 4u
#define STEPS	 6u
#define MOST_RUN 3u
#endif
#define DIRT	  0x5a
#define POOL_HPA  0x40000000ull
#define FIRST_HPA (POOL_HPA + PAGE_SIZE) /* behind its bookkeeping */

PROOF_POINTS(5);

enum owner { FREE, HELD, CHAINED };

static _Alignas(4096) u8 memory[(PAGES + 1) * PAGE_SIZE];
static struct pool pool;
static struct pool_chain chain;
static u8 owner[PAGES];

static u8 *page_at(u32 index)
{
	return pool_page(&pool, hpa(FIRST_HPA + index * PAGE_SIZE));
}

/* The first of so many free pages in a row, or PAGES. */
static u32 free_run(u32 count)
{
	u32 length = 0;

	for (u32 i = 0; i < PAGES; i++) {
		length = owner[i] == FREE ? length + 1 : 0;
		if (length == count)
			return i + 1 - count;
	}
	return PAGES;
}

static bool holds(const u8 *page, u8 value)
{
	return page[0] == value && memcmp(page, page + 1, PAGE_SIZE - 1) == 0;
}

static void check_taken(u8 *taken, u32 count)
{
	MUST((taken != NULL) == (free_run(count) < PAGES));
	if (!taken) {
		REACHED(count == 1 ? 0 : 1);
		return;
	}

	u32 first = (u32)((pool_hpa(&pool, taken).v - FIRST_HPA) / PAGE_SIZE);

	MUST(pool_page(&pool, pool_hpa(&pool, taken)) == taken);
	for (u32 i = first; i < first + count; i++) {
		MUST(i < PAGES && owner[i] == FREE && holds(page_at(i), 0));
		owner[i] = HELD;
		memset(page_at(i), DIRT, PAGE_SIZE);
	}
	if (count == MOST_RUN)
		REACHED(2);
}

/* False if there is nothing of the kind to be done. */
static bool step(u32 what)
{
	if (what == 0) {
		check_taken(pool_take(&pool), 1);
	} else if (what <= MOST_RUN) {
		check_taken(pool_take_run(&pool, what), what);
	} else if (what == MOST_RUN + 1) {
		if (!chain.count)
			return false;
		REACHED(3);
		pool_chain_give(&pool, &chain);
		for (u32 i = 0; i < PAGES; i++)
			owner[i] = owner[i] == CHAINED ? FREE : owner[i];
	} else {
		u32 index = (what - MOST_RUN - 2) / 2;
		bool chained = (what - MOST_RUN) % 2;

		if (owner[index] != HELD)
			return false;
		if (chained)
			pool_chain_add(&pool, &chain, page_at(index));
		else
			pool_give(&pool, page_at(index));
		owner[index] = chained ? CHAINED : FREE;
		MUST(holds(page_at(index), DIRT));
	}
	return true;
}

void proof(void)
{
	chain = (struct pool_chain){0};
	memset(owner, FREE, sizeof(owner));
	pool_init(&pool, memory, hpa(POOL_HPA), sizeof(memory));
	for (u32 i = 0; i < STEPS; i++) {
		u32 counts[3] = {0};

		if (!step(proof_choose(MOST_RUN + 2 + 2 * PAGES)))
			return;
		for (u32 page = 0; page < PAGES; page++)
			counts[owner[page]]++;
		MUST(pool.free_pages == counts[FREE] && chain.count == counts[CHAINED]);
	}
	if (chain.count == PAGES)
		REACHED(4);
}
