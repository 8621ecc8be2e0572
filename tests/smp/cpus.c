#include "tests/smp/cpus.h"

#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "hv/base/bytes.h"
#include "hv/base/string.h"

#define WAITS_MAX 4000000000ull

#define APIC_PAGE	0xFEE00000u
#define APIC_REG_ICR	0x300
#define APIC_REG_HIGH	0x310
#define APIC_REG_SVR	0x0F0
#define MSR_BASE	0x1B
#define MSR_X2APIC(reg) (0x800 + (reg) / 16)
#define BASE_BSP	BIT(8)
#define BASE_EXTD	BIT(10)

#define STACK_SIZE 8192u

struct cpu cpus[CPUS_MAX];
u32 cpu_count;
volatile bool nmi_hold;

static u8 stacks[CPUS_MAX][STACK_SIZE] __attribute__((aligned(16)));
static u32 ids[CPUS_MAX];
static bool x2apic;
static struct [[gnu::packed]] {
	u16 limit;
	u64 base;
} idt;

/* At the end of the page that the startup IPI leads to. */
struct start_args {
	u64 cr3;
	u64 entry;
	u64 stacks;
	u32 stack_size;
	u32 next; /* how many have come; the one that counts has the number */
	u32 cs, eflags, edx, cr0, selectors;
};
#define START_ARGS 0xF00

extern const u8 ap_start[], ap_end[], ap_trap[], ap_trap_end[];
void nmi_entry(void);
void nmi_handle(void);
void ap_main(u32 number);

void wait_once(u64 n, const char *what)
{
	__asm__ volatile("pause");
	if (n == WAITS_MAX)
		fail(EXIT_TIMEOUT, "%s", what);
}

void check_failed(const char *what, int line)
{
	fail(EXIT_MACHINE, "line %d: %s", line, what);
}

/* Reads of a port are exits, during which other CPUs go on. */
void settle(void)
{
	for (u32 i = 0; i < 200; i++)
		(void)port_in8(0x80);
}

struct cpu *cpu_self(void)
{
	u32 id = apic_id();

	for (u32 n = 0; n < cpu_count; n++)
		if (cpus[n].id == id)
			return &cpus[n];
	fail(EXIT_MACHINE, "a CPU with an unknown APIC ID, %u", id);
}

bool cpus_x2apic(void)
{
	return x2apic;
}

u32 cpus_broadcast(void)
{
	return x2apic ? 0xFFFFFFFF : 0xFF;
}

void icr_write(u32 destination, u32 command)
{
	if (x2apic) {
		msr_write(MSR_X2APIC(APIC_REG_ICR), (u64)destination << 32 | command);
		return;
	}
	mmio_write32(APIC_PAGE + APIC_REG_HIGH, destination << 24);
	mmio_write32(APIC_PAGE + APIC_REG_ICR, command);
	while (mmio_read32(APIC_PAGE + APIC_REG_ICR) & BIT(12))
		;
}

/* --- Interrupts --- */

static void on_counted(void)
{
	cpu_self()->counted++;
}

static void on_tick(void)
{
	cpu_self()->ticks++;
}

static void on_wake(void)
{
}

void nmi_handle(void)
{
	struct cpu *cpu = cpu_self();
	u32 depth = ++cpu->nmi_depth;

	if (depth > cpu->nmi_deepest)
		cpu->nmi_deepest = depth;
	cpu->nmis++;
	while (nmi_hold)
		__asm__ volatile("pause");
	cpu->nmi_depth--;
}

static void set_nmi_gate(void)
{
	u64 *gate = (u64 *)(uintptr_t)(idt.base + 2 * 16);
	u64 target = (u64)(uintptr_t)nmi_entry;

	gate[0] = (target & 0xFFFF) | (gate[0] & 0x0000FFFFFFFF0000ull) |
		  (target >> 16 & 0xFFFF) << 48;
	gate[1] = target >> 32;
}

static void set_handlers(void)
{
	__asm__ volatile("sidt %0" : "=m"(idt));
	set_nmi_gate();
	traps_set_handler((enum vector)VECTOR_COUNTED, on_counted);
	traps_set_handler((enum vector)VECTOR_TICK, on_tick);
	traps_set_handler((enum vector)VECTOR_WAKE, on_wake);
}

/* --- Starting --- */

/* The MP table: Intel's MultiProcessor Specification 1.4, 4.1 to 4.3. */
static u32 read_mp_table(void)
{
	const u8 *pointer = (const u8 *)0xE0000ull, *entry;
	u32 found = 0, count;

	while (memcmp(pointer, "_MP_", 4) != 0) {
		pointer += 16;
		if (pointer >= (const u8 *)0x100000ull)
			fail(EXIT_MACHINE, "there is no MP table");
	}
	entry = (const u8 *)(uintptr_t)bytes_u32((struct bytes){pointer, 16}, 4);
	count = entry[34] | (u32)entry[35] << 8;
	entry += 44;
	for (u32 i = 0; i < count; i++) {
		if (*entry == 0 && entry[3] & 1 && found < CPUS_MAX)
			ids[found++] = entry[1];
		entry += *entry == 0 ? 20 : 8;
	}
	return found;
}

void cpus_init(u32 wanted)
{
	const char *problem = apic_init(APIC_ANY);
	u32 found = read_mp_table();

	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	x2apic = msr_read(MSR_BASE) & BASE_EXTD;
	if (found != wanted)
		fail(EXIT_MACHINE, "the MP table has %u CPUs", found);
	CHECK(ids[0] == apic_id());
	CHECK(msr_read(MSR_BASE) & BASE_BSP);
	cpu_count = found;
	for (u32 n = 0; n < found; n++)
		cpus[n].id = ids[n];
	cpus[0].starts = 1;
	set_handlers();
	cpu_interrupts_on();
}

static struct start_args *prepare_page(void)
{
	struct start_args *args = (struct start_args *)(START_PAGE * 4096ull + START_ARGS);
	u64 cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	memcpy((void *)(START_PAGE * 4096ull), ap_start, (size_t)(ap_end - ap_start));
	memcpy((void *)(TRAP_PAGE * 4096ull), ap_trap, (size_t)(ap_trap_end - ap_trap));
	*args = (struct start_args){
		.cr3 = cr3,
		.entry = (u64)(uintptr_t)ap_main,
		.stacks = (u64)(uintptr_t)stacks,
		.stack_size = STACK_SIZE,
	};
	return args;
}

bool trap_was_hit(void)
{
	return *(volatile u32 *)(TRAP_PAGE * 4096ull + START_ARGS);
}

static void check_start(const struct cpu *cpu)
{
	CHECK(cpu->first_cs == START_PAGE << 8);
	CHECK(cpu->first_selectors == 0);
	CHECK(cpu->first_eflags == 2);
	CHECK((cpu->first_cr0 & ~0x60000000u) == 0x10);
	CHECK(cpu->first_edx == cpu_id(1).eax);
}

void cpus_start(bool by_shorthand)
{
	(void)prepare_page();
	for (u32 n = 1; n < cpu_count; n++) {
		u32 destination = by_shorthand ? 0 : cpus[n].id;
		u32 flags = by_shorthand ? ICR_OTHERS : 0;

		if (by_shorthand && n > 1)
			break;
		icr_write(destination, ICR_INIT | 0x8000 | flags);
		icr_write(destination, (ICR_INIT & ~0x4000u) | 0x8000 | flags);
		icr_write(destination, ICR_STARTUP | START_PAGE | flags);
		icr_write(destination, ICR_STARTUP | START_PAGE | flags);
		if (!by_shorthand)
			WAIT_UNTIL(cpus[n].starts == 1);
	}
	for (u32 n = 1; n < cpu_count; n++) {
		WAIT_UNTIL(cpus[n].starts == 1);
		if (!by_shorthand)
			check_start(&cpus[n]);
	}
}

void cpu_start(struct cpu *cpu)
{
	u32 starts = cpu->starts;

	prepare_page()->next = (u32)(cpu - cpus) - 1; /* its own stack */
	cpu->job = NULL;
	icr_write(cpu->id, ICR_STARTUP | START_PAGE);
	WAIT_UNTIL(cpu->starts == starts + 1);
	check_start(cpu);
}

static void note_start(struct cpu *cpu)
{
	const struct start_args *args =
		(const struct start_args *)(START_PAGE * 4096ull + START_ARGS);

	cpu->first_cs = args->cs;
	cpu->first_eflags = args->eflags;
	cpu->first_edx = args->edx;
	cpu->first_cr0 = args->cr0;
	cpu->first_selectors = args->selectors;
}

static void enable_apic(void)
{
	if (x2apic) {
		msr_write(MSR_BASE, msr_read(MSR_BASE) | BASE_EXTD);
		msr_write(MSR_X2APIC(APIC_REG_SVR), 0x1FF);
	} else {
		mmio_write32(APIC_PAGE + APIC_REG_SVR, 0x1FF);
	}
}

void ap_main(u32 number)
{
	struct cpu *cpu;

	(void)number;
	cpu_load_idt(&idt);
	enable_apic();
	cpu = cpu_self();
	CHECK(!(msr_read(MSR_BASE) & BASE_BSP));
	CHECK(cpu_id(1).ebx >> 24 == cpu->id);
	note_start(cpu);
	cpu->starts++;
	for (;;) {
		cpu_interrupts_off();
		while (!cpu->job)
			cpu_sleep();
		cpu_interrupts_on();
		cpu->job(cpu);
		memory_barrier();
		cpu->job = NULL;
	}
}

/* --- Work --- */

void cpu_begin(struct cpu *cpu, void (*job)(struct cpu *cpu))
{
	cpu_wait_idle(cpu);
	cpu->job = job;
	icr_write(cpu->id, ICR_FIXED | VECTOR_WAKE);
}

void cpu_wait_idle(const struct cpu *cpu)
{
	WAIT_UNTIL(!cpu->job);
}

void cpus_do(void (*job)(struct cpu *cpu))
{
	for (u32 n = 1; n < cpu_count; n++)
		cpu_begin(&cpus[n], job);
	job(&cpus[0]);
	for (u32 n = 1; n < cpu_count; n++)
		cpu_wait_idle(&cpus[n]);
}
