#include "hv/vm/run.h"

#include "arch/x86/apic.h"
#include "arch/x86/traps.h"
#include "hv/base/log.h"
#include "hv/vm/build.h"
#include "hv/vm/code.h"
#include "hv/vm/console.h"
#include "hv/vm/exits.h"
#include "hv/vm/features.h"
#include "hv/vm/nic_report.h"
#include "hv/vm/services.h"

/* Until others ask something, which the VM's end is too. */
static void be_away(struct vm *vm, struct vcpu *vcpu)
{
	struct signals *signals = vcpu->signals;

	if (!signal_away(signals))
		return;
	if (!vm->startup[vcpu - vm->vcpu].waits) {
		services.cpu->run(vcpu, exit_handle);
	} else {
		nmi_sleep();
		signal_back(signals);
	}
}

static void run_vcpu(struct vm *vm, struct vcpu *vcpu)
{
	if (services.cpu->cpu_on(services.pool) != OK) {
		vm_end(vm, VM_CRASHED, 0, "virtualisation can't be turned on on its CPU");
		return;
	}
	features_prepare(vm, vcpu);
	lock_take(&vm->lock);
	vlapic_reset(vm, vcpu);
	lock_release(&vm->lock);
	if (vcpu == vm->vcpu)
		services.cpu->reset(vcpu, &vm->start);
	/* Whoever takes the request to end sees the end. */
	startup_attend(vm, vcpu);
	while (!vm_has_ended(vm)) {
		be_away(vm, vcpu);
		startup_attend(vm, vcpu);
	}
	code_close(vcpu);
	services.cpu->cpu_off(vcpu);
}

static void finish(struct vm *vm)
{
	lock_take(&vm->lock);
	nic_report_take(vm);
	vm_release_devices(vm);
	lock_release(&vm->lock);
	console_flush(vm);
}

bool vm_run(struct vm *vm, struct vcpu *vcpu)
{
	bool last;

	run_vcpu(vm, vcpu);
	last = __atomic_add_fetch(&vm->vcpus_done, 1, __ATOMIC_ACQ_REL) == vm->vcpu_count;
	if (last)
		finish(vm);
	apic_reset();
	return last;
}
