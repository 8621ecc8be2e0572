/* Time since start, and the tick that wakes the main loop. */
#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H

#include "hv/base/types.h"

#define CLOCK_TICK_MS 10

/*
 * Learns how fast the TSC and the local APIC's timer run: from the hypervisor where it tells, else
 * by the PIT. Then starts the tick. NULL, or the reason why not. The APIC must be on.
 */
const char *clock_init(void);

u64 clock_us(void);
u32 clock_tsc_khz(void);
u32 clock_apic_khz(void);
bool clock_from_hypervisor(void);
u64 clock_ticks(void);

/* Busy-waits: for the few microseconds that a reset takes. */
void clock_delay_us(u32 us);

#endif
