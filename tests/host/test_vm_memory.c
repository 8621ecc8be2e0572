// sources: hv/vm/vm.c hv/base/pt.c hv/base/pool.c
#include "tests/host/harness.h"

#include "arch/x86/paging.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define POOL_HPA   0x12345600000ull
#define POOL_PAGES 64u
#define HOST	   GIB(8) /* where the VM's RAM is */
#define RAM	   MIB(4)

struct services services;
static struct vm vm;
static struct pool pool;
static _Alignas(4096) u8 pool_memory[(POOL_PAGES + 1) * PAGE_SIZE];
static u8 ram[RAM];

/* As nested tables of SVM are. */
static const struct pt_format format = {
	.name = "test",
	.present = BIT(0),
	.address = BITS(51, 12),
	.large = BIT(7),
	.table = 7,
	.leaf = 4,
	.read = BIT(0),
	.write = BIT(1),
	.no_exec = BIT(63),
	.uncached = BIT(4),
};

/* --- The IOMMU's side: ranges that are mapped --- */

static struct mapping {
	u64 start, size, to;
	u32 prot;
} mapping[VM_MAX_REGIONS + 1];
static u32 mapping_count, unmaps, flushes;
static enum status map_answer, unmap_answer;
static bool window_open;

static enum status domain_map(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size,
			      u32 prot)
{
	assert_ptr_equal(domain, &vm.domain);
	if (map_answer == OK)
		mapping[mapping_count++] = (struct mapping){address.v, size, to.v, prot};
	return map_answer;
}

static enum status domain_unmap(struct iommu_domain *domain, iova_t address, u64 size)
{
	assert_ptr_equal(domain, &vm.domain);
	unmaps++;
	if (unmap_answer != OK)
		return unmap_answer;
	for (u32 i = 0; i < mapping_count; i++)
		if (mapping[i].start == address.v && mapping[i].size == size) {
			mapping[i] = mapping[--mapping_count];
			return OK;
		}
	return ERR_NOT_FOUND;
}

static bool unreachable; /* a vCPU does not come out of the guest */
static u32 ended[VM_MAX_CPUS];

struct pt_flushed signal_flush(struct vm *of)
{
	assert_ptr_equal(of, &vm);
	flushes++;
	return (struct pt_flushed){.done = !unreachable};
}

void signal_send(struct vm *of, u32 vcpu, u32 requests)
{
	assert_ptr_equal(of, &vm);
	assert_int_equal(requests, SIGNAL_END);
	assert_true(vm_has_ended(&vm)); /* what they look at when they come */
	ended[vcpu]++;
}

static u64 memory_run(hpa_t start, u64 size, bool *cached)
{
	(void)start;
	*cached = true;
	return size;
}

static const struct iommu_ops iommu_ops = {.map = domain_map, .unmap = domain_unmap};
static const struct vcpu_ops cpu_ops = {.memory_run = memory_run};

void *paging_window(u32 index, hpa_t address)
{
	assert_int_equal(index, 0);
	assert_true(range_within(address.v, 1, HOST, RAM));
	window_open = true;
	return ram + (address.v - HOST);
}

void paging_window_end(u32 index)
{
	assert_int_equal(index, 0);
	window_open = false;
}

static int begin(u32 pages)
{
	memset(&vm, 0, sizeof(vm));
	memset(ram, 0, sizeof(ram));
	pool_init(&pool, pool_memory, hpa(POOL_HPA), (pages + 1) * PAGE_SIZE);
	assert_int_equal(pt_init(&vm.nested, &format, &pool, 4, PT_4K | PT_2M, false), OK);
	vm.vcpu_count = 1;
	vm.has_domain = true;
	services = (struct services){.cpu = &cpu_ops, .iommu = &iommu_ops};
	mapping_count = unmaps = flushes = 0;
	unreachable = false;
	memset(ended, 0, sizeof(ended));
	map_answer = unmap_answer = OK;
	window_open = false;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return begin(POOL_PAGES);
}

static const struct vm_region ram_region = {
	.start = {0},
	.size = RAM,
	.host = {HOST},
	.prot = PT_READ | PT_WRITE | PT_EXEC,
	.ram = true,
	.dma = true,
};
static const struct vm_region registers = {
	.start = {0xd0000000},
	.size = 0x4000,
	.host = {0xe0000000},
	.prot = PT_READ | PT_WRITE | PT_UNCACHED,
};

static bool cpu_maps(u64 address, u64 to)
{
	struct pt_leaf leaf;

	return pt_lookup(&vm.nested, address, &leaf) && leaf.address.v == to;
}

static bool cpu_has(u64 address)
{
	struct pt_leaf leaf;

	return pt_lookup(&vm.nested, address, &leaf);
}

/* RAM that devices don't reach is the CPU's all the same; registers are neither's to copy. */
static void test_ram_without_dma(void **state)
{
	struct vm_region region = ram_region;
	u32 word = 0x12345678;

	(void)state;
	region.dma = false;
	assert_int_equal(vm_map(&vm, &region), OK);
	assert_int_equal(vm_map(&vm, &registers), OK);
	assert_int_equal(mapping_count, 0);
	assert_true(cpu_maps(0, HOST));
	assert_true(vm_write(&vm, gpa(8), &word, sizeof(word)));
	assert_memory_equal(ram + 8, &word, sizeof(word));
	assert_false(vm_write(&vm, registers.start, &word, sizeof(word)));
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM), OK);
	assert_int_equal(unmaps, 0);
}

static void test_both_tables(void **state)
{
	(void)state;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	assert_int_equal(vm.region_count, 1);
	assert_true(cpu_maps(0, HOST) && cpu_maps(RAM - 1, HOST + RAM - 1) && !cpu_has(RAM));
	assert_int_equal(mapping_count, 1);
	assert_int_equal(mapping[0].to, HOST);
	assert_int_equal(mapping[0].size, RAM);
	assert_int_equal(mapping[0].prot, PT_READ | PT_WRITE); /* no execution there */
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM), OK);
	assert_int_equal(vm.region_count + mapping_count, 0);
	assert_false(cpu_has(0));
	assert_true(flushes > 0);
	/* Pages of tables went back: all but the root. */
	assert_int_equal(pool.free_pages, POOL_PAGES - 1);
	assert_int_equal(vm.nested_retired.count, 0);
}

/* Devices don't reach each other's registers. */
static void test_registers_are_not_for_dma(void **state)
{
	(void)state;
	assert_int_equal(vm_map(&vm, &registers), OK);
	assert_int_equal(mapping_count, 0);
	assert_true(cpu_maps(0xd0003fff, 0xe0003fff));
	assert_int_equal(vm_unmap(&vm, registers.start, registers.size), OK);
	assert_int_equal(unmaps, 0);
}

static void test_without_domain(void **state)
{
	(void)state;
	vm.has_domain = false;
	services.iommu = NULL;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	assert_true(cpu_has(0));
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM), OK);
	assert_false(cpu_has(0));
}

static void test_overlap(void **state)
{
	struct vm_region other = ram_region;

	(void)state;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	other.start = gpa(RAM - PAGE_SIZE);
	assert_int_equal(vm_map(&vm, &other), ERR_EXISTS);
	assert_int_equal(vm.region_count, 1);
	assert_int_equal(mapping_count, 1);
	assert_true(cpu_maps(RAM - 1, HOST + RAM - 1) && !cpu_has(RAM));
}

/* The IOMMU refuses: its CPU must not have it either. */
static void test_map_rolls_back(void **state)
{
	static const enum status answers[] = {ERR_NO_MEMORY, ERR_INVALID, ERR_TIMEOUT, ERR_EXISTS};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(answers); i++) {
		map_answer = answers[i];
		assert_int_equal(vm_map(&vm, &ram_region), answers[i]);
		assert_int_equal(vm.region_count, 0);
		assert_false(cpu_has(0));
		assert_int_equal(pool.free_pages, POOL_PAGES - 1);
	}
	map_answer = OK;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
}

/* The unit did not say that it is done: the memory stays the VM's, on both sides. */
static void test_unmap_fails(void **state)
{
	(void)state;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	unmap_answer = ERR_TIMEOUT;
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM), ERR_TIMEOUT);
	assert_int_equal(vm.region_count, 1);
	assert_true(cpu_maps(0, HOST));
}

/* A vCPU may still use what was mapped: nothing of it is used for anything else. */
static void test_vcpu_unreachable(void **state)
{
	u32 free_pages;

	(void)state;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	free_pages = pool.free_pages;
	unreachable = true;
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM), ERR_TIMEOUT);
	assert_int_equal(vm.region_count, 1);
	assert_int_equal(pool.free_pages, free_pages);
	assert_true(vm.nested_retired.count > 0);
}

static void test_end(void **state)
{
	(void)state;
	vm.vcpu_count = 3;
	vm_end(&vm, VM_EXITED, 7, NULL);
	vm_end(&vm, VM_CRASHED, 0, "too late");
	assert_int_equal(vm.end, VM_EXITED);
	assert_int_equal(vm.end_code, 7);
	for (u32 n = 0; n < VM_MAX_CPUS; n++)
		assert_int_equal(ended[n], n < 3);
}

/* With each number of free pages: all or nothing, and no page lost. */
static void test_no_pages(void **state)
{
	struct vm_region region = registers;
	u32 needed = 0;

	(void)state;
	region.start = gpa(0xd01ff000); /* over the border of two tables */
	for (u32 pages = 1; pages < 16; pages++) {
		(void)begin(pages + 1);
		while (pool.free_pages > pages)
			(void)pool_take(&pool);
		enum status status = vm_map(&vm, &region);

		if (status == OK) {
			needed = pages;
			break;
		}
		assert_int_equal(status, ERR_NO_MEMORY);
		assert_int_equal(vm.region_count, 0);
		assert_int_equal(vm.nested_retired.count, 0);
		assert_int_equal(pool.free_pages, pages);
		for (u64 at = 0; at < region.size; at += PAGE_SIZE)
			assert_false(cpu_has(region.start.v + at));
	}
	assert_int_equal(needed, 4);
}

static void test_as_it_was_given(void **state)
{
	(void)state;
	assert_int_equal(vm_map(&vm, &ram_region), OK);
	assert_int_equal(vm_unmap(&vm, gpa(0), RAM / 2), ERR_NOT_FOUND);
	assert_int_equal(vm_unmap(&vm, gpa(PAGE_SIZE), RAM - PAGE_SIZE), ERR_NOT_FOUND);
	assert_int_equal(vm_unmap(&vm, gpa(RAM), RAM), ERR_NOT_FOUND);
	assert_true(cpu_has(0));
	assert_int_equal(unmaps, 0);
}

static void test_too_many(void **state)
{
	struct vm_region page = registers;

	(void)state;
	page.size = PAGE_SIZE;
	for (u32 i = 0; i < VM_MAX_REGIONS; i++, page.start.v += PAGE_SIZE)
		assert_int_equal(vm_map(&vm, &page), OK);
	assert_int_equal(vm_map(&vm, &page), ERR_NO_MEMORY);
	assert_false(cpu_has(page.start.v));
	assert_int_equal(vm_unmap(&vm, registers.start, PAGE_SIZE), OK);
	assert_int_equal(vm_map(&vm, &page), OK);
}

/* --- Copies --- */

static void map_scattered(void)
{
	/* The upper half lies below the lower one. */
	struct vm_region half = ram_region;

	half.size = RAM / 2;
	half.host = hpa(HOST + RAM / 2);
	assert_int_equal(vm_map(&vm, &half), OK);
	half.start = gpa(RAM / 2);
	half.host = hpa(HOST);
	assert_int_equal(vm_map(&vm, &half), OK);
	assert_int_equal(vm_map(&vm, &registers), OK);
}

static void test_copies(void **state)
{
	u8 out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
	u64 at = RAM / 2 - PAGE_SIZE - 5;

	(void)state;
	map_scattered();
	for (u32 i = 0; i < sizeof(out); i++)
		out[i] = (u8)(i * 7 + i / 256);
	assert_true(vm_write(&vm, gpa(at), out, sizeof(out)));
	assert_false(window_open);
	assert_memory_equal(ram + RAM - PAGE_SIZE - 5, out, PAGE_SIZE + 5);
	assert_memory_equal(ram, out + PAGE_SIZE + 5, 2 * PAGE_SIZE - 5);
	assert_true(vm_read(&vm, gpa(at), in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	assert_true(vm_fill(&vm, gpa(at), 0xee, 10));
	assert_int_equal(ram[RAM - PAGE_SIZE - 5], 0xee);
	assert_int_equal(ram[RAM - PAGE_SIZE + 5], out[10]);
	assert_false(window_open);
}

static void test_copies_outside(void **state)
{
	u8 buffer[64];

	(void)state;
	map_scattered();
	assert_false(vm_read(&vm, gpa(RAM), buffer, 1));
	assert_false(vm_read(&vm, gpa(RAM - 1), buffer, 2));
	assert_false(vm_write(&vm, gpa(RAM - 63), buffer, 64));
	assert_false(vm_read(&vm, gpa(~0ull), buffer, 1));
	assert_false(vm_read(&vm, gpa(~0ull - 31), buffer, 64));
	assert_false(vm_read(&vm, registers.start, buffer, 4)); /* registers are no RAM */
	assert_true(vm_read(&vm, gpa(RAM), buffer, 0));
	assert_false(window_open);
}

/* --- The end --- */

static void test_first_end_counts(void **state)
{
	(void)state;
	assert_false(vm_has_ended(&vm));
	vm_end(&vm, VM_EXITED, 3, NULL);
	assert_true(vm_has_ended(&vm));
	vm_end(&vm, VM_CRASHED, 0, "later");
	assert_int_equal(vm.end, VM_EXITED);
	assert_int_equal(vm.end_code, 3);
	assert_null(vm.end_reason);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ram_without_dma),
		TEST(test_both_tables),
		TEST(test_registers_are_not_for_dma),
		TEST(test_without_domain),
		TEST(test_overlap),
		TEST(test_map_rolls_back),
		TEST(test_unmap_fails),
		TEST(test_vcpu_unreachable),
		TEST(test_end),
		TEST(test_no_pages),
		TEST(test_as_it_was_given),
		TEST(test_too_many),
		TEST(test_copies),
		TEST(test_copies_outside),
		TEST(test_first_end_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
