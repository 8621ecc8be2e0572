// sources: hv/base/pt.c hv/base/pool.c
/*
 * The page-table engine against a model: long random sequences of mapping and unmapping, with and without
 * enough memory, and a walker that sees only what was flushed. SLUICE_SEED=N repeats a run.
 */
#include "tests/host/harness.h"

#include <sys/time.h>

#include "hv/base/cache.h"
#include "tests/host/pt_desk.h"

/* Addresses under test: 4 GiB around the border between two entries of a level 4 table. */
#define WINDOW_START (GIB(512) - GIB(2))
#define WINDOW_PAGES (GIB(4) / PAGE_SIZE)

/* Per page of the window: where it is mapped to, with the rights in the low bits; 0 if it is not. */
static u64 model[WINDOW_PAGES];
static u64 seed;

/* xorshift64*: good enough, and the same everywhere. */
static u64 random_u64(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1d;
}

static u64 random_below(u64 limit)
{
	return (random_u64() >> 16) % limit;
}

static void start_seed(void)
{
	const char *given = getenv("SLUICE_SEED");
	struct timeval now;

	gettimeofday(&now, NULL);
	seed = given ? strtoull(given, NULL, 0) : (u64)now.tv_sec * 1000000 + (u64)now.tv_usec;
	seed |= 1;
	print_message("# SLUICE_SEED=%llu\n", (unsigned long long)seed);
}

/* A size in pages, small and large ones alike likely, often a power of two. */
static u64 random_pages(void)
{
	u64 pages = 1ull << random_below(20);

	return random_below(2) ? pages : 1 + random_below(pages);
}

static u64 random_aligned(u64 pages_limit)
{
	static const u64 alignments[] = {1, 1, 512, 512, 512 * 512};

	return align_down(random_below(pages_limit), alignments[random_below(5)]);
}

static u64 random_prot(void)
{
	static const u64 prots[] = {PT_READ, PT_READ | PT_WRITE, PT_READ | PT_EXEC};

	return prots[random_below(ARRAY_SIZE(prots))];
}

/* What the engine says of a page, in the model's terms. */
static u64 looked_up(u64 page, u64 *pages_left)
{
	u64 address = WINDOW_START + page * PAGE_SIZE;
	struct pt_leaf leaf;

	*pages_left = 1;
	if (!pt_lookup(&pt, address, &leaf))
		return 0;
	*pages_left = (leaf.size - (address & (leaf.size - 1))) / PAGE_SIZE;
	return leaf.address.v | (leaf.bits & 7);
}

/* Every page of [first, first + count) is as the model has it. */
static void compare(u64 first, u64 count)
{
	for (u64 page = first; page < first + count;) {
		u64 pages;
		u64 found = looked_up(page, &pages);

		for (; pages && page < first + count; pages--, page++, found += PAGE_SIZE)
			if (found != model[page])
				fail_msg("page %#llx is %#llx, not %#llx", (unsigned long long)page,
					 (unsigned long long)found,
					 (unsigned long long)model[page]);
	}
}

static bool model_is_empty(u64 first, u64 count)
{
	for (u64 page = first; page < first + count; page++)
		if (model[page])
			return false;
	return true;
}

static void do_map(u64 first, u64 count)
{
	u64 to = (1 + random_aligned(GIB(16) / PAGE_SIZE)) * PAGE_SIZE;
	u64 prot = random_prot();
	bool free = model_is_empty(first, count);
	enum status status;

	if (random_below(2)) /* large leaves need both sides aligned alike */
		to = align_up(to, GIB(1)) + (WINDOW_START + first * PAGE_SIZE) % GIB(1);
	status = pt_map(&pt, WINDOW_START + first * PAGE_SIZE, hpa(to), count * PAGE_SIZE,
			(u32)prot, &retired);
	if (!free) {
		assert_int_equal(status, ERR_EXISTS);
		return;
	}
	assert_true(status == OK || status == ERR_NO_MEMORY);
	for (u64 i = 0; status == OK && i < count; i++)
		model[first + i] = (to + i * PAGE_SIZE) | prot;
}

static void do_unmap(u64 first, u64 count)
{
	enum status status =
		pt_unmap(&pt, WINDOW_START + first * PAGE_SIZE, count * PAGE_SIZE, &retired);
	u64 left;
	u64 done = 0;

	assert_true(status == OK || status == ERR_NO_MEMORY);
	/* Without memory for a split, all before the leaf that is cut is unmapped, and no more. */
	while (done < count && (status == OK || !looked_up(first + done, &left)))
		model[first + done++] = 0;
	if (status != OK)
		assert_true(done < count);
}

static void random_operation(void)
{
	u64 count = random_pages();
	u64 first = random_aligned(WINDOW_PAGES);

	if (count > WINDOW_PAGES - first)
		count = WINDOW_PAGES - first;
	if (random_below(5) < 3)
		do_map(first, count);
	else
		do_unmap(first, count);
	for (unsigned i = 0; i < 16; i++)
		compare(random_below(WINDOW_PAGES), 1);
	compare(first, min_u64(count, 2048));
	compare(first ? first - 1 : 0, 1);
	if (random_below(4) == 0)
		desk_free_retired();
}

/* A sequence of operations in a pool of usable pages, then everything away again. */
static void random_sequence(u32 usable, unsigned operations, u8 leaf_sizes, bool incoherent)
{
	memset(model, 0, sizeof(model));
	desk_begin(usable, &rights_format, 4, leaf_sizes, incoherent);
	for (unsigned i = 0; i < operations; i++) {
		random_operation();
		desk_walk();
		desk_account(usable);
	}
	compare(0, WINDOW_PAGES);
	pt_destroy(&pt, &retired);
	desk_free_retired();
	assert_int_equal(desk_pool.free_pages, usable);
}

static void test_random_with_memory(void **state)
{
	(void)state;
	start_seed();
	for (unsigned round = 0; round < 3; round++)
		random_sequence(DESK_PAGES - 2, 120, PT_4K | PT_2M | PT_1G, false);
}

static void test_random_without_1g(void **state)
{
	(void)state;
	start_seed();
	random_sequence(DESK_PAGES - 2, 120, PT_4K | PT_2M, false);
}

static void test_random_with_little_memory(void **state)
{
	(void)state;
	start_seed();
	for (u32 usable = 1; usable < 24; usable++)
		random_sequence(usable, 40, PT_4K | PT_2M | PT_1G, false);
}

/* --- A walker that does not snoop the caches ------------------------------------------------------- */

static _Alignas(4096) u8 flushed[sizeof(desk_memory)]; /* memory as that walker sees it */
static unsigned flushes;

/* What is linked must be in memory already when the link gets there. */
static void check_link(const u64 *entry)
{
	u64 target = *entry & pt.format->address;

	if ((*entry & ~pt.format->address) != pt.format->table ||
	    !range_within(target, PAGE_SIZE, desk_pool.base_hpa.v, desk_pool.pages * PAGE_SIZE))
		return;

	const u8 *table = pool_page(&desk_pool, hpa(target));

	assert_memory_equal(flushed + (table - desk_memory), table, PAGE_SIZE);
}

void cache_flush(const void *start, size_t size)
{
	size_t first = align_down((size_t)((const u8 *)start - desk_memory), 64);
	size_t end = align_up((size_t)((const u8 *)start - desk_memory) + size, 64);

	assert_true(size > 0 && end <= sizeof(desk_memory));
	flushes++;
	if (size == sizeof(u64))
		check_link(start);
	memcpy(flushed + first, desk_memory + first, end - first);
}

/* The walker sees each table that it can reach as it is. */
static void compare_flushed(void)
{
	u64 page[3] = {pt.root.v};
	const u64 *tables[3];

	tables[0] = pool_page(&desk_pool, hpa(page[0]));
	assert_memory_equal(flushed + ((const u8 *)tables[0] - desk_memory), tables[0], PAGE_SIZE);
	for (unsigned i = 0; i < 512; i++) {
		u64 entry = tables[0][i];

		if (!entry || entry & pt.format->large)
			continue;
		tables[1] = pool_page(&desk_pool, hpa(entry & pt.format->address));
		assert_memory_equal(flushed + ((const u8 *)tables[1] - desk_memory), tables[1],
				    PAGE_SIZE);
		for (unsigned j = 0; j < 512; j++) {
			entry = tables[1][j];
			if (!entry || entry & pt.format->large)
				continue;
			tables[2] = pool_page(&desk_pool, hpa(entry & pt.format->address));
			assert_memory_equal(flushed + ((const u8 *)tables[2] - desk_memory),
					    tables[2], PAGE_SIZE);
		}
	}
}

static void test_every_change_is_flushed(void **state)
{
	(void)state;
	start_seed();
	memset(flushed, 0x99, sizeof(flushed));
	desk_begin(DESK_PAGES - 2, &rights_format, 3, PT_4K | PT_2M | PT_1G, true);
	compare_flushed();
	for (unsigned i = 0; i < 200; i++) {
		u64 address = random_aligned(GIB(4) / PAGE_SIZE) * PAGE_SIZE;
		u64 size = random_pages() * PAGE_SIZE;

		if (random_below(2))
			(void)!pt_map(&pt, address, hpa(address), size, PT_READ, &retired);
		else
			(void)!pt_unmap(&pt, address, size, &retired);
		compare_flushed();
	}
	assert_true(flushes > 0);
}

static void test_a_coherent_walker_needs_no_flush(void **state)
{
	(void)state;
	start_seed();
	flushes = 0;
	random_sequence(64, 20, PT_4K | PT_2M | PT_1G, false);
	assert_int_equal(flushes, 0);
}

static void test_random_incoherent(void **state)
{
	(void)state;
	start_seed();
	random_sequence(DESK_PAGES - 2, 60, PT_4K | PT_2M | PT_1G, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_with_memory),
		cmocka_unit_test(test_random_without_1g),
		cmocka_unit_test(test_random_with_little_memory),
		cmocka_unit_test(test_every_change_is_flushed),
		cmocka_unit_test(test_a_coherent_walker_needs_no_flush),
		cmocka_unit_test(test_random_incoherent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
