#include "arch/x86/paging.h"

#include "arch/x86/cpu.h"
#include "arch/x86/mmio.h"
#include "hv/base/lock.h"
#include "hv/base/panic.h"

/* Intel SDM volume 3A, tables 4-15 to 4-20. */
#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_PWT	     BIT(3)
#define PTE_PCD	     BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_LARGE    BIT(7)
#define PTE_NX	     BIT(63)
#define PTE_ADDRESS  BITS(51, 12)

static const struct pt_format host_format = {
	.name = "host",
	.present = PTE_PRESENT,
	.address = PTE_ADDRESS,
	.large = PTE_LARGE,
	.table = PTE_PRESENT | PTE_WRITE | PTE_ACCESSED,
	.leaf = PTE_ACCESSED | PTE_DIRTY,
	.read = PTE_PRESENT,
	.write = PTE_WRITE,
	.no_exec = PTE_NX,
	.uncached = PTE_PCD | PTE_PWT,
};

/* Identity-mapped addresses end here; the windows are above. */
#define IDENTITY_LIMIT (1ull << 46)
#define WINDOW_BASE    (1ull << 46)
#define WINDOW_STRIDE  MIB(2) /* one page table a CPU */

extern u8 image_start[], text_end[], rodata_end[], image_end[], boot_stack_guard[];

static struct pt tables;
static struct lock lock;

static u64 address_of(const u8 *symbol)
{
	return (u64)(uintptr_t)symbol;
}

/* Mappings that are never taken away leave nothing retired, but for the pages of a failed one. */
static enum status map(u64 address, u64 size, u32 prot)
{
	struct pool_chain retired = {0};
	enum status status = pt_map(&tables, address, hpa(address), size, prot, &retired);

	INVARIANT(!retired.count || status != OK);
	return status;
}

static enum status map_symbols(const u8 *from, const u8 *to, u32 prot)
{
	return map(address_of(from), address_of(to) - address_of(from), prot);
}

static enum status unmap_page(u64 address)
{
	struct pool_chain retired = {0};
	enum status status = pt_unmap(&tables, address, PAGE_SIZE, &retired);

	if (status == OK)
		page_invalidate((void *)(uintptr_t)address);
	/* A table page that a neighbour's removal emptied is left out of use: this happens at set-up only. */
	return status;
}

static u8 leaf_sizes(void)
{
	bool has_1g = cpuid(0x80000001, 0).edx & BIT(26);

	return PT_4K | PT_2M | (has_1g ? PT_1G : 0);
}

static enum status map_everything(const struct pool *pool)
{
	enum status status = map_symbols(image_start, text_end, PT_READ | PT_EXEC);

	if (status == OK)
		status = map_symbols(text_end, rodata_end, PT_READ);
	if (status == OK)
		status = map_symbols(rodata_end, image_end, PT_READ | PT_WRITE);
	if (status == OK)
		status = unmap_page(address_of(boot_stack_guard));
	if (status == OK) {
		/* The pool's own bookkeeping lies before its first page. */
		u64 start = (u64)(uintptr_t)pool->next;
		u64 end = pool->base_hpa.v + pool->pages * PAGE_SIZE;

		status = map(start, end - start, PT_READ | PT_WRITE);
	}
	return status;
}

enum status paging_start(struct pool *pool)
{
	enum status status = pt_init(&tables, &host_format, pool, 4, leaf_sizes(), false);

	if (status == OK)
		status = map_everything(pool);
	if (status == OK)
		cr3_write(tables.root.v);
	return status;
}

hpa_t paging_root(void)
{
	return tables.root;
}

bool paging_readable(u64 address, u64 size)
{
	struct pt_leaf leaf;

	if (!tables.root.v || !range_within(address, size, 0, IDENTITY_LIMIT))
		return false;
	return pt_lookup(&tables, address, &leaf) && pt_lookup(&tables, address + size - 1, &leaf);
}

/* Page by page, since neighbours may be mapped already: with the same rights, or it is refused. */
static enum status map_shared(hpa_t address, u64 size, u32 prot, u64 wanted, u64 forbidden)
{
	enum status status = OK;

	if (!size || !range_within(address.v, size, PAGE_SIZE, IDENTITY_LIMIT - PAGE_SIZE))
		return ERR_INVALID;
	u64 start = align_down(address.v, PAGE_SIZE);
	u64 end = align_up(address.v + size, PAGE_SIZE);

	lock_take(&lock);
	status = map(start, end - start, prot);
	if (status == ERR_EXISTS) {
		status = OK;
		for (u64 at = start; at < end && status == OK; at += PAGE_SIZE) {
			struct pt_leaf leaf;

			if (!pt_lookup(&tables, at, &leaf))
				status = map(at, PAGE_SIZE, prot);
			else if ((leaf.bits & wanted) != wanted || leaf.bits & forbidden)
				status = ERR_INVALID;
		}
	}
	lock_release(&lock);
	return status;
}

enum status mmio_map(hpa_t address, u64 size, struct mmio *mmio)
{
	enum status status =
		map_shared(address, size, PT_READ | PT_WRITE | PT_UNCACHED, PTE_WRITE | PTE_PCD, 0);

	*mmio = (struct mmio){status == OK ? (u8 *)(uintptr_t)address.v : NULL, size};
	return status;
}

struct bytes paging_map_firmware(hpa_t address, u64 size)
{
	if (map_shared(address, size, PT_READ, PTE_PRESENT, PTE_WRITE | PTE_PCD) != OK)
		return (struct bytes){NULL, 0};
	return (struct bytes){(const u8 *)(uintptr_t)address.v, size};
}

u8 *paging_stack(u64 size)
{
	u8 *guard = pool_take_run(tables.pool, (u32)(size / PAGE_SIZE) + 1);

	if (!guard)
		return NULL;
	lock_take(&lock);
	enum status status = unmap_page(address_of(guard));

	lock_release(&lock);
	return status == OK ? guard + PAGE_SIZE + size : NULL;
}

enum status paging_map_code(hpa_t address)
{
	lock_take(&lock);
	enum status status = map(address.v, PAGE_SIZE, PT_READ | PT_EXEC);

	lock_release(&lock);
	return status;
}

enum status paging_unmap_code(hpa_t address)
{
	lock_take(&lock);
	enum status status = unmap_page(address.v);

	lock_release(&lock);
	return status;
}

/* The page table of a CPU's windows is made by mapping and unmapping a page in it. */
enum status paging_cpu_init(struct percpu *cpu)
{
	u64 base = WINDOW_BASE + cpu->index * WINDOW_STRIDE;
	struct pool_chain retired = {0};

	lock_take(&lock);
	/* Any page will do: the entry is rewritten by the first paging_window(). */
	enum status status = pt_map(&tables, base, tables.root, PAGE_SIZE, PT_READ, &retired);

	if (status == OK) {
		cpu->window_entry = pt_entry(&tables, base);
		cpu->window_base = (u8 *)(uintptr_t)base;
		*cpu->window_entry = 0;
	}
	lock_release(&lock);
	return status;
}

void *paging_window(u32 index, hpa_t address)
{
	struct percpu *cpu = percpu();
	u8 *at = cpu->window_base + index * PAGE_SIZE;
	u64 entry = (address.v & PTE_ADDRESS) | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY |
		    PTE_NX;

	INVARIANT(index < PERCPU_WINDOWS);
	cpu->window_entry[index] = entry;
	page_invalidate(at);
	return at + (address.v & PAGE_MASK);
}

void paging_window_end(u32 index)
{
	struct percpu *cpu = percpu();

	INVARIANT(index < PERCPU_WINDOWS);
	cpu->window_entry[index] = 0;
	page_invalidate(cpu->window_base + index * PAGE_SIZE);
}
