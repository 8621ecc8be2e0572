/*
 * A VM: memory regions, vCPUs, devices, console, and what happened to it.
 *
 * States: planned -> built (vm_build) -> running (vm_run) -> ended (vm_end, from any exit or request) -> given
 * back (vm_unbuild), from where it can be built again. An ended VM's devices are quarantined before its memory
 * can be used for anything else.
 */
#ifndef HV_VM_VM_H
#define HV_VM_VM_H

#include "arch/x86/vcpu.h"
#include "drivers/nic_stats.h"
#include "hv/vm/instruction.h"
#include "hv/vm/memory_layout.h"
#include "hv/vm/plan.h"
#include "hv/vm/signal.h"
#include "hv/vm/startup.h"
#include "hv/vm/vioapic.h"
#include "hv/vm/vlapic.h"
#include "hv/vm/vpci.h"
#include "hv/vm/vuart.h"
#include "iommu/iommu.h"

#define VM_MAX_REGIONS 64

/* Guest-physical memory with something behind it. */
struct vm_region {
	gpa_t start;
	u64 size; /* bytes, page aligned */
	hpa_t host;
	u32 prot; /* PT_* for the CPU; devices get its PT_READ and PT_WRITE */
	bool ram; /* not registers */
	/*
	 * Devices are to reach it too: RAM, but for the first MiB of an identity layout. Where they share the
	 * CPU's table they reach registers as well, which are the VM's own devices'.
	 */
	bool dma;
};

/* A function that the VM owns, and the IDs that its requests carry at the IOMMU. */
struct vm_device {
	const struct pci_function *function;
	struct pci_requesters requesters; /* for faults told late they stay here */
	u16 attached;			  /* bit n: requesters.id[n] is in the domain by it */
	u32 fault_score;		  /* faults that are not forgiven yet: housekeeping() */
	u64 fault_halved;		  /* clock_us() when that was halved last */
	bool has_stats;			  /* taken when the VM ended */
	struct nic_stats stats;
};

enum vm_end_kind {
	VM_RUNNING,
	VM_EXITED,  /* wrote a code to port 0xF4 */
	VM_CRASHED, /* triple fault, or something that can't go on; .end_reason says what */
	VM_STOPPED, /* by the hypervisor */
};

struct vm_counters {
	u64 exits[EXIT_KINDS];
	u64 eois; /* local APIC EOIs that came as exits */
	u64 dma_faults;
	u64 console_lines;
};

struct vm {
	char name[VM_NAME_MAX];
	const struct vm_plan *plan;

	u32 region_count;
	struct vm_region region[VM_MAX_REGIONS];
	u64 memory; /* bytes of RAM */
	struct memory_layout layout;
	struct pt nested;
	struct pool_chain nested_retired;
	bool has_domain;
	struct iommu_domain domain;

	bool x2apic;		 /* its CPUs' local APICs are in x2APIC mode */
	bool shares_cpu;	 /* the hypervisor's own work is done on its CPU */
	struct vcpu_start start; /* where its first vCPU begins */
	u32 vcpu_count;
	struct vcpu vcpu[VM_MAX_CPUS];
	struct vlapic vlapic[VM_MAX_CPUS];
	struct signals signals[VM_MAX_CPUS];
	struct decoded decoded[VM_MAX_CPUS][DECODED_MAX];
	u32 vcpus_done; /* with the VM, as it has ended; atomic */
	/*
	 * One vCPU at a time handles an exit or what others ask of it: whatever they share is safe, i.e. all
	 * in this struct but what has another lock or is atomic. Never held in the guest.
	 */
	struct lock lock;
	struct startup startup[VM_MAX_CPUS];
	struct vioapic vioapic;
	struct vuart uart;
	struct lock console_lock; /* uart: input comes from another CPU; taken after `lock` */
	struct vpci pci;
	u32 device_count;
	struct vm_device device[VM_MAX_DEVICES];

	/* Set once, by vm_end(), code and reason before the kind; other CPUs look by vm_has_ended(). */
	bool ending;
	enum vm_end_kind end;
	u32 end_code; /* VM_EXITED */
	const char *end_reason;
	bool finished; /* its CPUs are done with it; atomic */
	struct vm_counters counters;
};

/*
 * Makes the domain of the devices that the plan names, on the nested tables if that is possible. Before the
 * first vm_map(). Errors as of the IOMMU.
 */
enum status vm_domain_create(struct vm *vm);

/*
 * Puts all IDs of a device of its into the VM's domain but those that an earlier one has there already, all
 * or none; and takes them out again. Errors as of the IOMMU; after one of vm_detach() the device may still
 * reach the domain, and the IOMMU has said why.
 */
enum status vm_attach(struct vm *vm, struct vm_device *device);
enum status vm_detach(struct vm *vm, struct vm_device *device);

/* True if the device has this ID. */
static inline bool vm_device_has_requester(const struct vm_device *device, struct sbdf id)
{
	for (u8 n = 0; n < device->requesters.count; n++)
		if (sbdf_equal(device->requesters.id[n], id))
			return true;
	return false;
}

/* True if one of its devices has this ID. */
static inline bool vm_has_requester(const struct vm *vm, struct sbdf id)
{
	for (u32 i = 0; i < vm->device_count; i++)
		if (vm_device_has_requester(&vm->device[i], id))
			return true;
	return false;
}

/*
 * The one function that gives a VM memory or device registers, and the one that takes them away:
 * the region list, the nested tables and the IOMMU domain change together, with the flushes that a
 * removal needs; under vm->lock once it runs. A region is taken away as it was given. Errors as pt_map() and as of the IOMMU; then its
 * CPUs have what they had, and of a removal that the IOMMU did not complete, the region stays the VM's and
 * can be removed again. Where the units share the CPUs' table, it is gone from that all the same.
 */
enum status vm_map(struct vm *vm, const struct vm_region *region);
enum status vm_unmap(struct vm *vm, gpa_t start, u64 size);

/*
 * Copies from and to the VM's RAM by guest-physical address. False, with nothing certain copied, if
 * any byte is outside its RAM.
 */
bool vm_read(const struct vm *vm, gpa_t from, void *to, u64 size);
bool vm_write(struct vm *vm, gpa_t to, const void *from, u64 size);
bool vm_fill(struct vm *vm, gpa_t to, u8 byte, u64 size);

/* Which of the CPU's windows is for what. */
#define WINDOW_COPY 0 /* within a call */
#define WINDOW_CODE 1 /* and those that follow: hv/vm/code.c */

/* The byte of the VM's RAM in that window of the calling CPU, as paging_window(); NULL: it is not RAM. */
void *vm_window(const struct vm *vm, u32 window, gpa_t address);

/*
 * Ends the VM: none of its vCPUs is entered again, and those that are in the guest come out at once. reason is
 * a constant sentence, NULL for VM_EXITED. The first end counts. From any CPU.
 */
void vm_end(struct vm *vm, enum vm_end_kind end, u32 code, const char *reason);

static inline bool vm_has_ended(const struct vm *vm)
{
	return __atomic_load_n(&vm->end, __ATOMIC_ACQUIRE) != VM_RUNNING;
}

/*
 * Which vCPU an interrupt message's destination means: physical or logical (flat or cluster, by the
 * vCPU's own logical ID), broadcasts included; of several one that runs. Its index, or -1 for none of this
 * VM's. Under vm->lock once the VM runs.
 */
int vm_destination(const struct vm *vm, u32 destination, bool logical);

#endif
