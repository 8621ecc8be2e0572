#include "hv/vm/build.h"

#include "arch/x86/apic.h"
#include "arch/x86/paging.h"
#include "hv/base/log.h"
#include "hv/base/string.h"
#include "hv/platform/gsi.h"
#include "hv/vm/console.h"
#include "hv/vm/device_reset.h"
#include "hv/vm/features.h"
#include "hv/vm/firmware.h"
#include "hv/vm/lines.h"
#include "hv/vm/loader.h"
#include "hv/vm/msr.h"
#include "hv/vm/scrub.h"
#include "hv/vm/services.h"

/* The first pin of the virtual IOAPIC that no ISA device has: devices' lines go from here on. */
#define FIRST_DEVICE_PIN 16

static enum status fail(const struct vm *vm, const char *what, enum status status)
{
	log_line(vm->name, "not started: %s: %s", what, status_name(status));
	return status;
}

/* As large a piece of RAM as there is, up to size, aligned so that it maps with large pages. */
static enum status take_piece(struct memmap *memory, u64 size, hpa_t *start, u64 *taken)
{
	for (u64 want = size; want >= VM_MEMORY_UNIT; want = align_down(want / 2, VM_MEMORY_UNIT)) {
		u64 align = want >= GIB(1) ? GIB(1) : VM_MEMORY_UNIT;

		*taken = want;
		if (memmap_take(memory, want, align, hpa(~0ull), start) == OK ||
		    memmap_take(memory, want, VM_MEMORY_UNIT, hpa(~0ull), start) == OK)
			return OK;
	}
	return ERR_NO_MEMORY;
}

/* On an error the piece is given back: what is in no region would be lost. */
static enum status add_piece(struct vm *vm, u64 start, u64 size, hpa_t host, bool dma)
{
	enum status status;
	struct vm_region region = {
		.start = gpa(start),
		.size = size,
		.host = host,
		.prot = PT_READ | PT_WRITE | PT_EXEC,
		.ram = true,
		.dma = dma,
	};

	scrub(host, size);
	status = vm_map(vm, &region);
	if (status != OK)
		vm_give_memory(vm, host, size);
	return status;
}

static enum status add_ram(struct vm *vm, u64 start, u64 size, struct memmap *memory)
{
	enum status status = OK;

	for (u64 done = 0; done < size && status == OK;) {
		hpa_t host;
		u64 taken;

		status = take_piece(memory, size - done, &host, &taken);
		if (status == OK)
			status = add_piece(vm, start + done, taken, host, true);
		done += taken;
	}
	return status;
}

static enum status add_first_mib(struct vm *vm, struct memmap *memory)
{
	hpa_t host;
	enum status status = memmap_take(memory, LAYOUT_LEGACY_END, PAGE_SIZE, hpa(~0ull), &host);

	return status == OK ? add_piece(vm, 0, LAYOUT_LEGACY_END, host, false) : status;
}

/* The first MiB comes last: it must not be where any other RAM of the VM is. */
static enum status add_identity_ram(struct vm *vm, struct memmap *memory)
{
	const struct memory_layout *layout = &vm->layout;
	enum status status = OK;

	for (u32 i = 0; i < layout->count && status == OK; i++) {
		const struct layout_entry *entry = &layout->entry[i];

		if (entry->type != LAYOUT_RAM || entry->start < LAYOUT_LEGACY_END)
			continue;
		status = memmap_reserve(memory, hpa(entry->start), entry->size);
		if (status == OK)
			status = add_piece(vm, entry->start, entry->size, hpa(entry->start), true);
	}
	return status == OK ? add_first_mib(vm, memory) : status;
}

static enum status add_all_ram(struct vm *vm, struct memmap *memory)
{
	struct memory_layout *layout = &vm->layout;
	enum status status;

	if (vm->has_domain && services.iommu->identity) {
		status = memory_layout_identity(layout, vm->memory, memory);
		return status == OK ? add_identity_ram(vm, memory) : status;
	}
	memory_layout_make(layout, vm->memory);
	status = add_ram(vm, 0, layout->low_size, memory);
	if (status == OK && layout->high_size)
		status = add_ram(vm, LAYOUT_HIGH_START, layout->high_size, memory);
	return status;
}

static enum status build_memory(struct vm *vm, struct memmap *memory)
{
	u8 levels, leaf_sizes;
	enum status status;

	services.cpu->nested_shape(&levels, &leaf_sizes);
	status = pt_init(&vm->nested, services.cpu->nested_format, services.pool, levels,
			 leaf_sizes, false);
	if (status == OK && vm->plan->device_count)
		status = vm_domain_create(vm);
	return status == OK ? add_all_ram(vm, memory) : status;
}

static struct bytes module_content(const struct boot_module *module)
{
	return paging_map_firmware(module->start, module->size);
}

static enum status build_kernel(struct vm *vm)
{
	const struct boot_module *modules = services.platform->boot.module;
	const struct vm_config *config = vm->plan->config;
	struct guest_image image = {
		.kernel = module_content(&modules[config->kernel]),
		.command = config->arguments,
		.module_count = config->module_count,
	};
	const char *reason = "its kernel can't be loaded";
	enum status status;

	for (u32 i = 0; i < config->module_count; i++)
		image.module[i] = (struct guest_module){
			module_content(&modules[config->module[i]]),
			modules[config->module[i]].command,
		};
	status = firmware_tables_write(vm, &image.rsdp);
	if (status != OK)
		return fail(vm, "firmware tables", status);
	status = loader_load(vm, &image, &vm->start, &reason);
	if (status != OK)
		return fail(vm, reason, status);
	return OK;
}

static enum status build_vcpus(struct vm *vm)
{
	for (u32 i = 0; i < vm->plan->cpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpu[i];
		enum status status;

		*vcpu = (struct vcpu){.apic_id = vm->plan->apic_id[i], .vm = vm};
		vcpu->signals = &vm->signals[i];
		vcpu->decoded = vm->decoded[i];
		vcpu->cr4_allowed = features_cr4(vm, vcpu);
		status = services.cpu->create(vcpu, services.pool, vm->nested.root);
		if (status != OK)
			return status;
		vm->vcpu_count++;
		msr_setup(vcpu);
	}
	return OK;
}

/* What the device's VM has to do without, and what is left. */
static u8 no_pin(const struct vm *vm, const struct pci_function *function, const char *reason)
{
	char text[SBDF_TEXT_MAX];

	log_line(vm->name, "%s: no INTx: %s: %s", sbdf_text(function->address, text), reason,
		 function->msi || function->msix ? "it must use MSI" : "it can't interrupt");
	return VPCI_NO_PIN;
}

/* Backs a pin of the virtual IOAPIC by the device's INTx; a device without one that is known has none. */
static u8 back_pin(struct vm *vm, const struct hv_config *config,
		   const struct pci_function *function, u8 pin)
{
	struct gsi_mode mode;
	char text[SBDF_TEXT_MAX];
	u32 gsi;
	enum status status;

	if (!function->interrupt_pin)
		return VPCI_NO_PIN;
	status = line_find(config, &services.platform->pci, function, &gsi);
	if (status != OK)
		return no_pin(vm, function, "its line is not known");
	/* Two devices of the VM on one line share its pin. */
	if (vioapic_find(vm, gsi, &pin))
		return pin;
	status = line_claim(gsi, vm);
	if (status != OK)
		return no_pin(vm, function, "another owner has its line");
	mode = gsi_mode_pci(&services.platform->madt, gsi);
	status = vioapic_back(vm, pin, gsi, mode.active_low);
	if (status != OK)
		return no_pin(vm, function, status_name(status));
	log_line(vm->name, "%s: INTx is line %u, virtual pin %u",
		 sbdf_text(function->address, text), gsi, pin);
	return pin;
}

static struct iommu_source source_of(const struct pci_requesters *requesters)
{
	return (struct iommu_source){
		.id = requesters->id[0],
		.whole_bus = requesters->whole_bus,
		.phantom_bits = requesters->phantom_bits,
	};
}

static enum status add_device(struct vm *vm, const struct hv_config *config, u32 n)
{
	struct vm_device *device = &vm->device[vm->device_count];
	u8 pin = (u8)(FIRST_DEVICE_PIN + n);
	enum status status;

	*device = (struct vm_device){.function = vm->plan->device[n]};
	pci_requesters(&services.platform->pci, device->function, &device->requesters);
	status = vm_attach(vm, device);
	if (status != OK)
		return status;
	vm->device_count++;
	if (pin >= VIOAPIC_PINS)
		pin = VPCI_NO_PIN;
	else
		pin = back_pin(vm, config, device->function, pin);
	return vpci_add(vm, device->function, source_of(&device->requesters), pin);
}

/* All are reset before the first is in use: one reset may reach several. */
static enum status build_devices(struct vm *vm, const struct hv_config *config)
{
	enum status status = vm_reset_devices(vm);

	for (u32 i = 0; i < vm->plan->device_count && status == OK; i++)
		status = add_device(vm, config, i);
	return status;
}

static enum status build_parts(struct vm *vm, const struct hv_config *config, struct memmap *memory)
{
	enum status status = build_memory(vm, memory);

	if (status != OK)
		return fail(vm, "memory", status);
	status = build_vcpus(vm);
	if (status != OK)
		return fail(vm, "virtual CPUs", status);
	status = build_devices(vm, config);
	if (status != OK)
		return fail(vm, "devices", status);
	return build_kernel(vm);
}

enum status vm_build(struct vm *vm, const struct vm_plan *plan, const struct hv_config *config,
		     struct memmap *memory)
{
	enum status status;

	*vm = (struct vm){.plan = plan, .memory = plan->memory, .x2apic = apic_is_x2apic()};
	memcpy(vm->name, plan->config->name, sizeof(vm->name));
	for (u32 i = 0; i < plan->cpu_count; i++)
		vm->vcpu[i].apic_id = plan->apic_id[i];
	console_init(vm);
	vioapic_init(&vm->vioapic);
	status = build_parts(vm, config, memory);
	if (status != OK) {
		/* In this order: no fault of its devices cuts them off any more. */
		vm_end(vm, VM_STOPPED, 0, "it could not be built");
		vm_unbuild(vm);
	}
	startup_init(vm);
	return status;
}
