/*
 * The plan: the configuration held against the platform. What cannot be is refused here, per VM and
 * with the reason, before any hardware is written. Pure.
 */
#ifndef HV_VM_PLAN_H
#define HV_VM_PLAN_H

#include "hv/platform/platform.h"
#include "hv/vm/config.h"

#define VM_MAX_CPUS 8

#define VM_MEMORY_MIN	  MIB(16)
#define VM_MEMORY_DEFAULT MIB(128) /* without mem=; less where the VMs' equal shares are smaller */
#define VM_MEMORY_UNIT	  MIB(2)

#define PLAN_NO_VM 0xffffffffu

struct vm_plan {
	const struct vm_config *config;
	u32 cpu_count;
	u32 apic_id[VM_MAX_CPUS];
	u64 memory; /* bytes, 2 MiB aligned */
	u32 after;  /* the VM of the plan whose last end it waits for, or PLAN_NO_VM */
	u32 chain;  /* which VM the waiting began with: of one chain only one runs at a time */
	bool turns; /* of the chain's first VM: it waits for the last, so that they take turns */
	u32 device_count;
	const struct pci_function *device[VM_MAX_DEVICES];
};

struct plan {
	u32 vm_count;
	struct vm_plan vm[VM_MAX];
	u32 refused;	   /* VMs that were asked for and are not in it, wrong lines included */
	bool housekeeping; /* CPU 0 is kept back for the hypervisor */
};

/* What the machine can do that the plan depends on. */
struct plan_abilities {
	u32 boot_apic_id;
	u32 cpu_count; /* usable ones; apic_id[0] is the boot CPU's */
	const u32 *apic_id;
	bool assignment; /* DMA and interrupt remapping are there */
	const char *no_assignment_reason;
	/* Why the IOMMU can't take a requester ID into a VM, or NULL; not asked without assignment. */
	const char *(*iommu_refusal)(struct sbdf requester);
	bool one_owner;	      /* nothing is translated: one VM only can have devices */
	u64 memory_available; /* bytes of RAM that VMs can have */
};

/*
 * CPUs: with two or more, CPU 0 is kept back and the VMs get the others in order; a single one is shared
 * by the hypervisor and the first VM. Memory: mem= rounded up; VMs without it share equally what the
 * others leave. Devices: an isolation group (drivers/pci_groups.h) goes to one VM or to none; members that
 * the VM does not name stay in quarantine, and nobody else gets them. Bridges don't count, but a group with
 * another function that stays with the hypervisor, an IOMMU say, goes to nobody. One that can only interrupt
 * by a line, with another VM's device on that line, is refused. The first VM, if it has no
 * pci= word, gets the first NIC (class 02h) that takes nothing away from what others name, or starts without
 * one, and the log says why. With one_owner the first VM that names devices is the only one that has any.
 *
 * A VM with after= has the CPUs of the VM that it waits for, and no more; what that one gives back, memory and
 * devices, it can have. Only one VM can wait for another, and for none that restarts always. But the first of
 * such a chain may wait for the last: then they take turns, life by life, and each may restart always.
 *
 * Refused VMs are left out, each with one log line "vm NAME: refused: REASON", and what they asked for is
 * free for those after them. OK if at least one VM is left, else ERR_NOT_FOUND. The plan keeps pointers
 * into config and platform.
 */
enum status plan_make(const struct config *config, const struct platform *platform,
		      const struct plan_abilities *abilities, struct plan *plan);

/* True if a VM has the function or another one of its group. */
bool plan_takes_group_of(const struct plan *plan, const struct pci_function *function);

/* True if VM n's chain takes turns. */
bool plan_takes_turns(const struct plan *plan, u32 n);

/* The VM whose turn comes after VM n's: the one that waits for it; PLAN_NO_VM: none. */
u32 plan_successor(const struct plan *plan, u32 n);

void plan_print(const struct plan *plan);

#endif
