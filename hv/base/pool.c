#include "hv/base/pool.h"

#include "hv/base/panic.h"
#include "hv/base/string.h"

/* A link: the high bit tells a page in use, the rest is the next page of the free list or chain. */
#define POOL_USED 0x80000000u
#define POOL_END  0x7fffffffu

static u32 index_of(const struct pool *pool, const void *page)
{
	u64 offset = (u64)((const u8 *)page - pool->base);

	INVARIANT(is_aligned(offset, PAGE_SIZE) && offset / PAGE_SIZE < pool->pages);
	return (u32)(offset / PAGE_SIZE);
}

void pool_init(struct pool *pool, void *memory, hpa_t base_hpa, u64 size)
{
	u32 total = (u32)(size / PAGE_SIZE);
	u32 kept = (u32)(align_up(total * sizeof(u32), PAGE_SIZE) / PAGE_SIZE);

	INVARIANT(total > kept && total < POOL_END && is_aligned((uintptr_t)memory, PAGE_SIZE));
	*pool = (struct pool){
		.base = (u8 *)memory + kept * PAGE_SIZE,
		.base_hpa = hpa(base_hpa.v + kept * PAGE_SIZE),
		.next = memory,
		.pages = total - kept,
		.free_pages = total - kept,
	};
	for (u32 i = 0; i < pool->pages; i++)
		pool->next[i] = i + 1 < pool->pages ? i + 1 : POOL_END;
}

void *pool_take(struct pool *pool)
{
	lock_take(&pool->lock);
	u32 index = pool->first_free;

	if (index != POOL_END) {
		pool->first_free = pool->next[index];
		pool->next[index] = POOL_USED;
		pool->free_pages--;
	}
	lock_release(&pool->lock);
	if (index == POOL_END)
		return NULL;
	return memset(pool->base + index * PAGE_SIZE, 0, PAGE_SIZE);
}

/* The first of count free pages in a row, or POOL_END. */
static u32 find_run(const struct pool *pool, u32 count)
{
	u32 length = 0;

	for (u32 i = 0; i < pool->pages; i++) {
		length = pool->next[i] & POOL_USED ? 0 : length + 1;
		if (length == count)
			return i + 1 - count;
	}
	return POOL_END;
}

static void unlink_run(struct pool *pool, u32 first, u32 count)
{
	u32 *link = &pool->first_free;

	while (*link != POOL_END) {
		u32 index = *link;

		if (index >= first && index - first < count) {
			*link = pool->next[index];
			pool->next[index] = POOL_USED;
			pool->free_pages--;
		} else {
			link = &pool->next[index];
		}
	}
}

void *pool_take_run(struct pool *pool, u32 count)
{
	INVARIANT(count > 0);
	lock_take(&pool->lock);
	u32 first = find_run(pool, count);

	if (first != POOL_END)
		unlink_run(pool, first, count);
	lock_release(&pool->lock);
	if (first == POOL_END)
		return NULL;
	return memset(pool->base + first * PAGE_SIZE, 0, count * PAGE_SIZE);
}

void pool_give(struct pool *pool, void *page)
{
	u32 index = index_of(pool, page);

	lock_take(&pool->lock);
	INVARIANT(pool->next[index] & POOL_USED);
	pool->next[index] = pool->first_free;
	pool->first_free = index;
	pool->free_pages++;
	lock_release(&pool->lock);
}

void pool_give_run(struct pool *pool, void *first, u32 count)
{
	for (u32 i = 0; i < count; i++)
		pool_give(pool, (u8 *)first + i * PAGE_SIZE);
}

void pool_chain_add(struct pool *pool, struct pool_chain *chain, const void *page)
{
	u32 index = index_of(pool, page);

	pool->next[index] = POOL_USED | chain->first;
	chain->first = index + 1;
	chain->count++;
}

void pool_chain_give(struct pool *pool, struct pool_chain *chain)
{
	while (chain->first) {
		u32 index = chain->first - 1;

		chain->first = pool->next[index] & ~POOL_USED;
		pool_give(pool, pool->base + index * PAGE_SIZE);
	}
	chain->count = 0;
}

hpa_t pool_hpa(const struct pool *pool, const void *page)
{
	u64 offset = (u64)((const u8 *)page - pool->base);

	INVARIANT(offset < pool->pages * PAGE_SIZE);
	return hpa(pool->base_hpa.v + offset);
}

void *pool_page(const struct pool *pool, hpa_t address)
{
	u64 offset = address.v - pool->base_hpa.v;

	INVARIANT(offset < pool->pages * PAGE_SIZE);
	return pool->base + offset;
}
