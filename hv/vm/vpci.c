/*
 * A device's life on the virtual bus, and the ports by which a guest gets at configuration spaces.
 *
 *   off the bus -> vpci_add() -> on the bus, as after firmware -> vpci_release() -> off the bus, silent
 */
#include "hv/vm/vpci.h"

#include "arch/x86/cpu.h"
#include "arch/x86/delay.h"
#include "hv/base/lock.h"
#include "hv/base/log.h"
#include "hv/vm/route.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"
#include "hv/vm/vpci_device.h"

#define MAX_TOLD 8

/* The address register, PCI 3.0 3.2.2.3.2. */
#define ADDRESS_ENABLE	 BIT(31)
#define ADDRESS_WRITABLE 0x80fffffcu

bool vpci_may_tell(const struct vm *vm, struct vpci_device *device)
{
	char text[SBDF_TEXT_MAX];

	if (device->told > MAX_TOLD)
		return false;
	if (device->told++ < MAX_TOLD)
		return true;
	log_line("vpci", "vm %s: %s: no more is told of what its guest does to it", vm->name,
		 sbdf_text(device->function->address, text));
	return false;
}

/* Of all devices' command registers, as a device is cut off by another CPU than its guest's. */
static struct lock command_lock;

/*
 * Decoding stays on, whatever the guest's view is: what the guest can reach is decided by the mappings.
 * INTx stays off where it leads nowhere, and while the guest has messages instead: a function with
 * messages on must not use it (PCI 3.0 6.8.1.3), not even when those are held off.
 */
void vpci_command_apply(const struct vpci_device *device)
{
	u16 command;

	lock_take(&command_lock);
	command = vpci_command_read(device) & PCI_COMMAND_MASTER;
	for (unsigned n = 0; n < PCI_MAX_BARS; n++)
		if (vpci_bar_shown(device->function, n))
			command |= vpci_bar_is_memory(device->function, n) ? PCI_COMMAND_MEMORY
									   : PCI_COMMAND_IO;
	if (device->pin == VPCI_NO_PIN || device->command & PCI_COMMAND_INTX_DISABLE ||
	    device->msi_enabled || device->msix_enabled)
		command |= PCI_COMMAND_INTX_DISABLE;
	pci_write(device->function->address, PCI_COMMAND, 2, command);
	lock_release(&command_lock);
}

u16 vpci_command_read(const struct vpci_device *device)
{
	u16 command = device->command;

	return __atomic_load_n(&device->cut_off, __ATOMIC_ACQUIRE)
		       ? command & (u16)~PCI_COMMAND_MASTER
		       : command;
}

/* A device that leaves the bus meanwhile is silenced there. */
void vpci_cut_off(struct vm *vm, const struct pci_function *function)
{
	for (u32 n = 0; n < vm->pci.device_count; n++) {
		struct vpci_device *device = &vm->pci.device[n];

		if (device->function != function)
			continue;
		__atomic_store_n(&device->cut_off, true, __ATOMIC_RELEASE);
		vpci_command_apply(device);
	}
}

/* No DMA, no messages, no INTx; registers can be reached. */
static void quiet(struct vpci_device *device)
{
	device->command = PCI_COMMAND_INTX_DISABLE;
	vpci_command_apply(device);
	vpci_msi_quiet(device);
	vpci_msix_quiet(device);
}

static enum status alloc_interrupts(struct vpci_device *device, struct iommu_source source)
{
	u64 wanted = vpci_msix_vectors(device->function);
	u16 count = 1;

	if (device->function->msi)
		wanted = max_u64(wanted, device->function->msi_vectors);
	if (!wanted)
		return OK;
	while (count < wanted)
		count *= 2;
	return route_alloc(source, count, &device->interrupts);
}

/* Firmware may leave in D3hot what it has no use for. Its wake-up events are turned off as well. */
static enum status wake(const struct pci_function *function)
{
	u16 pm = pci_cap_find(function, PCI_CAP_PM, false);
	struct deadline deadline;

	if (!pm || !(pci_read(function->address, pm + VPCI_PM_CONTROL, 2) & VPCI_PM_STATE))
		return OK;
	pci_write(function->address, pm + VPCI_PM_CONTROL, 2, VPCI_PM_STATE_D0);
	/* It can't be asked meanwhile: it may be resetting itself. */
	deadline = deadline_in(VPCI_PM_D0_WAIT_US);
	while (!deadline_passed(deadline))
		cpu_pause();
	if (pci_read(function->address, pm + VPCI_PM_CONTROL, 2) & VPCI_PM_STATE)
		return ERR_TIMEOUT;
	return OK;
}

/* With decoding off, BARs can be written one by one; the mappings of registers need it on. */
static enum status bring_up(struct vpci_device *device, struct iommu_source source,
			    const char **reason)
{
	const struct pci_function *function = device->function;
	enum status status = wake(function);

	*reason = "it stays in a low power state";
	if (status != OK)
		return status;
	*reason = "no remapping entries for its interrupts";
	status = alloc_interrupts(device, source);
	if (status != OK)
		return status;
	pci_write(function->address, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	vpci_bars_restore(function);
	*reason = "its registers can't be reached";
	status = vpci_bars_trap(device);
	if (status != OK) {
		route_free(&device->interrupts);
		return status;
	}
	quiet(device);
	return OK;
}

static enum status refuse(const struct vm *vm, const struct pci_function *function,
			  enum status status, const char *reason)
{
	char text[SBDF_TEXT_MAX];

	log_line("vpci", "vm %s: %s is refused: %s (%s)", vm->name,
		 sbdf_text(function->address, text), reason, status_name(status));
	return status;
}

enum status vpci_add(struct vm *vm, const struct pci_function *function, struct iommu_source source,
		     u8 pin)
{
	struct vpci *pci = &vm->pci;
	struct vpci_device *device = &pci->device[pci->device_count];
	const char *reason = vpci_check(services.platform, function);
	enum status status;

	if (reason)
		return refuse(vm, function, ERR_INVALID, reason);
	if (pci->device_count == VPCI_MAX_DEVICES)
		return refuse(vm, function, ERR_NO_MEMORY, "the virtual bus is full");
	*device = (struct vpci_device){
		.function = function,
		.pin = function->interrupt_pin ? pin : VPCI_NO_PIN,
		.guest_line = pin,
	};
	status = bring_up(device, source, &reason);
	if (status != OK)
		return refuse(vm, function, status, reason);
	pci->device_count++;
	for (unsigned n = 0; n < PCI_MAX_BARS; n++)
		if (function->bar[n].kind == PCI_BAR_IO && vpci_bar_shown(function, n))
			device->io_bars |= (u8)BIT(n);
	device->command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	vpci_command_apply(device);
	vpci_bars_place(vm, device);
	vpci_bars_follow(vm);
	return OK;
}

void vpci_release(struct vm *vm)
{
	for (u32 n = 0; n < vm->pci.device_count; n++) {
		struct vpci_device *device = &vm->pci.device[n];

		device->pin = VPCI_NO_PIN;
		quiet(device);
		route_free(&device->interrupts);
	}
	vm->pci.device_count = 0;
}

/*
 * The host bridge, all of it: QEMU's generic one by its IDs (Red Hat 1b36:0008), which no system has a
 * driver or a quirk for, and of the class that makes a guest trust that there is a bus.
 */
static u32 bridge_read(u8 offset)
{
	switch (offset) {
	case PCI_VENDOR_ID:
		return 0x00081b36;
	case PCI_REVISION:
		return 0x06000000;
	default:
		return 0;
	}
}

/* The device that the address register selects: 0 for the bridge, else its number; -1 for none. */
static int selected(const struct vpci *pci)
{
	u32 bdf = pci->address >> 8 & 0xffff;
	u32 number = bdf >> 3;

	if (!(pci->address & ADDRESS_ENABLE) || bdf & 7 || number > pci->device_count)
		return -1;
	return (int)number;
}

static u32 ones(u8 width)
{
	return ~0u >> (32 - 8 * width);
}

/* True for an access that stays within the data port's dword. */
static bool is_data(u16 port, u8 width)
{
	return range_within(port, width, VPCI_DATA_PORT, 4);
}

u32 vpci_port_read(struct vm *vm, u16 port, u8 width)
{
	const struct vpci *pci = &vm->pci;
	int number = selected(pci);
	u8 offset = (u8)pci->address;
	u32 value;

	if (port == VPCI_ADDRESS_PORT && width == 4)
		return pci->address;
	if (!is_data(port, width) || number < 0)
		return ones(width);
	value = number ? vpci_config_read(&pci->device[number - 1], offset) : bridge_read(offset);
	return value >> 8 * (port - VPCI_DATA_PORT) & ones(width);
}

void vpci_port_write(struct vm *vm, u16 port, u8 width, u32 value)
{
	struct vpci *pci = &vm->pci;
	int number = selected(pci);
	unsigned shift = 8 * (port & 3u);

	if (port == VPCI_ADDRESS_PORT && width == 4)
		pci->address = value & ADDRESS_WRITABLE;
	else if (is_data(port, width) && number > 0)
		vpci_config_write(vm, &pci->device[number - 1], (u8)pci->address,
				  (value & ones(width)) << shift, ones(width) << shift);
}
