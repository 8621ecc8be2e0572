/*
 * The page pool: the only dynamic memory of the hypervisor. One contiguous range, given once.
 *
 * A page that hardware may still walk must not be touched, not even by a free list's links, so the
 * links live beside the pages.
 */
#ifndef HV_BASE_POOL_H
#define HV_BASE_POOL_H

#include "hv/base/bits.h"
#include "hv/base/lock.h"
#include "hv/base/status.h"

struct pool {
	u8 *base;	/* where the first page is mapped */
	hpa_t base_hpa; /* and where it is */
	u32 *next;	/* per page: its link, and whether it is in use */
	u32 pages;
	u32 first_free;
	u32 free_pages;
	struct lock lock;
};

/*
 * Hands [memory, memory + size), which is at physical address base_hpa, to the pool; all page
 * aligned. The pool takes its own bookkeeping (4 bytes a page) from the start of it.
 */
void pool_init(struct pool *pool, void *memory, hpa_t base_hpa, u64 size);

/* One zeroed page, or NULL when there is none. */
void *pool_take(struct pool *pool);

/* count zeroed pages in a row, or NULL. For tables of more than a page, made at set-up: slow. */
void *pool_take_run(struct pool *pool, u32 count);

/* Gives a page back. No hardware may be able to reach it any more. */
void pool_give(struct pool *pool, void *page);

void pool_give_run(struct pool *pool, void *first, u32 count);

/*
 * Pages still in use that wait to be given back together, chained beside the pages. All zero: empty.
 */
struct pool_chain {
	u32 first; /* page index + 1, 0 for none */
	u32 count;
};

void pool_chain_add(struct pool *pool, struct pool_chain *chain, const void *page);
void pool_chain_give(struct pool *pool, struct pool_chain *chain);

/* Between where a pool page is mapped and where it is. The argument must be in the pool. */
hpa_t pool_hpa(const struct pool *pool, const void *page);
void *pool_page(const struct pool *pool, hpa_t address);

#endif
