/* What the files that make the plan share, and nobody else uses. */
#ifndef HV_VM_PLANNER_H
#define HV_VM_PLANNER_H

#include "hv/vm/plan.h"

/* What is still to be had while VMs are looked at one after the other. */
struct planner {
	const struct config *config;
	const struct platform *platform;
	const struct plan_abilities *abilities;
	struct plan *plan;
	u32 next_cpu;	 /* index into abilities->apic_id */
	u64 memory_left; /* bytes */
	u64 share;	 /* bytes for each VM without mem= */
};

/* Tells that the VM is refused; about may be "". Always false. */
bool planner_refuse(const struct vm_config *vm, const char *about, const char *reason);

/* Gives the VM its devices, the default one included. False: it is refused, which was told. */
bool planner_devices(const struct planner *planner, struct vm_plan *vm);

#endif
