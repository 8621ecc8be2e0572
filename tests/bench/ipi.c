#include "guest/apic.h"
#include "guest/cpu.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "tests/bench/bench.h"
#include "tests/smp/cpus.h"

#define ROUNDS 50

static volatile u32 pings, pongs;

static void on_ping(void)
{
	pings++;
}

static void on_pong(void)
{
	pongs++;
}

/* The other one: each ping that wakes it is answered. */
static void answer(struct cpu *cpu)
{
	(void)cpu;
	cpu_interrupts_off();
	for (u32 i = 0; i < ROUNDS; i++) {
		while (pings == i)
			cpu_sleep();
		icr_write(cpus[0].id, ICR_FIXED | VECTOR_COUNTED);
	}
	cpu_interrupts_on();
}

/* From writing the ICR until the handler is through, on this CPU alone. */
static u64 to_itself(void)
{
	u32 before = pongs;
	u64 start = cpu_tsc();

	icr_write(cpus[0].id, ICR_FIXED | VECTOR_COUNTED);
	while (pongs == before)
		__asm__ volatile("sti; nop; cli" : : : "memory");
	return cpu_tsc() - start;
}

/* To the other one, which sleeps, and back: both CPUs' instructions, as one goes on while the other sleeps. */
static u64 there_and_back(void)
{
	u32 before = pongs;
	u64 start = cpu_tsc();

	icr_write(cpus[1].id, ICR_FIXED | VECTOR_TLB);
	while (pongs == before)
		cpu_sleep();
	return cpu_tsc() - start;
}

static u64 cheapest(u64 (*run)(void))
{
	u64 least = UINT64_MAX;

	for (u32 i = 0; i < ROUNDS; i++)
		least = min_u64(least, run());
	return least;
}

void bench_ipi(const char *value)
{
	(void)value;
	cpus_init(2);
	apic_timer_periodic(0);
	traps_set_handler((enum vector)VECTOR_TLB, on_ping);
	traps_set_handler((enum vector)VECTOR_COUNTED, on_pong);
	cpu_interrupts_off();
	bench_row("ipi-self", cheapest(to_itself));
	cpu_interrupts_on();
	cpus_start(false);
	cpu_begin(&cpus[1], answer);
	cpu_interrupts_off();
	bench_row("ipi-round", cheapest(there_and_back));
}
