/*
 * The way back from a VM to what it was made of. In this order: its devices reach nothing any more, its
 * CPUs have left it, the IOMMU has forgotten its domain; only then its tables and its memory are free (I6).
 */
#include "hv/base/log.h"
#include "hv/platform/memmap.h"
#include "hv/vm/build.h"
#include "hv/vm/device_reset.h"
#include "hv/vm/lines.h"
#include "hv/vm/services.h"

void vm_release_devices(struct vm *vm)
{
	vpci_release(vm);
	vioapic_release(vm);
	for (u32 i = 0; i < vm->device_count; i++) {
		struct vm_device *device = &vm->device[i];
		char text[SBDF_TEXT_MAX];

		/* On an error the unit is out of order; it has said why, and keeps the domain. */
		if (vm_detach(vm, device) != OK)
			log_line(vm->name, "%s: not certainly detached",
				 sbdf_text(device->function->address, text));
	}
}

void vm_give_memory(const struct vm *vm, hpa_t start, u64 size)
{
	enum status status = memmap_give(services.memory, start, size);

	if (status != OK)
		log_line(vm->name, "%lu KiB of memory at %012lx are lost: %s", size >> 10, start.v,
			 status_name(status));
}

/*
 * Its CPUs don't enter it any more, and each flushes before it first enters another VM (the backends'
 * reset()): nobody walks the tables.
 */
static void free_tables(struct vm *vm)
{
	if (vm->nested.root.v)
		pt_destroy(&vm->nested, &vm->nested_retired);
	pt_free_retired(services.pool, &vm->nested_retired, (struct pt_flushed){.done = true});
}

static void give_all_memory(struct vm *vm)
{
	for (u32 i = 0; i < vm->region_count; i++)
		if (vm->region[i].ram)
			vm_give_memory(vm, vm->region[i].host, vm->region[i].size);
	vm->region_count = 0;
}

void vm_unbuild(struct vm *vm)
{
	vm_release_devices(vm);
	vm_reset_released(vm);
	line_release(vm);
	for (u32 i = 0; i < vm->vcpu_count; i++)
		services.cpu->destroy(&vm->vcpu[i], services.pool);
	vm->vcpu_count = 0;
	if (vm->has_domain && services.iommu->domain_destroy(&vm->domain) != OK) {
		log_line(vm->name, "its domain and memory are kept: the IOMMU may still use them");
		return;
	}
	vm->has_domain = false;
	free_tables(vm);
	give_all_memory(vm);
}
