#include "hv/vm/run.h"

#include "arch/x86/apic.h"
#include "hv/base/log.h"
#include "hv/vm/build.h"
#include "hv/vm/console.h"
#include "hv/vm/exits.h"
#include "hv/vm/nic_report.h"
#include "hv/vm/services.h"

void vm_run(struct vm *vm)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	struct vm_exit exit;

	if (services.cpu->cpu_on(services.pool) != OK) {
		vm_end(vm, VM_CRASHED, 0, "virtualisation can't be turned on on its CPU");
	} else {
		services.cpu->reset(vcpu, &vm->start);
		vlapic_reset(vm, vcpu);
		while (!vm_has_ended(vm)) {
			services.cpu->run(vcpu, &exit);
			exit_handle(vm, vcpu, &exit);
		}
		services.cpu->cpu_off(vcpu);
	}
	nic_report_take(vm);
	vm_release_devices(vm);
	apic_reset();
	console_flush(vm);
}
