#include "hv/vm/vm.h"

#include "arch/x86/paging.h"
#include "hv/base/log.h"
#include "hv/base/panic.h"
#include "hv/base/string.h"
#include "hv/vm/services.h"

static bool shares_table(const struct vm *vm)
{
	return vm->has_domain && vm->domain.shared;
}

/*
 * After any change that took something out of the nested tables: whoever walks them forgets the range,
 * the IOMMU's units too if they share them, and only then the pages that it made free are used again (I6).
 */
static enum status forget_nested(struct vm *vm, gpa_t start, u64 size)
{
	struct pt_flushed cpus, units = {.done = true};

	/* The vCPU whose windows these are uses them under the lock, or while signal_flush() waits for it. */
	for (u32 n = 0; n < vm->vcpu_count; n++)
		vm->vcpu[n].code.last = 0;
	cpus = signal_flush(vm);
	if (!cpus.done)
		return ERR_TIMEOUT;
	if (shares_table(vm)) {
		enum status status =
			services.iommu->flush(&vm->domain, iova(start.v), size, &units);

		if (status != OK)
			return status;
	}
	pt_free_retired(vm->nested.pool, &vm->nested_retired,
			(struct pt_flushed){.done = cpus.done && units.done});
	return OK;
}

/* Whole leaves: no split, so no memory is needed, and it can't fail. Holes are fine. */
static void clear_nested(struct vm *vm, gpa_t start, u64 size)
{
	INVARIANT(pt_unmap(&vm->nested, start.v, size, &vm->nested_retired) == OK);
}

/* Takes back the first `done` bytes of what was not to be mapped wholly; more may have been there. */
static void take_back(struct vm *vm, const struct vm_region *region, u64 done)
{
	if (done)
		clear_nested(vm, region->start, done);
	if (forget_nested(vm, region->start, region->size) != OK)
		log_line(vm->name, "what was mapped in vain at %llx may still be known",
			 (unsigned long long)region->start.v);
}

/* Run by run of one memory type each; *done: bytes that are mapped. */
static enum status map_runs(struct vm *vm, const struct vm_region *region, u64 *done)
{
	*done = 0;
	do {
		hpa_t host = hpa(region->host.v + *done);
		bool cached;
		u64 run = services.cpu->memory_run(host, region->size - *done, &cached);
		u32 prot = region->prot | (cached ? 0 : (u32)PT_UNCACHED);
		enum status status = pt_map(&vm->nested, region->start.v + *done, host, run, prot,
					    &vm->nested_retired);

		if (status != OK)
			return status;
		*done += run;
	} while (*done < region->size);
	return OK;
}

static enum status map_nested(struct vm *vm, const struct vm_region *region)
{
	u64 done;
	enum status status = map_runs(vm, region, &done);

	if (status != OK)
		take_back(vm, region, done);
	return status;
}

/* What no device is meant to reach need not be told to the units, where they share the table. */
static enum status map_domain(struct vm *vm, const struct vm_region *region)
{
	if (!region->dma || !vm->has_domain)
		return OK;
	return services.iommu->map(&vm->domain, iova(region->start.v), region->host, region->size,
				   region->prot & (PT_READ | PT_WRITE));
}

/* A shared table is changed once. */
static enum status unmap_domain(struct vm *vm, const struct vm_region *region)
{
	if (!region->dma || !vm->has_domain || shares_table(vm))
		return OK;
	return services.iommu->unmap(&vm->domain, iova(region->start.v), region->size);
}

enum status vm_map(struct vm *vm, const struct vm_region *region)
{
	enum status status;

	if (vm->region_count == VM_MAX_REGIONS)
		return ERR_NO_MEMORY;
	status = map_nested(vm, region);
	if (status != OK)
		return status;
	status = map_domain(vm, region);
	if (status != OK) {
		take_back(vm, region, region->size);
		return status;
	}
	vm->region[vm->region_count++] = *region;
	return OK;
}

enum status vm_unmap(struct vm *vm, gpa_t start, u64 size)
{
	for (u32 i = 0; i < vm->region_count; i++) {
		struct vm_region *region = &vm->region[i];
		enum status status;

		if (region->start.v != start.v || region->size != size)
			continue;
		status = unmap_domain(vm, region);
		if (status != OK)
			return status;
		clear_nested(vm, start, size);
		status = forget_nested(vm, start, size);
		if (status != OK)
			return status;
		*region = vm->region[--vm->region_count];
		return OK;
	}
	return ERR_NOT_FOUND;
}

static const struct vm_region *find_region(const struct vm *vm, gpa_t address)
{
	const struct vm_region *end = vm->region + vm->region_count;

	for (const struct vm_region *region = vm->region; region < end; region++)
		if (address.v - region->start.v < region->size)
			return region;
	return NULL;
}

static bool is_ram(const struct vm *vm, gpa_t address)
{
	const struct vm_region *region = find_region(vm, address);

	return region && region->ram;
}

/* The RAM at address: where it is, and how many bytes follow in a row. False: it isn't RAM. */
static bool find_ram(const struct vm *vm, gpa_t address, hpa_t *host, u64 *size)
{
	const struct vm_region *region = find_region(vm, address);
	u64 offset;

	if (!region || !region->ram)
		return false;
	offset = address.v - region->start.v;
	*host = hpa(region->host.v + offset);
	*size = region->size - offset;
	return true;
}

void *vm_window(const struct vm *vm, u32 window, gpa_t address)
{
	hpa_t host;
	u64 size;

	return find_ram(vm, address, &host, &size) ? paging_window(window, host) : NULL;
}

enum direction {
	COPY_FROM_GUEST,
	COPY_TO_GUEST,
	FILL_GUEST,
};

/* The window is left open: transfer() ends it. */
static bool transfer_pages(const struct vm *vm, gpa_t address, void *buffer, u8 fill, u64 size,
			   enum direction direction)
{
	u64 done = 0;

	while (done < size) {
		hpa_t host;
		u64 chunk;

		/* A sum that wraps is outside of every region. */
		if (!find_ram(vm, gpa(address.v + done), &host, &chunk))
			return false;
		chunk = min_u64(chunk, min_u64(size - done, PAGE_SIZE - (host.v & PAGE_MASK)));
		u8 *guest = paging_window(WINDOW_COPY, host);

		if (direction == COPY_FROM_GUEST)
			memcpy((u8 *)buffer + done, guest, chunk);
		else if (direction == COPY_TO_GUEST)
			memcpy(guest, (const u8 *)buffer + done, chunk);
		else
			memset(guest, fill, chunk);
		done += chunk;
	}
	return true;
}

static bool transfer(const struct vm *vm, gpa_t address, void *buffer, u8 fill, u64 size,
		     enum direction direction)
{
	bool done = transfer_pages(vm, address, buffer, fill, size, direction);

	paging_window_end(WINDOW_COPY);
	return done;
}

bool vm_read(const struct vm *vm, gpa_t from, void *to, u64 size)
{
	/* For device registers it is the question whether they are RAM. */
	if (size && !is_ram(vm, from))
		return false;
	return transfer(vm, from, to, 0, size, COPY_FROM_GUEST);
}

bool vm_write(struct vm *vm, gpa_t to, const void *from, u64 size)
{
	if (size && !is_ram(vm, to))
		return false;
	return transfer(vm, to, (void *)(uintptr_t)from, 0, size, COPY_TO_GUEST);
}

bool vm_fill(struct vm *vm, gpa_t to, u8 byte, u64 size)
{
	return transfer(vm, to, NULL, byte, size, FILL_GUEST);
}

void vm_end(struct vm *vm, enum vm_end_kind end, u32 code, const char *reason)
{
	if (__atomic_exchange_n(&vm->ending, true, __ATOMIC_ACQ_REL))
		return;
	vm->end_code = code;
	vm->end_reason = reason;
	__atomic_store_n(&vm->end, end, __ATOMIC_RELEASE);
	for (u32 n = 0; n < vm->vcpu_count; n++)
		signal_send(vm, n, SIGNAL_END);
}
