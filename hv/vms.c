/* The last steps of hv_main(): processors, VMs, and how it all ended. */
#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/smp.h"
#include "arch/x86/stop.h"
#include "arch/x86/traps.h"
#include "drivers/ioapic.h"
#include "drivers/uart.h"
#include "hv/base/log.h"
#include "hv/machine.h"
#include "hv/platform/gsi.h"
#include "hv/vm/build.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/lines.h"
#include "hv/vm/run.h"
#include "hv/vm/services.h"

#define UART_COM1_IRQ 4

static struct vm vms[VM_MAX];
static u32 vm_count;
static u32 vms_refused;
static u32 boot_apic_id;
/* The processor of each VM; NULL: the boot CPU. */
static struct percpu *processors[VM_MAX];

static struct vm *vm_of_this_cpu(void)
{
	for (u32 i = 0; i < vm_count; i++)
		if (processors[i] == percpu())
			return &vms[i];
	return NULL;
}

/* What an application processor is started for. */
static void run_this_cpus_vm(void)
{
	struct vm *vm = vm_of_this_cpu();

	vm_run(vm);
	__atomic_store_n(&vm->finished, true, __ATOMIC_RELEASE);
	apic_send_fixed(boot_apic_id, VECTOR_WAKE);
}

void machine_start_processors(const struct plan *plan)
{
	boot_apic_id = apic_id();
	for (u32 i = 0; i < plan->vm_count; i++) {
		u32 id = plan->vm[i].apic_id[0];
		enum status status;

		if (id == boot_apic_id)
			continue;
		status = cpu_start(id, services.trampoline, services.pool, &processors[i]);
		if (status != OK)
			log_line("boot", "CPU with APIC ID %u: %s", id, status_name(status));
		else
			log_line("boot", "CPU %u started, APIC ID %u", processors[i]->index, id);
	}
}

static bool has_processor(const struct plan *plan, u32 n)
{
	return processors[n] || plan->vm[n].apic_id[0] == boot_apic_id;
}

void machine_build_vms(const struct hv_config *config, const struct plan *plan)
{
	/* The console's line is the hypervisor's, whatever a configuration says of it. */
	machine_require(line_claim(gsi_of_isa(&services.platform->madt, UART_COM1_IRQ), NULL),
			"the console's interrupt line");
	vms_refused = plan->refused;
	for (u32 i = 0; i < plan->vm_count; i++) {
		struct vm *vm = &vms[vm_count];

		if (!has_processor(plan, i) ||
		    vm_build(vm, &plan->vm[i], config, services.memory) != OK) {
			vms_refused++;
			continue;
		}
		processors[vm_count] = processors[i];
		vm->shares_cpu = !processors[i];
		log_line(vm->name, "built: %lu MiB, entry %#x, %u devices", vm->memory >> 20,
			 vm->start.rip, vm->device_count);
		vm_count++;
	}
	housekeeping_init(vms, vm_count);
}

/*
 * The line's entry: remapped where the IOAPIC's unit can, else in the compatibility format, which such
 * units let through. The target is the hypervisor's own.
 */
static enum status console_entry(const struct gsi_pin *pin, const struct interrupt_target *target,
				 bool active_low, u64 *entry)
{
	struct iommu_interrupts interrupts;
	enum status status = ERR_UNSUPPORTED;

	if (services.iommu)
		status = services.iommu->interrupts_alloc_ioapic(pin->ioapic_id, 1, &interrupts);
	if (status == ERR_UNSUPPORTED) {
		*entry = ioapic_plain_entry(target->apic_id, target->vector, target->delivery) |
			 (active_low ? IOAPIC_ENTRY_ACTIVE_LOW : 0) |
			 (target->level ? IOAPIC_ENTRY_LEVEL : 0);
		return target->apic_id <= 0xfe ? OK : ERR_UNSUPPORTED;
	}
	if (status == OK)
		status = services.iommu->interrupt_set(&interrupts, 0, target);
	if (status == OK)
		*entry = services.iommu->ioapic_entry(&interrupts, 0, target, active_low, false);
	return status;
}

/* The console's received bytes: to the CPU that is kept back, or as an NMI to the one that is shared. */
static enum status console_events(bool kept_back)
{
	u32 gsi = gsi_of_isa(&services.platform->madt, UART_COM1_IRQ);
	struct gsi_mode mode = gsi_mode_isa(&services.platform->madt, gsi);
	struct interrupt_target target = {
		.apic_id = boot_apic_id,
		.vector = kept_back ? VECTOR_CONSOLE : 0,
		.delivery = kept_back ? DELIVERY_FIXED : DELIVERY_NMI,
		.level = mode.level && kept_back,
	};
	struct gsi_pin pin;
	enum status status;
	u64 entry;

	if (!gsi_find(gsi, &pin))
		return ERR_NOT_FOUND;
	status = console_entry(&pin, &target, mode.active_low, &entry);
	if (status != OK)
		return status;
	ioapic_write_entry(gsi, entry);
	uart_rx_interrupt_enable();
	return OK;
}

/* Sums up the VMs that ended since the last call; true once that was the last one. */
static bool report_finished(void)
{
	static u32 reported;

	for (u32 i = 0; i < vm_count; i++) {
		struct vm *vm = &vms[i];

		if (vm->summed_up || !__atomic_load_n(&vm->finished, __ATOMIC_ACQUIRE))
			continue;
		/* Its devices are silent, so that these are its last faults. */
		housekeeping();
		vm_summary(vm);
		vm->summed_up = true;
		reported++;
	}
	return reported == vm_count;
}

void machine_run_vms(const struct plan *plan)
{
	if (!vm_count)
		return;
	if (console_events(plan->housekeeping) != OK)
		log_line("boot", "no interrupt from the console: what is typed is not read");
	for (u32 i = 0; i < vm_count; i++)
		if (processors[i])
			cpu_run(processors[i], run_this_cpus_vm);
	if (vms[0].shares_cpu) {
		vm_run(&vms[0]);
		__atomic_store_n(&vms[0].finished, true, __ATOMIC_RELEASE);
	}
	/* Interrupts are off but in the wait itself, so that none comes between look and wait. */
	for (;;) {
		housekeeping();
		if (report_finished())
			return;
		interrupt_wait();
	}
}

static u8 exit_code(const struct vm *vm)
{
	if (vm->end != VM_EXITED)
		return STOP_VM_CRASHED;
	return vm->end_code < STOP_GUEST_MAX ? (u8)vm->end_code : STOP_GUEST_MAX;
}

/* The first VM's that is not 0; a VM that was never started counts too. */
void machine_report(void)
{
	u8 code = 0;

	for (u32 i = 0; i < vm_count && !code; i++)
		code = exit_code(&vms[i]);
	if (!code && (vms_refused || !vm_count))
		code = STOP_NO_VM;
	log_line("boot", "all VMs have ended");
	machine_stop(code);
}
