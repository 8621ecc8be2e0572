/* The time-stamp counter's frequency, and the local APIC timer's beside it. */
#ifndef ARCH_X86_CLOCK_H
#define ARCH_X86_CLOCK_H

#include "hv/base/types.h"

/*
 * Measures both against the ACPI PM timer (ACPI 6.4, 4.8.3.3: 3.579545 MHz) where there is one, else
 * against the PIT's channel 2. The local APIC must be on.
 */
void clock_init(u16 pm_timer_port);

/* In kHz. */
u32 clock_tsc_khz(void);
u32 clock_apic_khz(void);

/* The counter at the loader's hand-over. */
u64 clock_boot_tsc(void);

/* Microseconds since the loader's hand-over; right once clock_init() is through. */
u64 clock_us(void);

#endif
