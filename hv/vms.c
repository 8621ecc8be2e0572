/* The last steps of hv_main(): processors, VMs, and how it all ended. */
#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
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
#include "hv/vm/resources.h"
#include "hv/vm/run.h"
#include "hv/vm/services.h"

#define UART_COM1_IRQ 4

/*
 * A VM of the plan, life after life:
 *
 *   waiting -> built (bring_up) -> running (run_built) -> over (settle) -> built again, at once or when it is
 *   due (begin_life), or over for good; refused, if it can't be built
 *
 * One that waits for another is built when that one is over for good or refused, or, where they take turns,
 * when it is over for once. All but running is the boot CPU's.
 */
enum life_state {
	LIFE_WAITING,
	LIFE_DUE_LATER, /* it restarts always, and did so less than LIFE_MIN_US ago */
	LIFE_BUILT,
	LIFE_RUNNING,
	LIFE_OVER,
	LIFE_REFUSED, /* it could not be built */
};

/* From one start to the next of a VM that restarts always: else one that dies at once would keep the CPU busy. */
#define LIFE_MIN_US 1000000ull

static struct life {
	enum life_state state;
	struct percpu *processor[VM_MAX_CPUS]; /* one a vCPU; NULL: the boot CPU, if that is it */
	u32 restarts;
	u64 begun; /* clock_us() when it ran last */
} lives[VM_MAX];

/* The same index as in the plan. */
static struct vm vms[VM_MAX];
static const struct plan *plan_of_vms;
static const struct hv_config *config_of_vms;
static u32 boot_apic_id;

/* The vCPU that runs on the calling CPU, or is to; NULL: none. */
static struct vcpu *vcpu_here(u32 n)
{
	const struct vm_plan *plan = &plan_of_vms->vm[n];

	for (u32 i = 0; i < plan->cpu_count && lives[n].state == LIFE_RUNNING; i++)
		if (plan->apic_id[i] == percpu()->apic_id)
			return &vms[n].vcpu[i];
	return NULL;
}

static void run_here(void)
{
	for (u32 i = 0; i < plan_of_vms->vm_count; i++) {
		struct vcpu *vcpu = vcpu_here(i);

		if (!vcpu)
			continue;
		if (vm_run(&vms[i], vcpu))
			__atomic_store_n(&vms[i].finished, true, __ATOMIC_RELEASE);
		return;
	}
}

/* What an application processor is started for. */
static void run_this_cpus_vcpu(void)
{
	run_here();
	apic_send_fixed(boot_apic_id, VECTOR_WAKE);
}

static struct percpu *start_processor(u32 id)
{
	struct percpu *cpu = NULL;
	enum status status = cpu_start(id, services.trampoline, services.pool, &cpu);

	if (status != OK)
		log_line("boot", "CPU with APIC ID %u: %s", id, status_name(status));
	else
		log_line("boot", "CPU %u started, APIC ID %u", cpu->index, id);
	return status == OK ? cpu : NULL;
}

static void start_processors(u32 n, const struct vm_plan *plan)
{
	for (u32 i = 0; i < plan->cpu_count; i++)
		if (plan->after != PLAN_NO_VM)
			lives[n].processor[i] = lives[plan->after].processor[i];
		else if (plan->apic_id[i] != boot_apic_id)
			lives[n].processor[i] = start_processor(plan->apic_id[i]);
}

void machine_start_processors(const struct plan *plan)
{
	boot_apic_id = apic_id();
	for (u32 i = 0; i < plan->vm_count; i++)
		start_processors(i, &plan->vm[i]);
}

static bool has_processors(u32 n)
{
	const struct vm_plan *plan = &plan_of_vms->vm[n];

	for (u32 i = 0; i < plan->cpu_count; i++)
		if (!lives[n].processor[i] && plan->apic_id[i] != boot_apic_id)
			return false;
	return true;
}

/* False: it is refused. */
static bool bring_up(u32 n)
{
	struct vm *vm = &vms[n];

	if (!has_processors(n) ||
	    vm_build(vm, &plan_of_vms->vm[n], config_of_vms, services.memory) != OK) {
		lives[n].state = LIFE_REFUSED;
		return false;
	}
	vm->shares_cpu = !lives[n].processor[0];
	log_line(vm->name, "built: %lu MiB, entry %#x, %u devices", vm->memory >> 20, vm->start.rip,
		 vm->device_count);
	lives[n].state = LIFE_BUILT;
	return true;
}

/* True if the VM is to be built once more; told. */
static bool restarts(u32 n)
{
	u32 limit = plan_of_vms->vm[n].config->restarts;

	if (limit == CONFIG_ALWAYS)
		log_line(vms[n].name, "restart %u", ++lives[n].restarts);
	else if (lives[n].restarts < limit)
		log_line(vms[n].name, "restart %u of %u", ++lives[n].restarts, limit);
	else
		return false;
	return true;
}

/* Microseconds until the VM may be started again. */
static u64 due_in(u32 n)
{
	u64 since = clock_us() - lives[n].begun;

	return since < LIFE_MIN_US ? LIFE_MIN_US - since : 0;
}

/* The first life of the VM or one more, now or when it is due. False: it has none left. */
static bool begin_life(u32 n)
{
	struct life *life = &lives[n];

	if (life->state == LIFE_REFUSED || (life->state == LIFE_OVER && !restarts(n)))
		return false;
	if (life->state == LIFE_OVER && plan_of_vms->vm[n].config->restarts == CONFIG_ALWAYS &&
	    due_in(n)) {
		life->state = LIFE_DUE_LATER;
		return true;
	}
	return bring_up(n);
}

/* VM n has left its CPUs: it gets them again or, before it where they take turns, whoever waits for it. */
static void bring_up_next(u32 n)
{
	u32 next = n;

	if (!plan_takes_turns(plan_of_vms, n) && begin_life(n))
		return;
	do
		next = plan_successor(plan_of_vms, next);
	while (next != PLAN_NO_VM && !begin_life(next) && next != n);
}

void machine_build_vms(const struct hv_config *config, const struct plan *plan)
{
	plan_of_vms = plan;
	config_of_vms = config;
	/* The console's line is the hypervisor's, whatever a configuration says of it. */
	machine_require(line_claim(gsi_of_isa(&services.platform->madt, UART_COM1_IRQ), NULL),
			"the console's interrupt line");
	resources_print("boot");
	for (u32 i = 0; i < plan->vm_count; i++)
		if (plan->vm[i].after == PLAN_NO_VM && !bring_up(i))
			bring_up_next(i);
	housekeeping_init(vms, plan->vm_count);
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

static void run_built(void)
{
	for (u32 i = 0; i < plan_of_vms->vm_count; i++) {
		if (lives[i].state != LIFE_BUILT)
			continue;
		lives[i].state = LIFE_RUNNING;
		lives[i].begun = clock_us();
		for (u32 n = 0; n < vms[i].vcpu_count; n++)
			if (lives[i].processor[n])
				cpu_run(lives[i].processor[n], run_this_cpus_vcpu);
	}
}

static void settle_one(u32 n)
{
	struct vm *vm = &vms[n];

	/* Its devices are silent, so that these are its last faults. */
	housekeeping();
	vm_summary(vm);
	vm_unbuild(vm);
	resources_print(vm->name);
	lives[n].state = LIFE_OVER;
	bring_up_next(n);
}

/* Sees to the VMs that ended since the last call, and to those that are due. False if there were none. */
static bool settle(void)
{
	bool any = false;

	for (u32 i = 0; i < plan_of_vms->vm_count; i++)
		if (lives[i].state == LIFE_RUNNING &&
		    __atomic_load_n(&vms[i].finished, __ATOMIC_ACQUIRE)) {
			settle_one(i);
			any = true;
		} else if (lives[i].state == LIFE_DUE_LATER && !due_in(i)) {
			if (!bring_up(i))
				bring_up_next(i);
			any = true;
		}
	return any;
}

/* Microseconds until the first of those that are due later is; UINT64_MAX: there is none. */
static u64 first_due_in(void)
{
	u64 us = UINT64_MAX;

	for (u32 i = 0; i < plan_of_vms->vm_count; i++)
		if (lives[i].state == LIFE_DUE_LATER)
			us = min_u64(us, due_in(i));
	return us;
}

static bool any_running(void)
{
	for (u32 i = 0; i < plan_of_vms->vm_count; i++)
		if (lives[i].state == LIFE_RUNNING)
			return true;
	return false;
}

/* Sleeps until there is news, or a VM is due. False: there is none to wait for. */
static bool wait_for_news(void)
{
	u64 us = first_due_in();

	if (us == UINT64_MAX) {
		if (!any_running())
			return false;
		interrupt_wait();
		return true;
	}
	/* At least one tick, as none would stop the timer. */
	apic_timer_once((u32)min_u64(us * clock_apic_khz() / 1000 + 1, UINT32_MAX), VECTOR_WAKE);
	interrupt_wait();
	(void)apic_timer_stop();
	return true;
}

void machine_run_vms(const struct plan *plan)
{
	if (console_events(plan->housekeeping) != OK)
		log_line("boot", "no interrupt from the console: what is typed is not read");
	/* Interrupts are off but in the wait itself, so that none comes between look and wait. */
	for (;;) {
		run_built();
		run_here();
		housekeeping();
		if (!settle() && !wait_for_news())
			return;
	}
}

static u8 exit_code(const struct vm *vm)
{
	if (vm->end != VM_EXITED)
		return STOP_VM_CRASHED;
	return vm->end_code < STOP_GUEST_MAX ? (u8)vm->end_code : STOP_GUEST_MAX;
}

/*
 * That of the first VM, by its last life, whose code is not 0; if there is none, a VM that was not started,
 * or not again, still counts.
 */
void machine_report(void)
{
	u8 code = 0;
	bool refused = plan_of_vms->refused;

	for (u32 i = 0; i < plan_of_vms->vm_count && !code; i++) {
		if (lives[i].state == LIFE_REFUSED)
			refused = true;
		else
			code = exit_code(&vms[i]);
	}
	if (!code && refused)
		code = STOP_NO_VM;
	log_line("boot", "all VMs have ended");
	machine_stop(code);
}
