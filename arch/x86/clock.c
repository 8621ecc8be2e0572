#include "arch/x86/clock.h"

#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/delay.h"
#include "arch/x86/mmio.h"
#include "hv/base/bits.h"

/* Until it is measured: more than any CPU has, so that waits are too long rather than too short. */
static u32 tsc_khz = 6000000;
static u32 apic_khz;
extern u64 boot_tsc; /* boot.asm: at the entry */

#define PM_TIMER_HZ 3579545u
#define PIT_HZ	    1193182u

/* A millisecond: long enough for three digits and more, short enough to be spent at each boot. */
#define MEASURE_MS 1
/* An emulator's CPU may be held up between two reads: the median of this many is not. */
#define SAMPLES 3
/* Port reads until a timer is taken for dead. */
#define MAX_READS 10000000u

/* Waits a while on the PM timer, of which 24 bits are sure. The nanoseconds; 0: it does not count. */
static u64 pm_timer_wait(u16 port)
{
	u32 ticks = PM_TIMER_HZ * MEASURE_MS / 1000;
	u32 start = port_read32(port);

	for (u32 i = 0; i < MAX_READS; i++) {
		u32 passed = (port_read32(port) - start) & 0xffffff;

		if (passed >= ticks)
			return passed * 1000000000ull / PM_TIMER_HZ;
	}
	return 0;
}

/* Likewise by the PIT. Intel 82C54 data sheet: channel 2, mode 0, gated by port 0x61; its output is bit 5. */
static u64 pit_wait(u16 unused)
{
	u32 ticks = PIT_HZ * MEASURE_MS / 1000;
	u8 gate = port_read8(0x61) & 0xfc;
	bool done = false;

	(void)unused;
	port_write8(0x61, gate | 1);
	port_write8(0x43, 0xb0);
	port_write8(0x42, (u8)ticks);
	port_write8(0x42, (u8)(ticks >> 8));
	for (u32 i = 0; i < MAX_READS && !done; i++)
		done = port_read8(0x61) & 0x20;
	port_write8(0x61, gate);
	return done ? MEASURE_MS * 1000000ull : 0;
}

struct sample {
	u64 tsc_khz;
	u64 apic_khz;
};

static bool take_sample(u64 (*wait)(u16 port), u16 port, struct sample *sample)
{
	apic_timer_start();
	u64 tsc = tsc_read();
	u64 ns = wait(port);
	u64 elapsed = tsc_read() - tsc;
	u64 ticks = apic_timer_stop();

	if (!ns)
		return false;
	*sample = (struct sample){elapsed * 1000000 / ns, ticks * 1000000 / ns};
	return sample->tsc_khz && sample->tsc_khz <= UINT32_MAX;
}

/* The middle one of three. */
static struct sample median(const struct sample s[SAMPLES])
{
	u64 least = min_u64(min_u64(s[0].tsc_khz, s[1].tsc_khz), s[2].tsc_khz);
	u64 most = max_u64(max_u64(s[0].tsc_khz, s[1].tsc_khz), s[2].tsc_khz);

	for (u32 i = 0; i < SAMPLES; i++)
		if (s[i].tsc_khz != least && s[i].tsc_khz != most)
			return s[i];
	/* Two of them are equal. */
	return s[0].tsc_khz == s[1].tsc_khz ? s[0] : s[2];
}

static bool measure(u64 (*wait)(u16 port), u16 port)
{
	struct sample samples[SAMPLES];

	for (u32 i = 0; i < SAMPLES; i++)
		if (!take_sample(wait, port, &samples[i]))
			return false;
	tsc_khz = (u32)median(samples).tsc_khz;
	apic_khz = (u32)median(samples).apic_khz;
	return true;
}

void clock_init(u16 pm_timer_port)
{
	if (!pm_timer_port || !measure(pm_timer_wait, pm_timer_port))
		(void)measure(pit_wait, 0);
}

u32 clock_tsc_khz(void)
{
	return tsc_khz;
}

u64 clock_boot_tsc(void)
{
	return boot_tsc;
}

u32 clock_apic_khz(void)
{
	return apic_khz;
}

u64 clock_us(void)
{
	/* In two steps, so that the product does not overflow within centuries. */
	u64 tsc = tsc_read() - boot_tsc;

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
