/* From the plan to a VM that can run, and the way back. */
#ifndef HV_VM_BUILD_H
#define HV_VM_BUILD_H

#include "hv/vm/vm.h"

/*
 * Gives the VM its memory (zeroed), firmware tables, kernel, vCPUs and devices. memory is what is left of
 * the machine's RAM, services.memory; the VM's share is taken out. On an error, told with the reason, all is
 * given back.
 */
enum status vm_build(struct vm *vm, const struct vm_plan *plan, const struct hv_config *config,
		     struct memmap *memory);

/* Takes the devices away: quarantined, bus mastering and interrupts off. The VM must not run. */
void vm_release_devices(struct vm *vm);

/*
 * Gives all back that vm_build() took: devices, lines, domain, vCPUs, tables, memory. What the VM was, its
 * end and its counters stay to be read. None of its CPUs may be in it any more. Where the IOMMU does not
 * tell that it has forgotten the VM's domain, that and the memory are kept for good, and that is told.
 */
void vm_unbuild(struct vm *vm);

/* RAM that memmap_take() gave the VM is anyone's again; if that can't be, it is told. */
void vm_give_memory(const struct vm *vm, hpa_t start, u64 size);

#endif
