/*
 * MSI (PCI 3.0 6.8.1). The guest's registers are its own; whenever one of them changes while it has MSI
 * on, the physical capability is turned off, and on again only once the remapping entries are set for
 * what it wants now. All vectors of a function share an address and the data's upper bits, so that all
 * are legal or none: where they are not, the physical capability stays off.
 */
#include "hv/vm/vpci_device.h"

#include "hv/base/log.h"
#include "hv/vm/route.h"
#include "hv/vm/vm.h"

#define MULTIPLE_CAPABLE_SHIFT 1
#define MULTIPLE_ENABLE_SHIFT  4
#define MASK_AFTER_DATA	       4 /* bytes from the data register */
#define PENDING_AFTER_DATA     8

static u8 data_offset(const struct pci_function *function)
{
	return function->msi_64 ? 0x0c : 0x08;
}

static u8 log2_down(u32 n)
{
	u8 log = 0;

	while (n >>= 1)
		log++;
	return log;
}

static u32 vector_bits(const struct pci_function *function)
{
	return (u32)(BIT(function->msi_vectors) - 1);
}

static u16 control(const struct vpci_device *device)
{
	const struct pci_function *function = device->function;

	return (u16)(log2_down(function->msi_vectors) << MULTIPLE_CAPABLE_SHIFT |
		     device->msi_multiple << MULTIPLE_ENABLE_SHIFT |
		     (device->msi_enabled ? PCI_MSI_ENABLE : 0) |
		     (function->msi_64 ? PCI_MSI_64 : 0) |
		     (function->msi_maskable ? PCI_MSI_MASKABLE : 0));
}

u32 vpci_msi_read(const struct vpci_device *device, u8 at)
{
	const struct pci_function *function = device->function;
	u8 data = data_offset(function);

	if (at == 0)
		return (u32)control(device) << 16;
	if (at == PCI_MSI_ADDRESS)
		return (u32)device->msi.address;
	if (at == data)
		return device->msi.data;
	if (at == PCI_MSI_ADDRESS_HIGH)
		return (u32)(device->msi.address >> 32);
	if (at == data + MASK_AFTER_DATA)
		return device->msi_mask;
	if (at == data + PENDING_AFTER_DATA)
		return pci_read(function->address, function->msi + at, 4);
	return 0;
}

static void physical_enable(const struct vpci_device *device, bool on)
{
	u16 value = (u16)(device->msi_multiple << MULTIPLE_ENABLE_SHIFT);

	pci_write(device->function->address, device->function->msi + PCI_MSI_CONTROL, 2,
		  on ? value | PCI_MSI_ENABLE : value);
}

static void physical_mask(const struct vpci_device *device)
{
	const struct pci_function *function = device->function;

	if (function->msi_maskable)
		pci_write(function->address,
			  function->msi + data_offset(function) + MASK_AFTER_DATA, 4,
			  device->msi_mask);
}

static void physical_message(const struct pci_function *function, struct msi_message message)
{
	u16 msi = function->msi;

	pci_write(function->address, msi + PCI_MSI_ADDRESS, 4, (u32)message.address);
	if (function->msi_64)
		pci_write(function->address, msi + PCI_MSI_ADDRESS_HIGH, 4,
			  (u32)(message.address >> 32));
	pci_write(function->address, msi + data_offset(function), 2, message.data);
}

/* Points an entry at each vector: the device replaces the low bits of the data by the vector's number. */
static bool route_all(const struct vm *vm, const struct vpci_device *device)
{
	u32 count = 1u << device->msi_multiple;
	u32 data = device->msi.data & ~(count - 1);

	for (u32 n = 0; n < count; n++) {
		struct interrupt_target target;

		if (!route_message_target(vm, device->msi.address, data | n, &target) ||
		    route_set(&device->interrupts, (u16)n, &target) != OK)
			return false;
	}
	return true;
}

void vpci_msi_follow(struct vm *vm, struct vpci_device *device)
{
	char text[SBDF_TEXT_MAX];

	if (!device->function->msi)
		return;
	physical_enable(device, false);
	vpci_command_apply(device);
	if (!device->msi_enabled || device->msix_enabled)
		return;
	if (!route_all(vm, device)) {
		if (vpci_may_tell(vm, device))
			log_line("vpci", "vm %s: %s: MSI 0x%lx 0x%x goes nowhere", vm->name,
				 sbdf_text(device->function->address, text), device->msi.address,
				 device->msi.data);
		return;
	}
	physical_message(device->function, route_message(&device->interrupts, 0));
	physical_mask(device);
	physical_enable(device, true);
}

static void control_write(struct vm *vm, struct vpci_device *device, u16 value, u16 mask)
{
	u16 now = (u16)((control(device) & ~mask) | (value & mask));
	u8 multiple = (now & PCI_MSI_MULTIPLE_ENABLE) >> MULTIPLE_ENABLE_SHIFT;
	bool enabled = now & PCI_MSI_ENABLE;

	multiple = (u8)min_u64(multiple, log2_down(device->function->msi_vectors));
	if (enabled == device->msi_enabled && multiple == device->msi_multiple)
		return;
	device->msi_multiple = multiple;
	device->msi_enabled = enabled;
	vpci_msi_follow(vm, device);
}

static void message_write(struct vm *vm, struct vpci_device *device, u64 address, u32 data)
{
	if (address == device->msi.address && data == device->msi.data)
		return;
	device->msi.address = address;
	device->msi.data = data;
	if (device->msi_enabled)
		vpci_msi_follow(vm, device);
}

void vpci_msi_write(struct vm *vm, struct vpci_device *device, u8 at, u32 value, u32 mask)
{
	const struct pci_function *function = device->function;
	u8 data = data_offset(function);
	u64 address = device->msi.address;

	if (at == 0) {
		control_write(vm, device, (u16)(value >> 16), (u16)(mask >> 16));
	} else if (at == PCI_MSI_ADDRESS) {
		address = (address & ~(u64)mask) | (value & mask & ~3u);
		message_write(vm, device, address, device->msi.data);
	} else if (at == data) {
		mask &= 0xffff;
		message_write(vm, device, address, (device->msi.data & ~mask) | (value & mask));
	} else if (at == PCI_MSI_ADDRESS_HIGH) {
		address = (address & ~((u64)mask << 32)) | (u64)(value & mask) << 32;
		message_write(vm, device, address, device->msi.data);
	} else if (at == data + MASK_AFTER_DATA) {
		mask &= vector_bits(function);
		device->msi_mask = (device->msi_mask & ~mask) | (value & mask);
		physical_mask(device);
	}
}

void vpci_msi_quiet(struct vpci_device *device)
{
	device->msi_enabled = false;
	device->msi_multiple = 0;
	device->msi_mask = 0;
	device->msi = (struct vpci_message){0};
	if (!device->function->msi)
		return;
	physical_enable(device, false);
	physical_mask(device);
}
