/* The local APIC of the calling CPU (Intel SDM volume 3A, chapter 11), as xAPIC or x2APIC. */
#ifndef ARCH_X86_APIC_H
#define ARCH_X86_APIC_H

#include "hv/base/status.h"
#include "hv/base/types.h"

/* Registers, as offsets in the xAPIC page; the x2APIC MSR is 0x800 + offset / 16. */
#define APIC_ID		 0x020
#define APIC_VERSION	 0x030
#define APIC_TPR	 0x080
#define APIC_EOI	 0x0b0
#define APIC_LDR	 0x0d0
#define APIC_DFR	 0x0e0
#define APIC_SVR	 0x0f0
#define APIC_SVR_ENABLE	 0x100
#define APIC_ISR	 0x100 /* 8 registers of 32 bits */
#define APIC_TMR	 0x180
#define APIC_IRR	 0x200
#define APIC_ESR	 0x280
#define APIC_LVT_CMCI	 0x2f0
#define APIC_ICR	 0x300
#define APIC_ICR_HIGH	 0x310
#define APIC_LVT_TIMER	 0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PMC	 0x340
#define APIC_LVT_LINT0	 0x350
#define APIC_LVT_LINT1	 0x360
#define APIC_LVT_ERROR	 0x370
#define APIC_LVT_MASKED	 0x10000
#define APIC_TIMER_COUNT 0x380
#define APIC_TIMER_NOW	 0x390
#define APIC_TIMER_DIV	 0x3e0
#define APIC_SELF_IPI	 0x3f0

/* ICR fields (11.6.1). */
#define ICR_DELIVERY_NMI     0x400
#define ICR_DELIVERY_INIT    0x500
#define ICR_DELIVERY_STARTUP 0x600
#define ICR_LOGICAL	     0x800
#define ICR_PENDING	     0x1000
#define ICR_ASSERT	     0x4000

/* True if this CPU could be in x2APIC mode (CPUID). */
bool apic_x2apic_possible(void);

/*
 * Turns the calling CPU's local APIC on, in x2APIC mode if that is asked for or firmware left it so (there
 * is no way back from it but through a reset), all local vectors masked. ERR_UNSUPPORTED without one.
 */
enum status apic_init(bool x2apic);

bool apic_is_x2apic(void);
u32 apic_id(void);

u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);
void apic_eoi(void);

/* Interprocessor interrupts; the destination is one physical APIC ID. */
void apic_send_fixed(u32 apic_id, u8 vector);
void apic_send_nmi(u32 apic_id);
/* command is the ICR's low half. In xAPIC mode waits, bounded, until it is sent. */
void apic_send(u32 apic_id, u32 command);

/*
 * After INIT's state: all local vectors masked, timer stopped, TPR 0, nothing in service or requested.
 * Interrupts are taken and dropped meanwhile, so that the trap table must be the hypervisor's.
 */
void apic_reset(void);

/* The timer counting down from the top, masked, divided by 1; stop masks it and gives the ticks since start. */
void apic_timer_start(void);
u32 apic_timer_stop(void);

/* Sends the calling CPU the vector once, after so many of its ticks, until the timer is stopped. */
void apic_timer_once(u32 ticks, u8 vector);

#endif
