/*
 * The ACPI power management timer (ACPI 6.4, 4.8.3.3): what kernels measure their other clocks against
 * where there is no PIT and no HPET. Made of the TSC; read-only, 32 bits.
 */
#ifndef HV_VM_PM_TIMER_H
#define HV_VM_PM_TIMER_H

#include "hv/base/types.h"

#define PM_TIMER_PORT 0x608
#define PM_TIMER_HZ   3579545u

/* Its value at a TSC value, for a TSC of tsc_khz kHz. Pure. */
u32 pm_timer_value(u64 tsc, u32 tsc_khz);

#endif
