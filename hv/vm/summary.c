#include "hv/base/format.h"
#include "hv/base/log.h"
#include "hv/vm/exits.h"
#include "hv/vm/nic_report.h"
#include "hv/vm/run.h"

static void print_end(const struct vm *vm)
{
	switch (vm->end) {
	case VM_EXITED:
		log_line(vm->name, "ended with code %u", vm->end_code);
		break;
	case VM_CRASHED:
		log_line(vm->name, "crashed: %s", vm->end_reason);
		break;
	case VM_STOPPED:
		log_line(vm->name, "stopped: %s", vm->end_reason);
		break;
	case VM_RUNNING:
		log_line(vm->name, "is running");
		break;
	}
}

static void print_exits(const struct vm *vm)
{
	char text[160];
	size_t length = 0;
	u64 total = 0;

	for (u32 i = 0; i < EXIT_KINDS; i++) {
		u64 count = vm->counters.exits[i];

		for (u32 n = 0; n < vm->vcpu_count; n++)
			count += i == EXIT_CPUID ? vm->vcpu[n].cpuid_answers
				 : i == EXIT_MSR ? vm->vcpu[n].msr_answers
						 : 0;
		total += count;
		if (count && length < sizeof(text))
			length += format_text(text + length, sizeof(text) - length, ", %s %lu",
					      exit_name((enum vm_exit_kind)i), count);
	}
	log_line(vm->name, "exits %lu%s", total, length ? text : "");
}

void vm_summary(const struct vm *vm)
{
	print_end(vm);
	print_exits(vm);
	/* In x2APIC mode interrupts come and go without the hypervisor: only those that exit count. */
	if (vm->x2apic)
		log_line(vm->name, "interrupts: delivered without exits, %lu ended by one",
			 vm->counters.eois);
	else
		log_line(vm->name, "interrupts %lu", vm->counters.eois);
	log_line(vm->name, "DMA faults %lu", vm->counters.dma_faults);
	nic_report_print(vm);
}
