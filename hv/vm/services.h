/* What VMs use of the machine, chosen once at boot. The only way from this floor to a backend. */
#ifndef HV_VM_SERVICES_H
#define HV_VM_SERVICES_H

#include "arch/x86/vcpu.h"
#include "iommu/iommu.h"

struct services {
	const struct platform *platform;
	const struct vcpu_ops *cpu;
	const struct iommu_ops *iommu; /* NULL: there is none, and no VM has devices */
	struct pool *pool;
	struct memmap *memory; /* RAM that nobody has yet */
	hpa_t trampoline;      /* a page below 1 MiB for starting processors */
};

extern struct services services;

#endif
