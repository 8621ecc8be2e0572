#include "hv/vm/housekeeping.h"

#include "arch/x86/clock.h"
#include "drivers/uart.h"
#include "hv/base/log.h"
#include "hv/vm/console.h"
#include "hv/vm/services.h"

/*
 * A device with so many faults that were not forgiven is cut off, as a storm of them is work without end. Half
 * are forgiven each time such an interval has passed.
 */
#define FAULTS_CUT_OFF	   10
#define FAULTS_FORGIVEN_US 10000000ull

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
static struct vm *listener; /* whose console gets what is typed */

void housekeeping_init(struct vm *all, u32 count)
{
	vms = all;
	vm_count = count;
	listener = NULL;
	for (u32 i = 0; i < count && !listener; i++)
		if (all[i].vcpu_count)
			listener = &all[i];
}

/* The VM that has a device by that ID, or that had it last: faults are told late, too. */
static struct vm *owner_of(struct sbdf requester)
{
	struct vm *last = NULL;

	for (u32 i = 0; i < vm_count; i++)
		if (vm_has_requester(&vms[i], requester)) {
			last = &vms[i];
			if (!vm_has_ended(last))
				return last;
		}
	return last;
}

static void forgive(struct vm_device *device, u64 now)
{
	while (device->fault_score && now - device->fault_halved >= FAULTS_FORGIVEN_US) {
		device->fault_score /= 2;
		device->fault_halved += FAULTS_FORGIVEN_US;
	}
	if (!device->fault_score)
		device->fault_halved = now;
}

static void cut_off(struct vm *vm, const struct vm_device *device)
{
	char text[SBDF_TEXT_MAX];

	vpci_cut_off(vm, device->function);
	log_line(vm->name,
		 "%s: cut off after %u faults: no bus mastering until the VM is built anew",
		 sbdf_text(device->function->address, text), FAULTS_CUT_OFF);
}

/* Behind a bridge to conventional PCI it may be any of those that have the ID. */
static void score_fault(struct vm *vm, struct sbdf requester)
{
	u64 now = clock_us();

	for (u32 d = 0; d < vm->device_count; d++) {
		struct vm_device *device = &vm->device[d];

		if (!vm_device_has_requester(device, requester) ||
		    device->fault_score == FAULTS_CUT_OFF)
			continue;
		forgive(device, now);
		if (++device->fault_score == FAULTS_CUT_OFF)
			cut_off(vm, device);
	}
}

static void tell_fault(const struct vm *vm, const struct iommu_fault *fault, u64 count)
{
	char text[SBDF_TEXT_MAX];

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

static void take_fault(const struct iommu_fault *fault)
{
	struct vm *vm = owner_of(fault->requester);
	static u64 unowned;

	tell_fault(vm, fault, vm ? ++vm->counters.dma_faults : ++unowned);
	if (vm && !vm_has_ended(vm))
		score_fault(vm, fault->requester);
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
			take_fault(&faults[i]);
	}
}

static void take_input(void)
{
	for (u32 i = 0; i < MAX_INPUT; i++) {
		int byte = uart_read();

		if (byte < 0)
			return;
		/* The interrupt would go to a CPU that is no longer the VM's. */
		if (listener && !vm_has_ended(listener))
			console_input(listener, (u8)byte);
	}
}

void housekeeping(void)
{
	if (!vms)
		return;
	drain_faults();
	take_input();
}
