#include "hv/vm/pm_timer.h"

u32 pm_timer_value(u64 tsc, u32 tsc_khz)
{
	u64 ms = tsc / tsc_khz;
	u64 rest = tsc % tsc_khz;

	/* Seconds apart, so that no product overflows. */
	return (u32)(ms / 1000 * PM_TIMER_HZ + ms % 1000 * PM_TIMER_HZ / 1000 +
		     rest * PM_TIMER_HZ / tsc_khz / 1000);
}
