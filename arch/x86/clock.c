#include "arch/x86/clock.h"

#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/delay.h"
#include "arch/x86/mmio.h"

/* Until it is measured: more than any CPU has, so that waits are too long rather than too short. */
static u32 tsc_khz = 6000000;
static u32 apic_khz;
static u64 start_tsc;

#define PM_TIMER_HZ 3579545u
#define PIT_HZ	    1193182u

/* A millisecond: long enough for three digits and more, short enough to be spent at each boot. */
#define MEASURE_MS 1
/* Port reads until a timer is taken for dead. */
#define MAX_READS 10000000u

/* Waits for ticks of the PM timer; 24 bits are all that is sure. */
static bool pm_timer_wait(u16 port)
{
	u32 ticks = PM_TIMER_HZ * MEASURE_MS / 1000;
	u32 start = port_read32(port);

	for (u32 i = 0; i < MAX_READS; i++)
		if (((port_read32(port) - start) & 0xffffff) >= ticks)
			return true;
	return false;
}

/* Intel 82C54 data sheet: channel 2, mode 0, gated by port 0x61; its output shows in bit 5. */
static bool pit_wait(void)
{
	u32 ticks = PIT_HZ * MEASURE_MS / 1000;
	u8 gate = port_read8(0x61) & 0xfc;
	bool done = false;

	port_write8(0x61, gate | 1);
	port_write8(0x43, 0xb0);
	port_write8(0x42, (u8)ticks);
	port_write8(0x42, (u8)(ticks >> 8));
	for (u32 i = 0; i < MAX_READS && !done; i++)
		done = port_read8(0x61) & 0x20;
	port_write8(0x61, gate);
	return done;
}

void clock_init(u16 pm_timer_port)
{
	apic_timer_start();
	u64 tsc = tsc_read();
	bool measured = pm_timer_port && pm_timer_wait(pm_timer_port);

	if (!measured) {
		apic_timer_start();
		tsc = tsc_read();
		measured = pit_wait();
	}
	u64 elapsed = tsc_read() - tsc;
	u32 apic_ticks = apic_timer_stop();

	if (measured) {
		tsc_khz = (u32)(elapsed / MEASURE_MS);
		apic_khz = apic_ticks / MEASURE_MS;
	}
	start_tsc = tsc;
}

u32 clock_tsc_khz(void)
{
	return tsc_khz;
}

u32 clock_apic_khz(void)
{
	return apic_khz;
}

u64 clock_us(void)
{
	/* In two steps, so that the product does not overflow within centuries. */
	u64 tsc = tsc_read() - start_tsc;

	return tsc / tsc_khz * 1000 + tsc % tsc_khz * 1000 / tsc_khz;
}

struct deadline deadline_in(u64 us)
{
	return (struct deadline){tsc_read() + us * (tsc_khz / 1000 + 1)};
}

bool deadline_passed(struct deadline deadline)
{
	return (s64)(tsc_read() - deadline.tsc) > 0;
}
