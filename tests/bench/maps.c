/* What the page-table engine costs: the hypervisor's own code over a pool of its own, no walker behind it. */
#include "guest/cpu.h"
#include "guest/dma.h"
#include "guest/exit.h"
#include "hv/base/format.h"
#include "hv/base/panic.h"
#include "hv/base/pt.h"
#include "tests/bench/bench.h"

#define POOL_SIZE KIB(320)
#define LEVELS	  4
#define RIGHTS	  (PT_READ | PT_WRITE | PT_EXEC)
#define FIRST	  GIB(4) /* where it is mapped, both addresses aligned for the largest leaves */
#define HOLE	  GIB(1) /* from 3 to 4 GiB, as in a VM */

/* As nested page tables have it (AMD APM volume 2, 15.25). */
static const struct pt_format format = {
	.name = "bench",
	.present = BIT(0),
	.address = BITS(51, 12),
	.large = BIT(7),
	.table = BIT(0) | BIT(1) | BIT(2),
	.leaf = BIT(2) | BIT(5) | BIT(6),
	.read = BIT(0),
	.write = BIT(1),
	.no_exec = BIT(63),
	.uncached = BIT(3) | BIT(4),
};

static u8 *memory;
static struct pool pool;
static struct pt pt;
static struct pool_chain retired;

_Noreturn void panic(const char *text, ...)
{
	fail(EXIT_MACHINE, "%s", text);
}

static void require(enum status status)
{
	if (status != OK)
		fail(EXIT_MACHINE, "page tables: status %u", status);
}

static void row(const char *what, const char *name, u64 value)
{
	char text[32];

	format_text(text, sizeof(text), "%s-%s", what, name);
	bench_row(text, value);
}

static void begin(u8 leaf_sizes)
{
	pool_init(&pool, memory, hpa((uintptr_t)memory), POOL_SIZE);
	require(pt_init(&pt, &format, &pool, LEVELS, leaf_sizes, false));
	/* A neighbour, so that the tables above are there, as in a VM that runs. */
	require(pt_map(&pt, 0, hpa(0), PAGE_SIZE, RIGHTS, &retired));
}

static u64 ticks_of_map(u64 address, u64 size)
{
	u64 start = cpu_tsc();

	require(pt_map(&pt, address, hpa(address), size, RIGHTS, &retired));
	return cpu_tsc() - start;
}

static u64 ticks_of_unmap(u64 address, u64 size)
{
	u64 start = cpu_tsc();

	require(pt_unmap(&pt, address, size, &retired));
	pt_free_retired(&pool, &retired, (struct pt_flushed){true});
	return cpu_tsc() - start;
}

static void one(const char *name, u64 size)
{
	begin(PT_4K | PT_2M | PT_1G);
	row("map", name, ticks_of_map(FIRST, size));
	row("unmap", name, ticks_of_unmap(FIRST, size));
}

/* A VM of 64 GiB: 3 GiB at 0 (but for the neighbour's place), the rest from 4 GiB on. */
static void whole(const char *name, u8 leaf_sizes)
{
	begin(leaf_sizes);
	require(pt_unmap(&pt, 0, PAGE_SIZE, &retired));
	pt_free_retired(&pool, &retired, (struct pt_flushed){true});
	row("map", name, ticks_of_map(0, GIB(4) - HOLE) + ticks_of_map(FIRST, GIB(60) + HOLE));
	row("tables", name, pt.tables);
	row("unmap", name,
	    ticks_of_unmap(0, GIB(4) - HOLE) + ticks_of_unmap(FIRST, GIB(60) + HOLE));
}

void bench_maps(const char *value)
{
	(void)value;
	memory = dma_alloc(POOL_SIZE, PAGE_SIZE);
	if (!memory)
		fail(EXIT_MACHINE, "no memory for page tables");
	one("4k", KIB(4));
	one("2m", MIB(2));
	one("1g", GIB(1));
	whole("64g", PT_4K | PT_2M | PT_1G);
	whole("64g-by-2m", PT_4K | PT_2M);
}
