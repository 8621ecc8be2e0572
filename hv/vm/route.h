/*
 * The way of a VM's interrupts: from what a guest writes into an MSI message or an IOAPIC entry to remapping
 * entries of the IOMMU, and what the hardware gets instead. Where a VM has devices there is an IOMMU; the
 * two functions that only say what a target is do without.
 */
#ifndef HV_VM_ROUTE_H
#define HV_VM_ROUTE_H

#include "iommu/iommu.h"

/*
 * An IOAPIC entry in the compatibility format (Intel 82093AA data sheet, 3.2.4), beyond the fields of
 * drivers/ioapic.h, which both formats have.
 */
#define PLAIN_ENTRY_LOGICAL    BIT(11)
#define PLAIN_ENTRY_DEST_SHIFT 56

/* A message in the compatibility format (Intel SDM volume 3A, 11.11). */
#define MSI_ADDRESS	       0xfee00000ull
#define MSI_ADDRESS_MASK       (~0xfffffull)
#define MSI_ADDRESS_REMAPPED   BIT(4)
#define MSI_ADDRESS_LOGICAL    BIT(2)
#define MSI_ADDRESS_DEST_SHIFT 12
#define MSI_DATA_VECTOR	       0xffu

struct vm;

/*
 * Where a guest's message or entry goes: false if that is nowhere a guest may send to, i.e. the delivery
 * mode is neither fixed nor lowest priority, the vector is below 32, the message is not one to a local
 * APIC, or the destination is no vCPU of the VM. The mask bit of an entry is not looked at. Since a
 * target is one CPU, lowest priority is the same as fixed, and comes out as that.
 */
bool route_message_target(const struct vm *vm, u64 address, u32 data,
			  struct interrupt_target *target);
bool route_pin_target(const struct vm *vm, u64 entry, struct interrupt_target *target);

/*
 * count (a power of two) remapping entries for a source's messages, or one for the IOAPIC pin of gsi.
 * ERR_NOT_FOUND: no IOAPIC has that line; others as of the IOMMU.
 */
enum status route_alloc(struct iommu_source source, u16 count, struct iommu_interrupts *interrupts);
enum status route_alloc_pin(u32 gsi, struct iommu_interrupts *interrupts);

/* Gives them back; what used them must be masked. Safe where none are held. */
void route_free(struct iommu_interrupts *interrupts);

/*
 * Points entry n at target. On an error, which is told the first few times, it must be taken for pointing
 * nowhere.
 */
enum status route_set(const struct iommu_interrupts *interrupts, u16 n,
		      const struct interrupt_target *target);
void route_clear(const struct iommu_interrupts *interrupts, u16 n);

/*
 * What the device or the physical pin is given, so that entry n, which points at target, is used. A
 * device that has several MSI vectors adds the vector's number to the data of entry 0.
 */
struct msi_message route_message(const struct iommu_interrupts *interrupts, u16 n);
u64 route_pin_entry(const struct iommu_interrupts *interrupts,
		    const struct interrupt_target *target, bool active_low, bool masked);

#endif
