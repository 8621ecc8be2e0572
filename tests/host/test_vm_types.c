// sources: hv/vm/vm.c hv/base/pt.c hv/base/pool.c
/* The CPU's memory types change within a region, and vm_map() follows. */
#include "tests/host/harness.h"

#include "arch/x86/paging.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define POOL_HPA   0x12345600000ull
#define POOL_PAGES 64u
#define HOST	   GIB(8)
#define RAM	   MIB(4)

struct services services;
static struct vm vm;
static struct pool pool;
static _Alignas(4096) u8 pool_memory[(POOL_PAGES + 1) * PAGE_SIZE];

static const struct pt_format format = {
	.name = "test",
	.present = 7,
	.address = BITS(51, 12),
	.large = BIT(7),
	.table = 7,
	.read = BIT(0),
	.write = BIT(1),
	.exec = BIT(2),
	.cached = 6 << 3,
};

static const struct vm_region ram_region = {
	.start = {0},
	.size = RAM,
	.host = {HOST},
	.prot = PT_READ | PT_WRITE | PT_EXEC,
	.dma = true,
};
static const struct vm_region registers = {
	.start = {0xd0000000},
	.size = 0x4000,
	.host = {0xe0000000},
	.prot = PT_READ | PT_WRITE | PT_UNCACHED,
};

/* At each change what was cached is not, and back; the first bytes are cached. */
static u64 change[2];

static u64 memory_run(hpa_t start, u64 size, bool *cached)
{
	*cached = true;
	for (u32 i = 0; i < ARRAY_SIZE(change); i++) {
		if (start.v < change[i])
			return min_u64(size, change[i] - start.v);
		*cached = !*cached;
	}
	return size;
}

struct pt_flushed signal_flush(struct vm *of)
{
	(void)of;
	return (struct pt_flushed){.done = true};
}

void signal_send(struct vm *of, u32 vcpu, u32 requests)
{
	fail_msg("%s: %u, %u", of->name, vcpu, requests);
}

static u32 domain_maps;

static enum status domain_map(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size,
			      u32 prot)
{
	assert_ptr_equal(domain, &vm.domain);
	assert_int_equal(address.v, 0);
	assert_int_equal(to.v, HOST);
	assert_int_equal(size, RAM);
	assert_int_equal(prot, PT_READ | PT_WRITE);
	domain_maps++;
	return OK;
}

static const struct vcpu_ops cpu_ops = {.memory_run = memory_run};
static const struct iommu_ops iommu_ops = {.map = domain_map};

void *paging_window(u32 index, hpa_t address)
{
	fail_msg("window %u, %llx", index, (unsigned long long)address.v);
	return NULL;
}

void paging_window_end(u32 index)
{
	(void)index;
}

static void begin(u32 pages)
{
	memset(&vm, 0, sizeof(vm));
	pool_init(&pool, pool_memory, hpa(POOL_HPA), (pages + 1) * PAGE_SIZE);
	assert_int_equal(pt_init(&vm.nested, &format, &pool, 4, PT_4K | PT_2M, false), OK);
	services = (struct services){.cpu = &cpu_ops, .iommu = &iommu_ops};
	change[0] = HOST + MIB(2) - PAGE_SIZE;
	change[1] = HOST + MIB(2) + PAGE_SIZE;
	domain_maps = 0;
}

static bool cpu_has(u64 address)
{
	struct pt_leaf leaf;

	return pt_lookup(&vm.nested, address, &leaf);
}

static void assert_leaf(u64 address, u64 to, u64 bits)
{
	struct pt_leaf leaf;

	assert_true(pt_lookup(&vm.nested, address, &leaf));
	assert_int_equal(leaf.address.v, to);
	assert_int_equal(leaf.bits & ~format.large, bits);
}

static void types_follow_the_memory(void **state)
{
	(void)state;
	begin(POOL_PAGES);
	vm.has_domain = true;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	for (u64 at = 0; at < RAM; at += PAGE_SIZE)
		assert_leaf(at, HOST + at,
			    HOST + at >= change[0] && HOST + at < change[1] ? 7 : 067);
	/* One region all the same, also to the devices, whose tables have no types. */
	assert_int_equal(vm.region_count, 1);
	assert_int_equal(domain_maps, 1);
}

static void all_of_them_are_unmapped(void **state)
{
	(void)state;
	begin(POOL_PAGES);
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM), OK);
	for (u64 at = 0; at < RAM; at += PAGE_SIZE)
		assert_false(cpu_has(at));
	assert_int_equal(pool.free_pages, POOL_PAGES - 1);
}

static void the_largest_leaves_that_fit_are_used(void **state)
{
	struct pt_leaf leaf;

	(void)state;
	begin(POOL_PAGES);
	change[0] = change[1] = ~0ull;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	assert_true(pt_lookup(&vm.nested, 0x5000, &leaf));
	assert_int_equal(leaf.size, MIB(2));
}

static void registers_are_never_cached(void **state)
{
	bool cached;

	(void)state;
	begin(POOL_PAGES);
	change[0] = change[1] = ~0ull;
	memory_run(registers.host, PAGE_SIZE, &cached);
	assert_true(cached);
	assert_int_equal(vm_map(&vm, &registers), OK);
	assert_leaf(registers.start.v, registers.host.v, 3);
}

/* What is in the way is met by the first run, the second, or the third. */
static void a_failure_undoes_the_runs_before(void **state)
{
	struct vm_region page = registers;

	(void)state;
	begin(POOL_PAGES);
	page.size = PAGE_SIZE;
	change[0] = HOST + MIB(1);
	change[1] = HOST + MIB(3);
	for (u64 at = 0; at < RAM; at += MIB(1)) {
		page.start = gpa(at);
		assert_int_equal(vm_map(&vm, &page), OK);
		u32 free_pages = pool.free_pages;

		assert_int_equal(vm_map(&vm, &ram_region), ERR_EXISTS);
		for (u64 other = 0; other < RAM; other += PAGE_SIZE)
			assert_int_equal(cpu_has(other), other == at);
		assert_int_equal(pool.free_pages, free_pages);
		assert_int_equal(vm.nested_retired.count, 0);
		assert_int_equal(vm.region_count, 1);
		assert_int_equal(vm_unmap(&vm, gpa(at), PAGE_SIZE), OK);
	}
}

/* With each number of free pages. */
static void nor_are_pages_lost(void **state)
{
	u32 failures = 0;

	(void)state;
	for (u32 pages = 1;; pages++, failures++) {
		begin(pages + 1);
		while (pool.free_pages > pages)
			(void)pool_take(&pool);
		enum status status = vm_map(&vm, &ram_region);

		if (status == OK)
			break;
		assert_int_equal(status, ERR_NO_MEMORY);
		assert_int_equal(pool.free_pages, pages);
		assert_int_equal(vm.region_count, 0);
		for (u64 at = 0; at < RAM; at += PAGE_SIZE)
			assert_false(cpu_has(at));
	}
	assert_int_equal(failures, 3); /* it needs four: for 512G, 1G, and two of 2M */
}

static void an_empty_region_is_refused(void **state)
{
	struct vm_region region = ram_region;

	(void)state;
	begin(POOL_PAGES);
	region.size = 0;
	assert_int_equal(vm_map(&vm, &region), ERR_INVALID);
	assert_int_equal(vm.region_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_follow_the_memory),
		cmocka_unit_test(all_of_them_are_unmapped),
		cmocka_unit_test(the_largest_leaves_that_fit_are_used),
		cmocka_unit_test(registers_are_never_cached),
		cmocka_unit_test(a_failure_undoes_the_runs_before),
		cmocka_unit_test(nor_are_pages_lost),
		cmocka_unit_test(an_empty_region_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
