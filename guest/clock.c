#include "guest/clock.h"

#include "guest/apic.h"
#include "guest/cpu.h"
#include "guest/events.h"
#include "guest/traps.h"
#include "hv/base/bits.h"

#define CPUID_1_ECX_HYPERVISOR	BIT(31)
#define CPUID_HYPERVISOR	0x40000000 /* eax: the last leaf */
#define CPUID_HYPERVISOR_CLOCKS 0x40000010 /* eax: TSC kHz, ebx: local APIC timer kHz */

/* 8254 channel 2, whose output can be read at port 0x61. */
#define PIT_HZ		       1193182
#define PIT_CHANNEL_2	       0x42
#define PIT_COMMAND	       0x43
#define PIT_CHANNEL_2_ONE_SHOT 0xB0 /* channel 2, low then high byte, mode 0 */
#define PIT_GATE	       0x61
#define PIT_GATE_ON	       BIT(0)
#define PIT_GATE_SPEAKER       BIT(1)
#define PIT_GATE_OUTPUT	       BIT(5)
#define PIT_POLLS_MAX	       10000000
#define PIT_STARTS_MAX	       100

#define CALIBRATION_MS	   4
#define CALIBRATION_RUNS   3
#define CALIBRATION_COUNTS (PIT_HZ * CALIBRATION_MS / 1000)

static u32 tsc_khz;
static u32 apic_khz;
static bool told;
static u64 start_tsc;
static volatile u64 ticks;

static bool ask_hypervisor(void)
{
	struct cpuid clocks;

	if (!(cpu_id(1).ecx & CPUID_1_ECX_HYPERVISOR) ||
	    cpu_id(CPUID_HYPERVISOR).eax < CPUID_HYPERVISOR_CLOCKS)
		return false;
	clocks = cpu_id(CPUID_HYPERVISOR_CLOCKS);
	tsc_khz = clocks.eax;
	apic_khz = clocks.ebx;
	return tsc_khz && apic_khz;
}

static void pit_start(u16 counts)
{
	u8 gate = port_in8(PIT_GATE) & (u8) ~(PIT_GATE_ON | PIT_GATE_SPEAKER);

	port_out8(PIT_GATE, gate);
	port_out8(PIT_COMMAND, PIT_CHANNEL_2_ONE_SHOT);
	port_out8(PIT_CHANNEL_2, (u8)counts);
	port_out8(PIT_CHANNEL_2, (u8)(counts >> 8));
	port_out8(PIT_GATE, gate | (u8)PIT_GATE_ON);
}

static bool pit_is_over(void)
{
	return port_in8(PIT_GATE) & PIT_GATE_OUTPUT;
}

/* An emulator that loses its CPU for as long as the count takes has it end at once: then it is tried again. */
static bool start_count(void)
{
	for (unsigned i = 0; i < PIT_STARTS_MAX; i++) {
		apic_timer_measure();
		pit_start(CALIBRATION_COUNTS);
		if (!pit_is_over())
			return true;
	}
	return false;
}

/* One run. The frequencies so far are kept where they are lower. */
static const char *measure(void)
{
	u64 tsc;
	u64 apic;

	if (!start_count())
		return "no clock: the PIT does not count, and no hypervisor tells frequencies";
	tsc = cpu_tsc();
	for (unsigned i = 0; !pit_is_over(); i++)
		if (i == PIT_POLLS_MAX)
			return "no clock: the PIT never ends its count";
	apic = (u64)apic_timer_elapsed() * APIC_TIMER_DIVISOR / CALIBRATION_MS;
	tsc = (cpu_tsc() - tsc) / CALIBRATION_MS;
	tsc_khz = (u32)min_u64(tsc, tsc_khz);
	apic_khz = (u32)min_u64(apic, apic_khz);
	return NULL;
}

/* Several runs, of which the shortest is the right one: an emulator may lose its CPU in between. */
static const char *calibrate(void)
{
	const char *problem = NULL;

	tsc_khz = apic_khz = UINT32_MAX;
	for (unsigned i = 0; !problem && i < CALIBRATION_RUNS; i++)
		problem = measure();
	if (!problem && (!tsc_khz || !apic_khz))
		return "no clock: the TSC or the local APIC's timer stands still";
	return problem;
}

static void on_tick(void)
{
	ticks++;
	events_raise(EVENT_TIMER);
}

const char *clock_init(void)
{
	const char *problem = NULL;

	told = ask_hypervisor();
	if (!told)
		problem = calibrate();
	if (problem)
		return problem;
	start_tsc = cpu_tsc();
	traps_set_handler(VECTOR_TIMER, on_tick);
	apic_timer_periodic((u32)((u64)apic_khz * CLOCK_TICK_MS / APIC_TIMER_DIVISOR));
	return NULL;
}

u64 clock_us(void)
{
	return (cpu_tsc() - start_tsc) * 1000 / tsc_khz;
}

u32 clock_tsc_khz(void)
{
	return tsc_khz;
}

u32 clock_apic_khz(void)
{
	return apic_khz;
}

bool clock_from_hypervisor(void)
{
	return told;
}

u64 clock_ticks(void)
{
	return ticks;
}

void clock_delay_us(u32 us)
{
	u64 until = clock_us() + us;

	while (clock_us() < until)
		;
}
