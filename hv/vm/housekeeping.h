/*
 * The hypervisor's own work while VMs run: the IOMMU's faults, the console's input. On a CPU kept back for
 * it, or on the one CPU there is when an event interrupts the guest.
 */
#ifndef HV_VM_HOUSEKEEPING_H
#define HV_VM_HOUSEKEEPING_H

#include "hv/vm/vm.h"

/* The VMs that faults are attributed to; input goes to the first of them that is built by now. */
void housekeeping_init(struct vm *vms, u32 count);

/* No more bytes than these are cleared or copied at a stretch, without it in between. */
#define HOUSEKEEPING_PIECE MIB(2)

/*
 * Takes all that has come up; nothing before housekeeping_init(), as no VM runs yet. A VM's device that faults too often is cut off (vpci_cut_off()): the VM goes on
 * without its DMA, and is told by the log alone. Bounded; one CPU at a time.
 */
void housekeeping(void);

#endif
