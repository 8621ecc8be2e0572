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

/* Until there is something to handle: an exit, or what others asked. */
static void be_away(struct vm *vm, struct vcpu *vcpu)
{
	u32 n = (u32)(vcpu - vm->vcpu);
	struct trace_mark mark;
	struct vm_exit exit;

	if (!signal_away(vm, n))
		return;
	if (vm->startup[n].waits) {
		nmi_sleep();
		signal_back(vm, n);
		return;
	}
	services.cpu->run(vcpu, &exit);
	mark = trace_begin(vcpu, &exit);
	signal_back(vm, n);
	exit_handle(vm, vcpu, &exit);
	trace_end(vm, vcpu, &exit, &mark);
}

static void run_vcpu(struct vm *vm, struct vcpu *vcpu)
{
	if (services.cpu->cpu_on(services.pool) != OK) {
		vm_end(vm, VM_CRASHED, 0, "virtualisation can't be turned on on its CPU");
		return;
	}
	lock_take(&vm->lock);
	vlapic_reset(vm, vcpu);
	lock_release(&vm->lock);
	if (vcpu == vm->vcpu)
		services.cpu->reset(vcpu, &vm->start);
	while (!vm_has_ended(vm)) {
		startup_attend(vm, vcpu);
		be_away(vm, vcpu);
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
