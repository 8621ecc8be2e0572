/* From the plan to a VM that can run, and the way back. */
#ifndef HV_VM_BUILD_H
#define HV_VM_BUILD_H

#include "hv/vm/vm.h"

/*
 * Gives the VM its memory (zeroed), firmware tables, kernel, vCPUs and devices. memory is what is left of
 * the machine's RAM; the VM's share is taken out. On an error, told with the reason, all is given back but
 * the RAM.
 */
enum status vm_build(struct vm *vm, const struct vm_plan *plan, const struct hv_config *config,
		     struct memmap *memory);

/* Takes the devices away: quarantined, bus mastering and interrupts off. The VM must not run. */
void vm_release_devices(struct vm *vm);

#endif
