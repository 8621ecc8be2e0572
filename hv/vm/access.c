#include "hv/vm/access.h"

#include "hv/vm/vm.h"

#define APIC_PAGE_SIZE PAGE_SIZE

/*
 * Registers of the local APIC take aligned accesses of 32 bits at multiples of 16 (Intel SDM volume 3A,
 * 11.4.1); what others do is undefined: here, nothing.
 */
static u64 local_apic_read(struct vm *vm, struct vcpu *vcpu, u32 offset, u8 width)
{
	u32 value = 0;

	if (width == 4 && is_aligned(offset, 16))
		(void)vlapic_mmio_read(vm, vcpu, offset, &value);
	return value;
}

static void local_apic_write(struct vm *vm, struct vcpu *vcpu, u32 offset, u8 width, u64 value)
{
	if (width == 4 && is_aligned(offset, 16))
		(void)vlapic_mmio_write(vm, vcpu, offset, (u32)value);
}

u64 access_read(struct vm *vm, struct vcpu *vcpu, gpa_t address, u8 width)
{
	u64 value = 0;

	if (range_within(address.v, width, VLAPIC_BASE, APIC_PAGE_SIZE))
		return local_apic_read(vm, vcpu, (u32)(address.v - VLAPIC_BASE), width);
	if (range_within(address.v, width, VIOAPIC_BASE, APIC_PAGE_SIZE))
		return width == 4 ? vioapic_read(vm, (u32)(address.v - VIOAPIC_BASE)) : 0;
	if (vm_read(vm, address, &value, width))
		return value;
	if (vpci_may_trap(&vm->pci, address) && vpci_mmio_read(vm, address, width, &value))
		return value;
	return BITS(8 * width - 1, 0);
}

void access_write(struct vm *vm, struct vcpu *vcpu, gpa_t address, u8 width, u64 value)
{
	if (range_within(address.v, width, VLAPIC_BASE, APIC_PAGE_SIZE))
		local_apic_write(vm, vcpu, (u32)(address.v - VLAPIC_BASE), width, value);
	else if (range_within(address.v, width, VIOAPIC_BASE, APIC_PAGE_SIZE)) {
		if (width == 4)
			vioapic_write(vm, (u32)(address.v - VIOAPIC_BASE), (u32)value);
	} else if (!vm_write(vm, address, &value, width) && vpci_may_trap(&vm->pci, address))
		(void)vpci_mmio_write(vm, address, width, value);
}
