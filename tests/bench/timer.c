#include "guest/apic.h"
#include "guest/clock.h"
#include "guest/cpu.h"
#include "guest/traps.h"
#include "tests/bench/bench.h"
#include "tests/bench/gate.h"

#define TICKS	      20
#define COUNTS	      20000 /* of the timer, for a tick */
#define SPIN_ROUND    6	    /* instructions */
#define HANDLER_STAMP 2	    /* the handler's instructions before its RDTSC */

/*
 * With -icount TSC and timer count at the same rate, measured or not: a tick a nanosecond. Ticks come at multiples of the period after the counter was written; the first instruction of the handler
 * runs so much later. Only where writing it is no exit, in x2APIC mode, is the start known.
 */
static u64 latency(u64 start, u64 period)
{
	u64 least = UINT64_MAX;

	for (unsigned i = 0; i < TICKS; i++) {
		u64 count = bench_stamp_count;
		u64 late;

		cpu_interrupts_on();
		while (bench_stamp_count == count)
			;
		cpu_interrupts_off();
		late = (bench_stamp_tsc - HANDLER_STAMP - start) % period;
		if (late < least)
			least = late;
	}
	return least;
}

/* What a tick takes from who does not wait for it. */
static u64 stolen(u64 period)
{
	u64 count = bench_stamp_count;
	u64 start = cpu_tsc();
	u64 rounds;

	cpu_interrupts_on();
	rounds = bench_spin(start + TICKS * period + period / 2);
	cpu_interrupts_off();
	return (cpu_tsc() - start - rounds * SPIN_ROUND) / (bench_stamp_count - count);
}

void bench_timer(const char *value)
{
	u64 period = (u64)COUNTS * APIC_TIMER_DIVISOR;
	u64 start;

	(void)value;
	gate_set(VECTOR_TIMER, bench_stamp_entry);
	cpu_interrupts_off();
	apic_timer_periodic(COUNTS);
	start = cpu_tsc();
	if (apic_mode_name()[1] == '2')
		bench_row("timer-latency", latency(start, period));
	bench_row("timer-tick", stolen(period));
	traps_init();
	apic_timer_periodic(clock_apic_khz() * CLOCK_TICK_MS / APIC_TIMER_DIVISOR);
}
