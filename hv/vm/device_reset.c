#include "hv/vm/device_reset.h"

#include "drivers/pci_reset.h"
#include "hv/base/log.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/services.h"

/* A function that a plan gives to a VM. */
static struct record {
	const struct pci_function *function;
	const struct vm *owner;
	bool spoiled; /* by an owner, or by a reset that did not work: never given out again */
} records[VM_MAX * VM_MAX_DEVICES];
static u32 record_count;

static struct record *find_record(const struct pci_function *function)
{
	for (u32 i = 0; i < record_count; i++)
		if (records[i].function == function)
			return &records[i];
	return NULL;
}

/* There is room for as many as all VMs' plans can name. */
static struct record *record_of(const struct pci_function *function)
{
	struct record *record = find_record(function);

	if (!record) {
		record = &records[record_count++];
		*record = (struct record){.function = function};
	}
	return record;
}

static void tell(const struct vm *vm, const struct pci_function *function, const char *what,
		 const char *how)
{
	char text[SBDF_TEXT_MAX];

	log_line(vm->name, "%s: %s%s", sbdf_text(function->address, text), what, how);
}

/* Not what another VM has, nor what firmware goes on using. */
static bool may_be_reset(const struct pci_function *neighbour, const void *context)
{
	const struct record *record = find_record(neighbour);

	return (!record || !record->owner || record->owner == context) &&
	       !services.iommu->has_reserved(pci_requester_id(&services.platform->pci, neighbour));
}

static enum status reset(const struct vm *vm, const struct pci_function *function,
			 enum pci_reset_method *method)
{
	return pci_reset(&services.platform->pci, function,
			 (struct pci_reset_with){may_be_reset, vm, housekeeping}, method);
}

static enum status reset_first(const struct vm *vm, struct record *record)
{
	enum pci_reset_method method;
	enum status status;

	if (record->spoiled) {
		tell(vm, record->function, "stays in quarantine: it could not be reset", "");
		return ERR_UNSUPPORTED;
	}
	status = reset(vm, record->function, &method);
	if (status == OK) {
		tell(vm, record->function, "reset: ", pci_reset_name(method));
	} else if (status == ERR_UNSUPPORTED) {
		/* Its first owner: else it would be spoiled. */
		tell(vm, record->function, "can't be reset: given out once, as firmware left it",
		     "");
	} else {
		record->spoiled = true;
		tell(vm, record->function, "quarantined for good: it did not come back from reset",
		     "");
		return status;
	}
	record->owner = vm;
	return OK;
}

enum status vm_reset_devices(const struct vm *vm)
{
	for (u32 i = 0; i < vm->plan->device_count; i++) {
		enum status status = reset_first(vm, record_of(vm->plan->device[i]));

		if (status != OK)
			return status;
	}
	return OK;
}

void vm_reset_released(const struct vm *vm)
{
	for (u32 i = 0; i < record_count; i++) {
		struct record *record = &records[i];
		enum pci_reset_method method;

		if (record->owner != vm)
			continue;
		if (reset(vm, record->function, &method) == OK) {
			tell(vm, record->function, "released, reset: ", pci_reset_name(method));
		} else {
			record->spoiled = true;
			tell(vm, record->function, "quarantined for good: it can't be reset", "");
		}
		record->owner = NULL;
	}
}
