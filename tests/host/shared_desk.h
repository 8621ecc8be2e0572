/*
 * A VM, a fake VT-d unit for its one device, and the real vm_map(), driver and table formats between them:
 * for the tests of one table or two.
 */
#ifndef TESTS_HOST_SHARED_DESK_H
#define TESTS_HOST_SHARED_DESK_H

#include "arch/x86/mtrr.h"
#include "arch/x86/paging.h"
#include "arch/x86/vmx/ept.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"
#include "iommu/vtd/internal.h"
#include "iommu/vtd/vtd.h"
#include "tests/fake/vtd_world.h"
#include "tests/host/harness.h"

#define DEVICE	SBDF(0, 0, 3, 0)
#define USB	SBDF(0, 0, 0x1d, 0)
#define RMRR	0x8c000000ull
#define SNOOPS	(WORLD_ECAP | WORLD_ECAP_SC)
#define HOST	GIB(4)
#define ALL	(PT_4K | PT_2M | PT_1G)
#define RWX	(PT_READ | PT_WRITE | PT_EXEC)
#define CAP_2M	(1ull << 34)
#define CAP_1G	(1ull << 35)
#define CAP_4LV (1ull << 10)

struct services services;
static struct vm vm;
static struct vm_plan plan;
static struct fake_unit *unit;
static u32 cpu_flushes;

struct pt_flushed signal_flush(struct vm *of)
{
	assert_ptr_equal(of, &vm);
	cpu_flushes++;
	return (struct pt_flushed){.done = true};
}

void signal_send(struct vm *of, u32 vcpu, u32 requests)
{
	fail_msg("%s: %u, %u", of->name, vcpu, requests);
}

static u64 memory_run(hpa_t start, u64 size, bool *cached)
{
	*cached = start.v < HOST + MIB(5);
	return *cached ? min_u64(size, HOST + MIB(5) - start.v) : size;
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

/* --- A machine with a unit, and a VM without memory yet ------------------------------------------ */

static inline void machine(u64 cap, u64 ecap)
{
	world_reset();
	unit = world_add_unit(cap, ecap);
	world_add_rmrr(RMRR, RMRR + 0xfff);
	world_add_scope(1, 0, 0, (const u8[]){0x1d, 0, 0xff});
	world_add_function(0, 3, 0, PCI_NO_PARENT);
	world_add_function(0, 0x1d, 0, PCI_NO_PARENT);
	world_finish();
	assert_int_equal(vtd_ops.probe(&world, &world_pool), OK);
	assert_int_equal(vtd_ops.enable(&world_event, false), OK);
}

static inline void make_vm(const struct pt_format *format, u8 levels, u8 leaf_sizes)
{
	memset(&vm, 0, sizeof(vm));
	services = (struct services){.platform = &world, .cpu = &cpu_ops, .iommu = &vtd_ops};
	plan = (struct vm_plan){.device_count = 1, .device = {pci_find(&world.pci, DEVICE)}};
	vm.plan = &plan;
	vm.vcpu_count = 1;
	cpu_flushes = 0;
	assert_int_equal(pt_init(&vm.nested, format, &world_pool, levels, leaf_sizes, false), OK);
}

static inline void begin(u64 cap, u64 ecap)
{
	machine(cap, ecap);
	make_vm(&ept_format, 4, ALL);
	assert_int_equal(vm_domain_create(&vm), OK);
	assert_int_equal(vtd_ops.attach(&vm.domain, DEVICE), OK);
}

static inline void begin_shared(u64 cap)
{
	begin(cap, SNOOPS);
	assert_ptr_equal(vm.domain.shared, &vm.nested);
}

static inline struct vm_region region(u64 start, u64 size, u32 prot, bool dma)
{
	return (struct vm_region){gpa(start), size,	  hpa(HOST + start),
				  prot,	      .ram = dma, .dma = dma};
}

static inline u8 dma(u64 address, bool write, u64 *to)
{
	return fake_dma(unit, DEVICE.bdf, address, write, to);
}

static inline bool reaches(u64 address)
{
	u64 to;

	return dma(address, true, &to) == 0 && to == HOST + address;
}

static inline bool cpu_has(u64 address)
{
	struct pt_leaf leaf;

	return pt_lookup(&vm.nested, address, &leaf);
}

#endif
