// sources: hv/vm/loader.c hv/vm/loading.c hv/vm/multiboot.c hv/vm/pvh.c hv/vm/elf.c
// sources: hv/vm/memory_layout.c hv/platform/memmap.c
// runs: 100000
// max_len: 16384
/*
 * A guest's kernel, ELF by PVH or multiboot or by multiboot's addresses. The last byte says what memory the
 * VM has, and how many modules. Memory is not there: what is written is noted, and must be the VM's RAM, and
 * no byte of it written twice.
 */
#include "tests/fuzz/fuzz.h"

#include "hv/vm/housekeeping.h"
#include "hv/vm/loader.h"
#include "hv/vm/vm.h"

#define MAX_WRITES 256

static struct {
	u64 start;
	u64 size;
} writes[MAX_WRITES];
static u32 write_count;
static u8 scratch[1 << 16];

static bool is_ram(const struct vm *vm, u64 start, u64 size)
{
	for (u32 i = 0; i < vm->layout.count; i++)
		if (vm->layout.entry[i].type == LAYOUT_RAM &&
		    range_within(start, size, vm->layout.entry[i].start, vm->layout.entry[i].size))
			return true;
	return false;
}

static void note(const struct vm *vm, u64 start, u64 size)
{
	MUST(size && is_ram(vm, start, size));
	MUST(range_within(start, size, 0, LAYOUT_LOW_MAX));
	for (u32 i = 0; i < write_count; i++)
		MUST(!ranges_overlap(start, size, writes[i].start, writes[i].size));
	/* A piece of what is written in several. */
	if (write_count && writes[write_count - 1].start + writes[write_count - 1].size == start) {
		writes[write_count - 1].size += size;
		return;
	}
	MUST(write_count < MAX_WRITES);
	writes[write_count].start = start;
	writes[write_count++].size = size;
}

bool vm_write(struct vm *vm, gpa_t to, const void *from, u64 size)
{
	note(vm, to.v, size);
	MUST(size <= sizeof(scratch));
	memcpy(scratch, from, size);
	return true;
}

bool vm_fill(struct vm *vm, gpa_t to, u8 byte, u64 size)
{
	MUST(byte == 0);
	note(vm, to.v, size);
	return true;
}

void housekeeping(void)
{
}

static bool is_written(u64 address)
{
	for (u32 i = 0; i < write_count; i++)
		if (range_within(address, 1, writes[i].start, writes[i].size))
			return true;
	return false;
}

/* Plain VMs, small and with memory beyond 3 GiB, and one with holes as under iommu=unsafe-identity. */
static void make_layout(struct memory_layout *layout, unsigned kind)
{
	static struct memmap host;

	host.count = 0;
	if (kind < 2) {
		memory_layout_make(layout, kind ? GIB(5) : MIB(2));
		return;
	}
	MUST(memmap_add(&host, hpa(0), 0x9f000, MEMORY_RAM) == OK);
	MUST(memmap_add(&host, hpa(MIB(1)), MIB(3), MEMORY_RAM) == OK);
	MUST(memmap_add(&host, hpa(MIB(8)), MIB(8), MEMORY_RAM) == OK);
	MUST(memmap_add(&host, hpa(MIB(24)), MIB(32), MEMORY_RAM) == OK);
	if (memory_layout_identity(layout, MIB(16), &host) != OK)
		memory_layout_make(layout, MIB(16));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u8 content[5000];
	static struct vm vm;
	u8 how = size ? data[size - 1] : 0;
	u8 *kernel = fuzz_copy((struct bytes){data, size});
	struct guest_image image = {
		.kernel = {kernel, size},
		.command = how & 0x10 ? "a=b  c" : NULL,
		.module_count = how >> 2 & 3,
		.module = {{{content, 5000}, "first"}, {{NULL, 0}, NULL}, {{content, 4096}, ""}},
	};
	struct vcpu_start start = {0};
	const char *reason = NULL;

	write_count = 0;
	make_layout(&vm.layout, how & 3);
	if (loader_load(&vm, &image, &start, &reason) != OK) {
		fuzz_check_reason(reason);
	} else {
		MUST(start.rip < LAYOUT_LOW_MAX && is_written(start.rip));
		MUST(start.rbx < LAYOUT_LOW_MAX && is_written(start.rbx));
	}
	free(kernel);
	return 0;
}
