/* The local APIC, through its page (xAPIC) or its MSRs (x2APIC). */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include "hv/base/types.h"

enum apic_mode {
	APIC_ANY, /* x2APIC where the CPU has it */
	APIC_XAPIC,
	APIC_X2APIC,
};

/* Turns it on in the wanted mode, everything masked. NULL, or the reason why it can't be done. */
const char *apic_init(enum apic_mode wanted);

/* "xAPIC" or "x2APIC". */
const char *apic_mode_name(void);

u32 apic_id(void);
void apic_end_of_interrupt(void);

/* The timer counts down at its input clock over this. */
#define APIC_TIMER_DIVISOR 16

/* Starts a silent countdown from the largest value; apic_timer_elapsed() counts since then. */
void apic_timer_measure(void);
u32 apic_timer_elapsed(void);

/* Interrupts with VECTOR_TIMER every so many counts (divided ones), from now on. */
void apic_timer_periodic(u32 counts);

#endif
