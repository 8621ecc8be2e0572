#include "hv/vm/route.h"

#include "drivers/ioapic.h"
#include "hv/base/log.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/*
 * An interrupt that is still pending when the VM ends is taken through the hypervisor's own table, where the
 * vectors below 32 are exceptions. The manuals reserve 16-31 for exceptions too (Intel SDM volume 3A, 6.2),
 * though an APIC would deliver them (11.5.2).
 */
#define FIRST_LEGAL_VECTOR 32

#define MAX_TOLD 16

/* A guest can make hardware fail again and again: only the first errors of all VMs are told. */
static bool may_tell(void)
{
	static u32 told;

	/* Looked at before, so that it is not counted on until it wraps. */
	return __atomic_load_n(&told, __ATOMIC_RELAXED) < MAX_TOLD &&
	       __atomic_fetch_add(&told, 1, __ATOMIC_RELAXED) < MAX_TOLD;
}

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

enum status route_alloc(struct iommu_source source, u16 count, struct iommu_interrupts *interrupts)
{
	return services.iommu->interrupts_alloc(source, count, interrupts);
}

enum status route_alloc_pin(u32 gsi, struct iommu_interrupts *interrupts)
{
	struct gsi_pin pin;

	if (!gsi_find(gsi, &pin))
		return ERR_NOT_FOUND;
	return services.iommu->interrupts_alloc_ioapic(pin.ioapic_id, 1, interrupts);
}

void route_free(struct iommu_interrupts *interrupts)
{
	if (interrupts->count) {
		enum status status = services.iommu->interrupts_free(interrupts);

		if (status != OK && may_tell())
			log_line("route", "%u remapping entries are lost: %s", interrupts->count,
				 status_name(status));
	}
	*interrupts = (struct iommu_interrupts){0};
}

enum status route_set(const struct iommu_interrupts *interrupts, u16 n,
		      const struct interrupt_target *target)
{
	enum status status = services.iommu->interrupt_set(interrupts, n, target);

	if (status != OK && may_tell())
		log_line("route", "remapping entry %u can't be set: %s", interrupts->first + n,
			 status_name(status));
	return status;
}

void route_clear(const struct iommu_interrupts *interrupts, u16 n)
{
	enum status status = services.iommu->interrupt_clear(interrupts, n);

	if (status != OK && may_tell())
		log_line("route", "remapping entry %u can't be cleared: %s", interrupts->first + n,
			 status_name(status));
}

struct msi_message route_message(const struct iommu_interrupts *interrupts, u16 n)
{
	return services.iommu->msi_message(interrupts, n);
}

u64 route_pin_entry(const struct iommu_interrupts *interrupts,
		    const struct interrupt_target *target, bool active_low, bool masked)
{
	return services.iommu->ioapic_entry(interrupts, 0, target, active_low, masked);
}
