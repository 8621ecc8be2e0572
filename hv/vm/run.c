#include "hv/vm/run.h"

#include "arch/x86/apic.h"
#include "arch/x86/traps.h"
#include "hv/base/log.h"
#include "hv/vm/build.h"
#include "hv/vm/console.h"
#include "hv/vm/exits.h"
#include "hv/vm/nic_report.h"
#include "hv/vm/services.h"
#include "hv/vm/trace.h"

/* Until others ask something, which the VM's end is too. */
static void run_guest(struct vm *vm, struct vcpu *vcpu, struct signals *signals)
{
	struct trace_mark mark;
	struct vm_exit exit;

	while (signal_away(signals)) {
		services.cpu->run(vcpu, &exit);
		mark = trace_begin(vcpu, &exit);
		signal_back(signals);
		exit_handle(vm, vcpu, &exit);
		trace_end(vm, vcpu, &exit, &mark);
	}
}

static void sleep_until_asked(struct signals *signals)
{
	if (!signal_away(signals))
		return;
	nmi_sleep();
	signal_back(signals);
}

static void run_vcpu(struct vm *vm, struct vcpu *vcpu)
{
	u32 n = (u32)(vcpu - vm->vcpu);

	if (services.cpu->cpu_on(services.pool) != OK) {
		vm_end(vm, VM_CRASHED, 0, "virtualisation can't be turned on on its CPU");
		return;
	}
	lock_take(&vm->lock);
	vlapic_reset(vm, vcpu);
	lock_release(&vm->lock);
	if (vcpu == vm->vcpu)
		services.cpu->reset(vcpu, &vm->start);
	/* Whoever takes the request to end sees the end. */
	startup_attend(vm, vcpu);
	while (!vm_has_ended(vm)) {
		if (vm->startup[n].waits)
			sleep_until_asked(&vm->signals[n]);
		else
			run_guest(vm, vcpu, &vm->signals[n]);
		startup_attend(vm, vcpu);
	}
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
