/*
 * Devices between owners. What a device kept of its last owner, or of firmware, is reset before a VM gets it
 * and after it had it. On the boot CPU only, as nothing but the building of VMs and its way back needs it.
 */
#ifndef HV_VM_DEVICE_RESET_H
#define HV_VM_DEVICE_RESET_H

#include "hv/vm/vm.h"

/*
 * Resets the devices of the VM's plan, which are still in quarantine; from here on they are the VM's. A
 * device that can't be reset is given out once, as firmware left it, and that is told. ERR_UNSUPPORTED, told:
 * one of them had an owner and can't be reset; ERR_TIMEOUT: one did not come back.
 */
enum status vm_reset_devices(const struct vm *vm);

/*
 * Resets those that were the VM's, which are in quarantine again; they are nobody's then. One for which that
 * doesn't work stays in quarantine for good, and that is told.
 */
void vm_reset_released(const struct vm *vm);

#endif
