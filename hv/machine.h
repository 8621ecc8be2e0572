/*
 * The steps of hv_main(), in its order. A step that can't be done ends the boot with one clear line, and in
 * a way that whoever started the machine sees.
 */
#ifndef HV_MACHINE_H
#define HV_MACHINE_H

#include "arch/x86/vcpu.h"
#include "hv/platform/platform.h"
#include "hv/vm/plan.h"
#include "iommu/iommu.h"

/* The log goes to the UART at the port, if there is one. */
void machine_console(u16 port);

/* What the loader says; address is that of its information, below 4 GiB. */
void machine_boot_information(u64 address, struct bootinfo *boot);

/* What the command lines ask for, and the console and exit that they choose. */
void machine_configuration(const struct bootinfo *boot, struct config *config);

/*
 * The page pool, the hypervisor's own address space, its traps. What is left of the RAM is for VMs. Modules
 * may be moved.
 */
void machine_memory(struct bootinfo *boot, const struct hv_config *config);

/* Ends the boot unless status is OK; what is a noun. */
void machine_require(enum status status, const char *what);

/* The CPU's virtualisation, by the backend that fits it. Without any there is nothing to do. */
void machine_cpu_backend(const struct vcpu_ops *amd, const struct vcpu_ops *intel);

/*
 * Looks for the IOMMU. Without one that will do there are no devices for VMs, and that is said; or, if the
 * configuration asks for it, they are given out by `unsafe`, and that is said loudly.
 */
void machine_iommu(const struct iommu_ops *ops, const struct iommu_ops *unsafe,
		   const struct hv_config *config);

/* Has ports and functions send requests to the IOMMU as far as they can, and groups what does not. */
void machine_isolate_devices(struct pci_topology *pci);

/* Bus mastering and interrupts of all devices off, but for those that firmware goes on using. */
void machine_silence_devices(void);

/* Local APIC, clock, 8259, IOAPICs: everything masked. */
void machine_interrupts(const struct platform *platform);

/* Tells the isolation groups, and who gets what. */
void machine_plan(const struct config *config, struct plan *plan);

/* Turns the IOMMU on: from here on no device reaches anything that it wasn't given. */
void machine_close(const struct plan *plan);

void machine_start_processors(const struct plan *plan);
void machine_build_vms(const struct hv_config *config, const struct plan *plan);

/* Returns when all VMs have ended. */
void machine_run_vms(const struct plan *plan);

/* Says how it went, and stops the machine. */
_Noreturn void machine_report(void);

#endif
