/* What the files of the virtual PCI bus share, and nobody else uses. */
#ifndef HV_VM_VPCI_DEVICE_H
#define HV_VM_VPCI_DEVICE_H

#include "drivers/pci_regs.h"
#include "hv/vm/vpci.h"

/* PCI 3.0 6.2.2: what bits of the command register a guest can store. */
#define VPCI_COMMAND_PARITY 0x0040
#define VPCI_COMMAND_SERR   0x0100
#define VPCI_COMMAND_GUEST                                                                         \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | VPCI_COMMAND_PARITY |          \
	 VPCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

/* PCI power management 1.2, 3.2.4: offset in the capability, and what of it says the power state. */
#define VPCI_PM_CONTROL	   0x04
#define VPCI_PM_STATE	   0x0003
#define VPCI_PM_STATE_D0   0x0000
#define VPCI_PM_D0_WAIT_US 10000 /* PCIe 5.0, 5.9: from D3hot, the longest of all */

/* IOAPICs, HPET, most remapping units, local APICs, MSI addresses: no BAR is here, virtual or physical. */
#define VPCI_APICS_START 0xfec00000ull
#define VPCI_APICS_SIZE	 0x300000ull

/*
 * True if the guest may cost another line of the log for this device: a few, then a last one that says
 * that no more will follow.
 */
bool vpci_may_tell(const struct vm *vm, struct vpci_device *device);

/* The physical command register from the guest's view of it and from who raises interrupts. */
void vpci_command_apply(const struct vpci_device *device);
/* The guest's view of it: without bus mastering while the device is cut off. */
u16 vpci_command_read(const struct vpci_device *device);

/* One dword of configuration space; offset a multiple of 4, mask the bits that are written. */
u32 vpci_config_read(const struct vpci_device *device, u8 offset);
void vpci_config_write(struct vm *vm, struct vpci_device *device, u8 offset, u32 value, u32 mask);

/* A BAR that the guest sees: all, but no I/O BAR where one of the function's has no address. */
bool vpci_bar_shown(const struct pci_function *function, unsigned n);
bool vpci_bar_is_memory(const struct pci_function *function, unsigned n);

/* Maps the registers behind the trapped parts. Errors of mmio_map(). */
enum status vpci_bars_trap(struct vpci_device *device);
/* Gives the BARs their first places, from the bus's windows. */
void vpci_bars_place(struct vm *vm, struct vpci_device *device);
/* Writes the physical BARs as they were found at boot; a device that was in D3hot may have lost them. */
void vpci_bars_restore(const struct pci_function *function);

/* BAR register n of the header, of either half. */
u32 vpci_bar_read(const struct vpci_device *device, unsigned n);
void vpci_bar_write(struct vpci_device *device, unsigned n, u32 value, u32 mask);

/*
 * Makes the VM's regions follow the BARs and command registers of all its devices. A BAR that can't be
 * where the guest put it is nowhere until the guest moves it, or what is in its way.
 */
void vpci_bars_follow(struct vm *vm);

/* The MSI capability; at is a dword's offset in it, mask the bits that are written. */
u32 vpci_msi_read(const struct vpci_device *device, u8 at);
void vpci_msi_write(struct vm *vm, struct vpci_device *device, u8 at, u32 value, u32 mask);
/* Programs the physical MSI as the guest's registers say; MSI-X, while it is on, takes its place. */
void vpci_msi_follow(struct vm *vm, struct vpci_device *device);
/* Turns MSI off; the guest's registers are reset. */
void vpci_msi_quiet(struct vpci_device *device);

/* The MSI-X capability, likewise. */
u32 vpci_msix_read(const struct vpci_device *device, u8 at);
void vpci_msix_write(struct vm *vm, struct vpci_device *device, u8 at, u32 value, u32 mask);

/* Turns MSI-X off and masks the whole physical table, firmware's entries too; the guest's is reset. */
void vpci_msix_quiet(struct vpci_device *device);

/* Entries that the guest sees; 0 without MSI-X. */
u16 vpci_msix_vectors(const struct pci_function *function);

/* True if the byte of the BAR is in the MSI-X table, or in its pending bits. */
bool vpci_msix_in_table(const struct pci_function *function, unsigned bar, u64 offset);
bool vpci_msix_in_pending(const struct pci_function *function, unsigned bar, u64 offset);

/* Accesses to the table, naturally aligned; offset in the BAR. */
u64 vpci_msix_table_read(const struct vpci_device *device, u64 offset, u8 width);
void vpci_msix_table_write(struct vm *vm, struct vpci_device *device, u64 offset, u8 width,
			   u64 value);

#endif
