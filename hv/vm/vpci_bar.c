/*
 * BARs as a guest sees them, and the mappings that follow them. A BAR's register behaves as hardware's:
 * it stores what is written but the bits below its size, which is how guests find the size out.
 */
#include "hv/vm/vpci_device.h"

#include "hv/base/log.h"
#include "hv/vm/vm.h"

#define IO_SPACE_MASK 0xffffull

/* True if register n is the upper half of the BAR before it. */
static bool is_upper_half(const struct pci_function *function, unsigned n)
{
	return n > 0 && function->bar[n - 1].kind == PCI_BAR_MEM64;
}

static u32 flag_bits(const struct pci_bar *bar)
{
	if (bar->kind == PCI_BAR_IO)
		return PCI_BAR_IO_SPACE;
	return (bar->kind == PCI_BAR_MEM64 ? PCI_BAR_TYPE_64 : 0) |
	       (bar->prefetchable ? PCI_BAR_PREFETCH : 0);
}

u32 vpci_bar_read(const struct vpci_device *device, unsigned n)
{
	const struct pci_function *function = device->function;

	if (is_upper_half(function, n))
		return (u32)(device->bar[n - 1].value >> 32);
	if (!vpci_bar_shown(function, n))
		return 0;
	return (u32)device->bar[n].value | flag_bits(&function->bar[n]);
}

void vpci_bar_write(struct vpci_device *device, unsigned n, u32 value, u32 mask)
{
	const struct pci_function *function = device->function;
	unsigned shift = is_upper_half(function, n) ? 32 : 0;
	unsigned index = shift ? n - 1 : n;
	u64 writable = ~(function->bar[index].size - 1);

	if (!vpci_bar_shown(function, index))
		return;
	if (function->bar[index].kind == PCI_BAR_IO)
		writable &= IO_SPACE_MASK;
	writable &= (u64)mask << shift;
	device->bar[index].value =
		(device->bar[index].value & ~writable) | ((u64)value << shift & writable);
}

/* All ones: the guest is about to read the size back, and means no address. */
static bool is_being_sized(const struct pci_bar *bar, u64 value)
{
	return value == ((u32) ~(bar->size - 1)) || value >> 32 == 0xffffffff;
}

static bool is_wanted(const struct vpci_device *device, unsigned n)
{
	const struct pci_bar *bar = &device->function->bar[n];
	u64 value = device->bar[n].value;

	return device->command & PCI_COMMAND_MEMORY && value && !is_being_sized(bar, value);
}

/* The parts of a BAR beside its trapped part, which are mapped. An empty one has size 0. */
struct direct {
	u64 offset;
	u64 size;
};

static void direct_parts(const struct vpci_device *device, unsigned n, struct direct part[2])
{
	const struct vpci_bar *bar = &device->bar[n];
	u64 size = device->function->bar[n].size;
	u64 trap_end = bar->trap_start + bar->trap_size;

	part[0] = (struct direct){0, bar->trap_size ? bar->trap_start : size};
	part[1] = (struct direct){trap_end, bar->trap_size ? size - trap_end : 0};
}

static void unmap_part(struct vm *vm, u64 at, const struct direct *part)
{
	if (part->size && vm_unmap(vm, gpa(at + part->offset), part->size) != OK)
		vm_end(vm, VM_CRASHED, 0, "a BAR could not be unmapped");
}

static void bar_unmap(struct vm *vm, struct vpci_device *device, unsigned n)
{
	struct vpci_bar *bar = &device->bar[n];
	struct direct part[2];

	direct_parts(device, n, part);
	unmap_part(vm, bar->at, &part[0]);
	unmap_part(vm, bar->at, &part[1]);
	bar->mapped = false;
}

static enum status map_part(struct vm *vm, const struct vpci_device *device, unsigned n,
			    const struct direct *part)
{
	struct vm_region region = {
		.start = gpa(device->bar[n].value + part->offset),
		.size = part->size,
		.host = hpa(device->function->bar[n].address + part->offset),
		.prot = PT_READ | PT_WRITE | PT_UNCACHED,
	};

	return part->size ? vm_map(vm, &region) : OK;
}

/* What is in the way of size bytes at `at`, or NULL. Mapped BARs show as regions or by themselves. */
static const char *obstacle(const struct vm *vm, u64 at, u64 size)
{
	if (at + (size - 1) < at)
		return "the end of the address space";
	if (ranges_overlap(at, size, VPCI_APICS_START, VPCI_APICS_SIZE))
		return "the APICs";
	for (u32 d = 0; d < vm->pci.device_count; d++) {
		const struct vpci_device *device = &vm->pci.device[d];

		for (unsigned n = 0; n < PCI_MAX_BARS; n++)
			if (device->bar[n].mapped && ranges_overlap(at, size, device->bar[n].at,
								    device->function->bar[n].size))
				return "another BAR";
	}
	for (u32 n = 0; n < vm->region_count; n++)
		if (ranges_overlap(at, size, vm->region[n].start.v, vm->region[n].size))
			return "the VM's memory";
	return NULL;
}

static void tell_refusal(const struct vm *vm, struct vpci_device *device, unsigned n,
			 const char *reason)
{
	struct vpci_bar *bar = &device->bar[n];
	char text[SBDF_TEXT_MAX];

	if (bar->refused_at == bar->value)
		return;
	bar->refused_at = bar->value;
	if (vpci_may_tell(vm, device))
		log_line("vpci", "vm %s: %s: BAR %u can't be at 0x%lx: %s", vm->name,
			 sbdf_text(device->function->address, text), n, bar->value, reason);
}

static void bar_map(struct vm *vm, struct vpci_device *device, unsigned n)
{
	struct vpci_bar *bar = &device->bar[n];
	const char *reason = obstacle(vm, bar->value, device->function->bar[n].size);
	struct direct part[2];
	enum status status;

	if (reason) {
		tell_refusal(vm, device, n, reason);
		return;
	}
	direct_parts(device, n, part);
	status = map_part(vm, device, n, &part[0]);
	if (status == OK) {
		status = map_part(vm, device, n, &part[1]);
		if (status != OK)
			unmap_part(vm, bar->value, &part[0]);
	}
	if (status != OK) {
		tell_refusal(vm, device, n, status_name(status));
		return;
	}
	bar->at = bar->value;
	bar->mapped = true;
	bar->refused_at = 0;
}

static void follow_ports(struct vpci *pci)
{
	u64 first = 0x10000, end = 0;

	for (u32 d = 0; d < pci->device_count; d++) {
		const struct vpci_device *device = &pci->device[d];
		u32 bars = device->command & PCI_COMMAND_IO ? device->io_bars : 0;

		for (; bars; bars &= bars - 1) {
			unsigned n = (unsigned)__builtin_ctz(bars);

			first = min_u64(first, device->bar[n].value);
			end = max_u64(end, device->bar[n].value + device->function->bar[n].size);
		}
	}
	pci->io_first = (u32)first;
	pci->io_size = end > first ? (u32)(end - first) : 0;
}

static void follow_traps(struct vpci *pci)
{
	u64 first = ~0ull, end = 0;

	for (u32 d = 0; d < pci->device_count; d++)
		for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
			const struct vpci_bar *bar = &pci->device[d].bar[n];

			if (!bar->mapped || !bar->trap_size)
				continue;
			first = min_u64(first, bar->at + bar->trap_start);
			end = max_u64(end, bar->at + bar->trap_start + bar->trap_size);
		}
	pci->trap_first = first;
	pci->trap_size = end > first ? end - first : 0;
}

void vpci_bars_follow(struct vm *vm)
{
	struct vpci *pci = &vm->pci;

	follow_ports(pci);
	for (u32 d = 0; d < pci->device_count; d++)
		for (unsigned n = 0; n < PCI_MAX_BARS; n++) {
			const struct vpci_bar *bar = &pci->device[d].bar[n];

			if (bar->mapped &&
			    (bar->at != bar->value || !is_wanted(&pci->device[d], n)))
				bar_unmap(vm, &pci->device[d], n);
		}
	for (u32 d = 0; d < pci->device_count; d++)
		for (unsigned n = 0; n < PCI_MAX_BARS; n++)
			if (vpci_bar_is_memory(pci->device[d].function, n) &&
			    !pci->device[d].bar[n].mapped && is_wanted(&pci->device[d], n))
				bar_map(vm, &pci->device[d], n);
	follow_traps(pci);
}
