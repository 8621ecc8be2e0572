#include "hv/vm/route.h"

#include "drivers/ioapic.h"
#include "hv/base/log.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define FIRST_LEGAL_VECTOR 16	/* Intel SDM volume 3A, 11.5.2 */
#define PLAIN_MAX_APIC_ID  0xfe /* the compatibility format has 8 bits, and all ones are broadcast */

static bool target_make(const struct vm *vm, u32 destination, bool logical, u64 delivery, u8 vector,
			struct interrupt_target *target)
{
	int vcpu;

	if (delivery != DELIVERY_FIXED && delivery != DELIVERY_LOWEST)
		return false;
	if (vector < FIRST_LEGAL_VECTOR)
		return false;
	vcpu = vm_destination(vm, destination, logical);
	if (vcpu < 0)
		return false;
	*target = (struct interrupt_target){
		.apic_id = vm->vcpu[vcpu].apic_id, .vector = vector, .delivery = DELIVERY_FIXED};
	return true;
}

bool route_message_target(const struct vm *vm, u64 address, u32 data,
			  struct interrupt_target *target)
{
	if ((address & MSI_ADDRESS_MASK) != MSI_ADDRESS || (address & MSI_ADDRESS_REMAPPED))
		return false;
	return target_make(vm, (address >> MSI_ADDRESS_DEST_SHIFT) & 0xff,
			   address & MSI_ADDRESS_LOGICAL, bits_get(data, 10, 8),
			   data & MSI_DATA_VECTOR, target);
}

bool route_pin_target(const struct vm *vm, u64 entry, struct interrupt_target *target)
{
	if (!target_make(vm, (u32)(entry >> PLAIN_ENTRY_DEST_SHIFT), entry & PLAIN_ENTRY_LOGICAL,
			 bits_get(entry, 10, 8), entry & IOAPIC_ENTRY_VECTOR, target))
		return false;
	target->level = entry & IOAPIC_ENTRY_LEVEL;
	return true;
}

/* Without an IOMMU only an identity VM has interrupts, and its entries are but a count. */
static enum status alloc_in_name(const struct vm *vm, u16 count,
				 struct iommu_interrupts *interrupts)
{
	if (!vm->identity)
		return ERR_UNSUPPORTED;
	*interrupts = (struct iommu_interrupts){.count = count};
	return OK;
}

enum status route_alloc(const struct vm *vm, struct sbdf requester, u16 count,
			struct iommu_interrupts *interrupts)
{
	if (!services.iommu)
		return alloc_in_name(vm, count, interrupts);
	return services.iommu->interrupts_alloc(requester, count, interrupts);
}

enum status route_alloc_pin(const struct vm *vm, u32 gsi, struct iommu_interrupts *interrupts)
{
	struct gsi_pin pin;

	if (!gsi_find(gsi, &pin))
		return ERR_NOT_FOUND;
	if (!services.iommu)
		return alloc_in_name(vm, 1, interrupts);
	return services.iommu->interrupts_alloc_ioapic(pin.ioapic_id, 1, interrupts);
}

void route_free(struct iommu_interrupts *interrupts)
{
	if (interrupts->count && services.iommu) {
		enum status status = services.iommu->interrupts_free(interrupts);

		if (status != OK)
			log_line("route", "%u remapping entries are lost: %s", interrupts->count,
				 status_name(status));
	}
	*interrupts = (struct iommu_interrupts){0};
}

enum status route_set(const struct iommu_interrupts *interrupts, u16 n,
		      const struct interrupt_target *target)
{
	enum status status;

	if (!services.iommu)
		return target->apic_id <= PLAIN_MAX_APIC_ID ? OK : ERR_UNSUPPORTED;
	status = services.iommu->interrupt_set(interrupts, n, target);
	if (status != OK)
		log_line("route", "remapping entry %u can't be set: %s", interrupts->first + n,
			 status_name(status));
	return status;
}

void route_clear(const struct iommu_interrupts *interrupts, u16 n)
{
	enum status status;

	if (!services.iommu)
		return;
	status = services.iommu->interrupt_clear(interrupts, n);
	if (status != OK)
		log_line("route", "remapping entry %u can't be cleared: %s", interrupts->first + n,
			 status_name(status));
}

struct msi_message route_message(const struct iommu_interrupts *interrupts, u16 n,
				 const struct interrupt_target *target)
{
	if (services.iommu)
		return services.iommu->msi_message(interrupts, n);
	return (struct msi_message){
		.address = MSI_ADDRESS | (u64)target->apic_id << MSI_ADDRESS_DEST_SHIFT,
		.data = target->vector,
	};
}

u64 route_pin_entry(const struct iommu_interrupts *interrupts,
		    const struct interrupt_target *target, bool active_low, bool masked)
{
	if (services.iommu)
		return services.iommu->ioapic_entry(interrupts, 0, target, active_low, masked);
	return (u64)target->apic_id << PLAIN_ENTRY_DEST_SHIFT | target->vector |
	       (active_low ? IOAPIC_ENTRY_ACTIVE_LOW : 0) |
	       (target->level ? IOAPIC_ENTRY_LEVEL : 0) | (masked ? IOAPIC_ENTRY_MASKED : 0);
}
