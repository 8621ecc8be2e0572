#include "hv/vm/housekeeping.h"

#include "drivers/uart.h"
#include "hv/base/log.h"
#include "hv/vm/console.h"
#include "hv/vm/services.h"

/* A device that faults without end must not fill the log: after these its faults are counted only. */
#define FAULTS_TOLD 16

/*
 * No next event comes for what is left: a unit that still has faults pending raises none (VT-d 7.3), nor does
 * a UART that is not empty. So all is taken, but no more than so much: what has no end is broken.
 */
#define FAULTS_AT_ONCE	 16
#define MAX_FAULT_ROUNDS 64
#define MAX_INPUT	 1024

static struct vm *vms;
static u32 vm_count;

void housekeeping_init(struct vm *all, u32 count)
{
	vms = all;
	vm_count = count;
}

static struct vm *owner_of(struct sbdf requester)
{
	for (u32 i = 0; i < vm_count; i++)
		for (u32 d = 0; d < vms[i].device_count; d++)
			if (sbdf_equal(vms[i].device[d].requester, requester))
				return &vms[i];
	return NULL;
}

static void tell_fault(const struct iommu_fault *fault)
{
	struct vm *vm = owner_of(fault->requester);
	char text[SBDF_TEXT_MAX];
	static u32 unowned;
	u64 count = vm ? ++vm->counters.dma_faults : ++unowned;

	if (count > FAULTS_TOLD)
		return;
	if (fault->interrupt)
		log_line("iommu", "fault: unit %u, %s (%s): interrupt through entry %#lx: %s",
			 fault->unit, sbdf_text(fault->requester, text), vm ? vm->name : "no VM",
			 fault->address, fault->reason);
	else
		log_line("iommu", "fault: unit %u, %s (%s): %s of %#lx: %s", fault->unit,
			 sbdf_text(fault->requester, text), vm ? vm->name : "no VM",
			 fault->write ? "write" : "read", fault->address, fault->reason);
	if (count == FAULTS_TOLD)
		log_line("iommu", "further faults of %s are only counted",
			 vm ? vm->name : "devices without a VM");
}

static void drain_faults(void)
{
	struct iommu_fault faults[FAULTS_AT_ONCE];
	u32 count = FAULTS_AT_ONCE;

	if (!services.iommu)
		return;
	for (u32 round = 0; round < MAX_FAULT_ROUNDS && count == FAULTS_AT_ONCE; round++) {
		count = services.iommu->faults(faults, FAULTS_AT_ONCE);
		for (u32 i = 0; i < count; i++)
			tell_fault(&faults[i]);
	}
}

static void take_input(void)
{
	for (u32 i = 0; i < MAX_INPUT; i++) {
		int byte = uart_read();

		if (byte < 0)
			return;
		/* The interrupt would go to a CPU that is no longer the VM's. */
		if (vm_count && !vm_has_ended(&vms[0]))
			console_input(&vms[0], (u8)byte);
	}
}

void housekeeping(void)
{
	drain_faults();
	take_input();
}
