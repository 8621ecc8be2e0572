#include "hv/base/log.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/*
 * The table that the VM's devices may share. Reserved regions, which are mapped into a domain besides the
 * VM's memory, are not for its CPUs: with a device that has some there are two tables.
 */
static const struct pt *shareable_table(const struct vm *vm)
{
	for (u32 i = 0; i < vm->plan->device_count; i++)
		if (services.iommu->has_reserved(
			    pci_requester_id(&services.platform->pci, vm->plan->device[i])))
			return NULL;
	return &vm->nested;
}

enum status vm_domain_create(struct vm *vm)
{
	enum status status = services.iommu->domain_create(&vm->domain, shareable_table(vm));

	vm->has_domain = status == OK;
	if (status == OK && vm->domain.shared)
		log_line(vm->name, "its devices share the CPU's %s table",
			 services.cpu->nested_name);
	return status;
}

enum status vm_attach(struct vm *vm, struct vm_device *device)
{
	for (u8 i = 0; i < device->requesters.count; i++) {
		struct sbdf id = device->requesters.id[i];
		enum status status;

		/* Behind a bridge to conventional PCI several devices have one ID. */
		if (vm_has_requester(vm, id))
			continue;
		status = services.iommu->attach(&vm->domain, id);
		if (status != OK) {
			(void)!vm_detach(vm, device);
			return status;
		}
		device->attached |= (u16)BIT(i);
	}
	return OK;
}

enum status vm_detach(struct vm *vm, struct vm_device *device)
{
	enum status result = OK;

	for (u8 i = 0; i < device->requesters.count; i++) {
		enum status status;

		if (!(device->attached & BIT(i)))
			continue;
		status = services.iommu->detach(&vm->domain, device->requesters.id[i]);
		if (status != OK)
			result = status;
	}
	device->attached = 0;
	return result;
}
