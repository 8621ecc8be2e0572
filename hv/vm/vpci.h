/*
 * A VM's PCI bus: bus 0 with a host bridge at 00:00.0 and the VM's devices from 00:01.0 on, each as
 * function 0, reached through ports 0xCF8 and 0xCFC. What a guest may read and write of a device's
 * configuration space is a policy table; BARs and MSI state are virtual, the physical ones are the
 * hypervisor's.
 *
 * A device's life: vpci_check() -> vpci_add() -> the guest's accesses -> vpci_release().
 */
#ifndef HV_VM_VPCI_H
#define HV_VM_VPCI_H

#include "arch/x86/mmio.h"
#include "drivers/pci.h"
#include "iommu/iommu.h"

#define VPCI_ADDRESS_PORT 0xcf8
#define VPCI_DATA_PORT	  0xcfc
#define VPCI_MAX_DEVICES  16
#define VPCI_MAX_VECTORS  64 /* MSI-X vectors that one device can use; more are not shown */
#define VPCI_NO_PIN	  0xff

struct platform;
struct vm;

/*
 * One BAR as the guest sees it. Its trapped part, if any, is whole pages, save for a BAR smaller than
 * a page, which is trapped as it is; the rest is in the VM's regions while the BAR is mapped.
 */
struct vpci_bar {
	u64 value;   /* what the guest wrote, size bits cleared; of a 64-bit BAR both halves */
	bool mapped; /* it can be reached at `at` */
	u64 at;
	u64 refused_at; /* where it could not be mapped last: told once */
	u64 trap_start; /* bytes from the BAR's start */
	u64 trap_size;
	struct mmio trapped; /* the physical registers behind the trapped part */
};

/* One message as the guest programmed it. */
struct vpci_message {
	u64 address;
	u32 data;
	bool masked;
	bool routed; /* MSI-X: its remapping entry and the physical table follow from it */
};

struct vpci_device {
	const struct pci_function *function;
	u16 command;   /* the guest's view */
	bool cut_off;  /* bus mastering is off, whatever the guest writes; atomic */
	u8 pin;	       /* the virtual IOAPIC pin of its INTx, or VPCI_NO_PIN */
	u8 guest_line; /* Interrupt Line: what the guest stored, at first the pin */
	u8 told;       /* lines of the log that the guest's doings have cost so far */
	u8 io_bars;    /* bit n: BAR n, which the guest sees, is of I/O ports */
	struct vpci_bar bar[PCI_MAX_BARS];

	bool msi_enabled;
	u8 msi_multiple; /* log2 of the vectors the guest enabled */
	u32 msi_mask;
	struct vpci_message msi; /* vector 0's; the others follow from it */
	bool msix_enabled;
	bool msix_function_masked;
	struct vpci_message msix[VPCI_MAX_VECTORS];
	struct iommu_interrupts interrupts; /* enough for MSI-X or MSI, whichever takes more */
};

struct vpci {
	u32 address;	 /* the 0xCF8 register */
	u64 next_memory; /* free from here on in the windows; 0: nothing was placed yet */
	u64 next_high;
	u32 next_io;
	u32 io_first; /* all ports of decoded BARs are among the io_size from here on */
	u32 io_size;
	u64 trap_first; /* likewise the trapped parts of those that are mapped */
	u64 trap_size;
	u32 device_count;
	struct vpci_device device[VPCI_MAX_DEVICES];
};

/*
 * Why a function can't be given to a VM, as a constant phrase ("a BAR overlaps ..."), or NULL if it can:
 * its BARs must be where nothing else is, and its MSI-X table where it can be trapped. Pure.
 */
const char *vpci_check(const struct platform *platform, const struct pci_function *function);

/*
 * Puts a function, quarantined so far, on the bus. The guest finds it as after firmware: in D0, BARs placed
 * and decoded, bus master off, MSI and MSI-X off; its other registers are as they are. Its requester IDs must
 * be attached to the VM's domain already, and the VM's RAM must be in its regions. source: what its messages
 * come from; pin: the virtual IOAPIC pin of its INTx, or VPCI_NO_PIN. Errors, told with the reason, leave the
 * device off the bus and silent: ERR_INVALID for what vpci_check() refuses, ERR_NO_MEMORY for a full bus,
 * ERR_TIMEOUT for a device that stays in another power state than D0, others as of mmio_map() and the IOMMU.
 */
enum status vpci_add(struct vm *vm, const struct pci_function *function, struct iommu_source source,
		     u8 pin);

/*
 * Turns all devices' bus mastering and interrupts off, and gives their remapping entries back. The bus
 * is empty then; BARs stay in the VM's regions.
 */
void vpci_release(struct vm *vm);

/*
 * Turns the device's bus mastering off, hence its messages too, until it is added anew: the guest reads the
 * bit as 0, and what it writes to it is dropped. From any CPU.
 */
void vpci_cut_off(struct vm *vm, const struct pci_function *function);

/* The ports 0xCF8-0xCFF; width 1, 2, 4. */
u32 vpci_port_read(struct vm *vm, u16 port, u8 width);
void vpci_port_write(struct vm *vm, u16 port, u8 width, u32 value);

/* False if no trapped part of a BAR can be there. */
static inline bool vpci_may_trap(const struct vpci *pci, gpa_t address)
{
	return address.v - pci->trap_first < pci->trap_size;
}

/*
 * Accesses to trapped parts of BARs (MSI-X tables, BARs smaller than a page), width 1, 2, 4, 8: true if
 * the address is in one that is mapped. Ones that are not naturally aligned, or leave the BAR, read all
 * ones and write nothing.
 */
bool vpci_mmio_read(struct vm *vm, gpa_t address, u8 width, u64 *value);
bool vpci_mmio_write(struct vm *vm, gpa_t address, u8 width, u64 value);

/* False if no I/O BAR can have the port. */
static inline bool vpci_may_have_port(const struct vpci *pci, u16 port)
{
	return port - pci->io_first < pci->io_size;
}

/*
 * Likewise accesses to I/O BARs, width 1, 2, 4, any alignment. A guest can place an I/O BAR over any port:
 * ask for the ports of the hypervisor's own devices first.
 */
bool vpci_io_read(struct vm *vm, u16 port, u8 width, u32 *value);
bool vpci_io_write(struct vm *vm, u16 port, u8 width, u32 value);

#endif
