/* What shares an isolation group with a VM's devices. */
#ifndef HV_VM_MATES_H
#define HV_VM_MATES_H

#include "hv/vm/plan.h"

/*
 * Turns bus mastering and interrupts of all functions off that are in the group of a VM's device, even if
 * firmware would go on using them: such a function and the device could reach each other past the IOMMU.
 */
void mates_silence(const struct plan *plan, const struct pci_topology *pci);

#endif
