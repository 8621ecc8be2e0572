/*
 * MSI-X (PCI 3.0 6.8.2). The guest's table is its own; the physical entry n is
 *
 *   masked -> routed (its message and remapping entry set) and unmasked, while the guest has MSI-X on and
 *   the entry unmasked -> masked
 *
 * An entry whose message leads nowhere legal stays masked. The function mask is the guest's; it is on,
 * too, while MSI-X is being turned on.
 */
#include "hv/vm/vpci_device.h"

#include "hv/base/log.h"
#include "hv/vm/route.h"
#include "hv/vm/vm.h"

/* An entry's words, 6.8.2.6 to 6.8.2.9. */
#define ENTRY_ADDRESS	   0x0
#define ENTRY_ADDRESS_HIGH 0x4
#define ENTRY_DATA	   0x8
#define ENTRY_CONTROL	   0xc

u16 vpci_msix_vectors(const struct pci_function *function)
{
	if (!function->msix)
		return 0;
	return (u16)min_u64(function->msix_vectors, VPCI_MAX_VECTORS);
}

bool vpci_msix_in_table(const struct pci_function *function, unsigned bar, u64 offset)
{
	return function->msix && function->msix_table_bar == bar &&
	       range_within(offset, 1, function->msix_table_offset,
			    (u64)function->msix_vectors * PCI_MSIX_ENTRY_SIZE);
}

bool vpci_msix_in_pending(const struct pci_function *function, unsigned bar, u64 offset)
{
	return function->msix && function->msix_pba_bar == bar &&
	       range_within(offset, 1, function->msix_pba_offset,
			    align_up(function->msix_vectors, 64) / 8);
}

/* One word of the physical table. */
static void physical_write(const struct vpci_device *device, u32 n, u32 word, u32 value)
{
	const struct vpci_bar *bar = &device->bar[device->function->msix_table_bar];
	u64 table = device->function->msix_table_offset - bar->trap_start;

	mmio_write32(&bar->trapped, table + n * PCI_MSIX_ENTRY_SIZE + word, value);
}

static void physical_control(const struct vpci_device *device, u16 value)
{
	pci_write(device->function->address, device->function->msix + PCI_MSIX_CONTROL, 2, value);
}

/* Routes a masked entry as the guest's message says. */
static bool entry_route(const struct vm *vm, struct vpci_device *device, u16 n)
{
	struct vpci_message *message = &device->msix[n];
	struct interrupt_target target;
	struct msi_message real;

	if (!route_message_target(vm, message->address, message->data, &target) ||
	    route_set(&device->interrupts, n, &target) != OK)
		return false;
	real = route_message(&device->interrupts, n);
	physical_write(device, n, ENTRY_ADDRESS, (u32)real.address);
	physical_write(device, n, ENTRY_ADDRESS_HIGH, (u32)(real.address >> 32));
	physical_write(device, n, ENTRY_DATA, real.data);
	message->routed = true;
	return true;
}

static void entry_follow(const struct vm *vm, struct vpci_device *device, u16 n)
{
	struct vpci_message *message = &device->msix[n];
	bool wanted = device->msix_enabled && !message->masked;
	char text[SBDF_TEXT_MAX];

	if (!wanted || !message->routed)
		physical_write(device, n, ENTRY_CONTROL, PCI_MSIX_ENTRY_MASKED);
	if (!wanted)
		return;
	if (message->routed || entry_route(vm, device, n))
		physical_write(device, n, ENTRY_CONTROL, 0);
	else if (vpci_may_tell(vm, device))
		log_line("vpci", "vm %s: %s: MSI-X entry %u, 0x%lx 0x%x, goes nowhere", vm->name,
			 sbdf_text(device->function->address, text), n, message->address,
			 message->data);
}

u32 vpci_msix_read(const struct vpci_device *device, u8 at)
{
	const struct pci_function *function = device->function;
	u32 control = vpci_msix_vectors(function) - 1u;

	if (at != 0)
		return pci_read(function->address, function->msix + at, 4);
	return (control | (device->msix_function_masked ? PCI_MSIX_FUNCTION_MASK : 0) |
		(device->msix_enabled ? PCI_MSIX_ENABLE : 0))
	       << 16;
}

/* MSI makes way for MSI-X and comes back after it: both at once are not defined. */
static void enable_changed(struct vm *vm, struct vpci_device *device)
{
	if (device->msix_enabled)
		physical_control(device, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
	else
		physical_control(device, 0);
	vpci_command_apply(device);
	vpci_msi_follow(vm, device);
	for (u16 n = 0; n < vpci_msix_vectors(device->function); n++) {
		device->msix[n].routed = false;
		entry_follow(vm, device, n);
	}
}

void vpci_msix_write(struct vm *vm, struct vpci_device *device, u8 at, u32 value, u32 mask)
{
	u16 control = (u16)((vpci_msix_read(device, 0) & ~mask) >> 16 | (value & mask) >> 16);
	bool enabled = control & PCI_MSIX_ENABLE;
	bool function_masked = control & PCI_MSIX_FUNCTION_MASK;

	if (at != 0 ||
	    (enabled == device->msix_enabled && function_masked == device->msix_function_masked))
		return;
	device->msix_function_masked = function_masked;
	if (enabled != device->msix_enabled) {
		device->msix_enabled = enabled;
		enable_changed(vm, device);
	}
	physical_control(device, (enabled ? PCI_MSIX_ENABLE : 0) |
					 (function_masked ? PCI_MSIX_FUNCTION_MASK : 0));
}

/* Where an access to the table goes: the entry's number, and how far into it. */
static u32 entry_number(const struct pci_function *function, u64 offset, u32 *word)
{
	u64 at = offset - function->msix_table_offset;

	*word = at % PCI_MSIX_ENTRY_SIZE;
	return (u32)(at / PCI_MSIX_ENTRY_SIZE);
}

static u32 word_read(const struct vpci_message *message, u32 word)
{
	switch (word) {
	case ENTRY_ADDRESS:
		return (u32)message->address;
	case ENTRY_ADDRESS_HIGH:
		return (u32)(message->address >> 32);
	case ENTRY_DATA:
		return message->data;
	default:
		return message->masked ? PCI_MSIX_ENTRY_MASKED : 0;
	}
}

static void word_write(struct vpci_message *message, u32 word, u32 value)
{
	struct vpci_message before = *message;

	switch (word) {
	case ENTRY_ADDRESS:
		message->address = (message->address & ~0xffffffffull) | (value & ~3u);
		break;
	case ENTRY_ADDRESS_HIGH:
		message->address = (u32)message->address | (u64)value << 32;
		break;
	case ENTRY_DATA:
		message->data = value;
		break;
	default:
		message->masked = value & PCI_MSIX_ENTRY_MASKED;
		break;
	}
	if (message->address != before.address || message->data != before.data)
		message->routed = false;
}

u64 vpci_msix_table_read(const struct vpci_device *device, u64 offset, u8 width)
{
	u32 word;
	u32 n = entry_number(device->function, offset, &word);
	const struct vpci_message *message;

	if (width < 4)
		return BIT(8 * width) - 1;
	if (n >= vpci_msix_vectors(device->function))
		return width == 4 ? 0xffffffff : ~0ull;
	message = &device->msix[n];
	if (width == 4)
		return word_read(message, word);
	return word_read(message, word) | (u64)word_read(message, word + 4) << 32;
}

void vpci_msix_table_write(struct vm *vm, struct vpci_device *device, u64 offset, u8 width,
			   u64 value)
{
	u32 word;
	u32 n = entry_number(device->function, offset, &word);
	struct vpci_message *message;

	if (width < 4 || n >= vpci_msix_vectors(device->function))
		return;
	message = &device->msix[n];
	word_write(message, word, (u32)value);
	if (width == 8)
		word_write(message, word + 4, (u32)(value >> 32));
	entry_follow(vm, device, (u16)n);
}

void vpci_msix_quiet(struct vpci_device *device)
{
	device->msix_enabled = false;
	device->msix_function_masked = false;
	if (!device->function->msix)
		return;
	physical_control(device, 0);
	for (u32 n = 0; n < device->function->msix_vectors; n++)
		physical_write(device, n, ENTRY_CONTROL, PCI_MSIX_ENTRY_MASKED);
	for (u32 n = 0; n < vpci_msix_vectors(device->function); n++)
		device->msix[n] = (struct vpci_message){.masked = true};
}
