#include "arch/x86/smp.h"

#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/delay.h"
#include "arch/x86/paging.h"
#include "arch/x86/traps.h"
#include "hv/base/panic.h"
#include "hv/base/string.h"

/* How long a processor may take to come up: far beyond any, under any emulator. */
#define START_TIMEOUT_US 10000000ull

/* At offset 0xfc0 of the trampoline's page. */
struct trampoline_args {
	u64 cr3;
	u64 stack;
	u64 cpu;
	u64 entry;
};
#define TRAMPOLINE_ARGS 0xfc0

extern const u8 trampoline_start[], trampoline_end[];

static struct percpu boot_cpu;
static u32 cpu_count = 1;

static enum status take_ist_stacks(struct percpu *cpu)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->ist_top); i++) {
		cpu->ist_top[i] = paging_stack(CPU_IST_SIZE);
		if (!cpu->ist_top[i])
			return ERR_NO_MEMORY;
	}
	return OK;
}

/*
 * No lazy FPU, no alignment checks; of CR4 what the hypervisor's code needs, machine checks, which would shut
 * the CPU down where nobody takes them, and XSETBV, which is carried out for guests.
 */
static void control_registers_init(void)
{
	cr0_write(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE);
	cr4_write(CR4_PAE | CR4_MCE | (cpuid(1, 0).ecx & BIT(26) ? CR4_OSXSAVE : 0));
}

enum status cpu_boot_init(struct pool *pool)
{
	(void)pool;
	enum status status = take_ist_stacks(&boot_cpu);

	if (status != OK)
		return status;
	control_registers_init();
	boot_cpu.online = true;
	traps_init(&boot_cpu);
	return paging_cpu_init(&boot_cpu);
}

enum status cpu_boot_finish(void)
{
	boot_cpu.apic_id = apic_id();
	return OK;
}

/* An application processor's first C code, on its own stack. */
static void processor_main(struct percpu *cpu)
{
	control_registers_init();
	traps_init(cpu);
	if (apic_init(apic_is_x2apic()) != OK)
		panic("CPU %u: no local APIC", cpu->index);
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	for (;;) {
		void (*work)(void) = __atomic_exchange_n(&cpu->work, NULL, __ATOMIC_ACQUIRE);

		if (work)
			work();
		else
			interrupt_wait();
	}
}

static struct percpu *percpu_make(u32 id, struct pool *pool)
{
	struct percpu *cpu = pool_take(pool);

	_Static_assert(sizeof(*cpu) <= PAGE_SIZE, "a page holds it");
	if (!cpu)
		return NULL;
	cpu->index = cpu_count;
	cpu->apic_id = id;
	cpu->stack_top = paging_stack(CPU_STACK_SIZE);
	if (!cpu->stack_top || take_ist_stacks(cpu) != OK || paging_cpu_init(cpu) != OK)
		return NULL;
	return cpu;
}

static void trampoline_fill(hpa_t trampoline, struct percpu *cpu)
{
	u8 *page = paging_window(0, trampoline);
	struct trampoline_args args = {
		.cr3 = paging_root().v,
		.stack = (u64)(uintptr_t)cpu->stack_top,
		.cpu = (u64)(uintptr_t)cpu,
		.entry = (u64)(uintptr_t)processor_main,
	};

	memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	memcpy(page + TRAMPOLINE_ARGS, &args, sizeof(args));
	paging_window_end(0);
}

static void pause_for(u64 us)
{
	struct deadline deadline = deadline_in(us);

	while (!deadline_passed(deadline))
		cpu_pause();
}

static bool wait_online(const struct percpu *cpu, u64 us)
{
	struct deadline deadline = deadline_in(us);

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
		if (deadline_passed(deadline))
			return false;
	return true;
}

enum status cpu_start(u32 id, hpa_t trampoline, struct pool *pool, struct percpu **started)
{
	struct percpu *cpu;
	enum status status;
	u32 startup = ICR_ASSERT | ICR_DELIVERY_STARTUP | (u32)(trampoline.v / PAGE_SIZE);

	if (cpu_count == CPU_MAX)
		return ERR_NO_MEMORY;
	cpu = percpu_make(id, pool);
	if (!cpu)
		return ERR_NO_MEMORY;
	status = paging_map_code(trampoline);
	if (status != OK)
		return status;
	/* Counted even if it does not come up in time: should it later, its index is its own. */
	cpu_count++;
	trampoline_fill(trampoline, cpu);
	apic_send(id, ICR_ASSERT | ICR_DELIVERY_INIT);
	pause_for(10000);
	apic_send(id, startup);
	/* 8.4.4.1: a second one for processors that missed the first. */
	if (!wait_online(cpu, 1000))
		apic_send(id, startup);
	bool online = wait_online(cpu, START_TIMEOUT_US);

	status = paging_unmap_code(trampoline);
	if (!online)
		return ERR_TIMEOUT;
	*started = cpu;
	return status;
}

void cpu_run(struct percpu *cpu, void (*work)(void))
{
	__atomic_store_n(&cpu->work, work, __ATOMIC_RELEASE);
	apic_send_fixed(cpu->apic_id, VECTOR_WAKE);
}
