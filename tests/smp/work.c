/* Work on shared memory, starts and ends. */
#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/pci.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "hv/base/lock.h"
#include "tests/smp/cpus.h"
#include "tests/smp/smp.h"

#define INCREMENTS 5000u
#define ROUNDS	   20u

static struct lock lock;
static volatile u32 guarded;
static u32 atomic;

static void count(struct cpu *self)
{
	for (u32 i = 0; i < INCREMENTS; i++) {
		lock_take(&lock);
		guarded = guarded + 1;
		lock_release(&lock);
		__atomic_fetch_add(&atomic, 1, __ATOMIC_SEQ_CST);
		if (i % 64 == 0)
			(void)cpu_id(0); /* exits at the same time */
	}
	self->progress++;
}

void smp_work(void)
{
	guarded = atomic = 0;
	cpus_do(count);
	CHECK(guarded == cpu_count * INCREMENTS);
	CHECK(atomic == cpu_count * INCREMENTS);
}

/* --- Topology --- */

void smp_topology(void)
{
	struct cpuid leaf1 = cpu_id(1);
	bool several = leaf1.edx >> 28 & 1;
	u32 ids = several ? leaf1.ebx >> 16 & 0xFF : 1;

	print("topology: %u IDs\n", ids);
	CHECK(several == (cpu_count > 1));
	for (u32 n = 0; n < cpu_count; n++)
		CHECK(cpus[n].id / ids == cpus[0].id / ids);
}

/* --- A page that moves --- */

#define WINDOW	   0x7FE00000ull /* 2 MiB beyond its memory */
#define FIRST_FLAG 0x5EED0000u
#define PAGE_2M	   0x83ull /* present, writable, large */

extern u64 page_pdpt[512];

static volatile u32 *const window = (volatile u32 *)WINDOW;
static const u64 homes[2] = {24ull << 20, 26ull << 20};
static volatile u32 expected;

static void look(struct cpu *self)
{
	(void)self;
	CHECK(*window == expected);
}

static void on_tlb(void)
{
	cpu_forget_page(WINDOW);
	cpu_self()->tlb_flushes++;
}

static void map_window(u64 to)
{
	volatile u64 *directory = (volatile u64 *)(uintptr_t)(page_pdpt[WINDOW >> 30] & ~0xFFFull);
	u32 flushes[CPUS_MAX];

	for (u32 n = 0; n < cpu_count; n++)
		flushes[n] = cpus[n].tlb_flushes;
	directory[WINDOW >> 21 & 511] = to | PAGE_2M;
	cpu_forget_page(WINDOW);
	icr_write(0, ICR_FIXED | ICR_OTHERS | VECTOR_TLB);
	for (u32 n = 1; n < cpu_count; n++)
		WAIT_UNTIL(cpus[n].tlb_flushes != flushes[n]);
}

void smp_shootdown(void)
{
	traps_set_handler((enum vector)VECTOR_TLB, on_tlb);
	for (u32 i = 0; i < 2; i++)
		*(volatile u32 *)homes[i] = FIRST_FLAG + i;
	for (u32 round = 0; round < ROUNDS; round++) {
		map_window(homes[round % 2]);
		expected = FIRST_FLAG + round % 2;
		cpus_do(look);
	}
}

/* --- INIT and startup IPIs --- */

static void spin(struct cpu *self)
{
	cpu_interrupts_off();
	for (;;)
		self->progress++;
}

static void sleep_deeply(struct cpu *self)
{
	self->progress++;
	for (;;)
		cpu_halt_for_good();
}

static void stop_and_start(struct cpu *cpu, void (*job)(struct cpu *cpu))
{
	u64 progress = cpu->progress;

	cpu_begin(cpu, job);
	WAIT_UNTIL(cpu->progress != progress);
	/* It runs: that a startup IPI does nothing shows in where it would go. */
	icr_write(cpu->id, ICR_STARTUP | TRAP_PAGE);
	icr_write(cpu->id, ICR_INIT);
	/* Nothing comes through that it would take if it ran. */
	icr_write(cpu->id, ICR_NMI);
	icr_write(cpu->id, ICR_FIXED | VECTOR_COUNTED);
	cpu_start(cpu);
	progress = cpu->progress;
	icr_write(cpu->id, ICR_STARTUP | TRAP_PAGE);
	settle();
	CHECK(cpu->progress == progress);
	CHECK(!trap_was_hit());
}

void smp_init(void)
{
	for (u32 n = 1; n < cpu_count; n++) {
		u32 nmis = cpus[n].nmis, counted = cpus[n].counted;

		for (u32 round = 0; round < ROUNDS / 4; round++) {
			stop_and_start(&cpus[n], spin);
			stop_and_start(&cpus[n], sleep_deeply);
		}
		CHECK(cpus[n].nmis == nmis && cpus[n].counted == counted);
	}
	/* All are as good as new. */
	cpus_do(count);
}

/* --- A BAR that moves --- */

#define EDU_ID	     0x11E81234
#define EDU_BAR_SIZE (1u << 20)

static volatile u32 *volatile registers;
static volatile u32 readers;

static bool is_edu(u32 id)
{
	return id == EDU_ID;
}

/* With interrupts off it comes out of the guest by nothing but the hypervisor's own doing. */
static void read_until_gone(struct cpu *self)
{
	(void)self;
	cpu_interrupts_off();
	(void)*registers;
	__atomic_fetch_add(&readers, 1, __ATOMIC_SEQ_CST);
	while (*registers != ~0u)
		;
	cpu_interrupts_on();
}

void smp_bar(void)
{
	struct pci_function f;
	u32 at;

	CHECK(pci_find(is_edu, &f));
	at = (u32)pci_claim_bar(f, 0);
	pci_set_command(f, PCI_COMMAND_MEMORY);
	for (u32 round = 0; round < ROUNDS; round++) {
		registers = (volatile u32 *)(uintptr_t)at;
		CHECK((*registers & 0xFFFF) == 0xED);
		readers = 0;
		for (u32 n = 1; n < cpu_count; n++)
			cpu_begin(&cpus[n], read_until_gone);
		WAIT_UNTIL(readers == cpu_count - 1);
		at ^= EDU_BAR_SIZE;
		pci_write32(f, PCI_BAR(0), at);
		for (u32 n = 1; n < cpu_count; n++)
			cpu_wait_idle(&cpus[n]);
	}
}

/* --- Ends --- */

/* The last one in an NMI's handler, which it does not come back from. */
static void others_spin(void)
{
	struct cpu *last = &cpus[cpu_count - 1];

	for (u32 n = 1; n < cpu_count; n++) {
		u64 progress = cpus[n].progress;

		cpu_begin(&cpus[n], spin);
		WAIT_UNTIL(cpus[n].progress != progress);
	}
	nmi_hold = true;
	icr_write(last->id, ICR_NMI);
	WAIT_UNTIL(last->nmi_depth == 1);
}

void smp_end(void)
{
	others_spin();
	print("result: ok\n");
	machine_exit(EXIT_OK);
}

static void end(struct cpu *self)
{
	(void)self;
	machine_exit(EXIT_OK);
}

void smp_end_by_other(void)
{
	print("result: ok\n");
	console_flush();
	cpu_begin(&cpus[cpu_count - 1], end);
	spin(&cpus[0]);
}

void smp_end_by_init(void)
{
	icr_write(0, ICR_INIT | ICR_OTHERS);
	settle();
	print("the last one\n");
	icr_write(cpus[0].id, ICR_INIT);
	spin(&cpus[0]);
}
