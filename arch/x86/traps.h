/* Exceptions and interrupts that reach the hypervisor itself. */
#ifndef ARCH_X86_TRAPS_H
#define ARCH_X86_TRAPS_H

#include "arch/x86/percpu.h"

#define VECTOR_NMI 2

/* The hypervisor's own interrupts, taken on a housekeeping CPU only. */
#define VECTOR_WAKE	0xf0 /* another CPU has news */
#define VECTOR_FAULTS	0xf1 /* the IOMMU recorded a fault */
#define VECTOR_CONSOLE	0xf2 /* the UART has a byte */
#define VECTOR_SPURIOUS 0xff

/*
 * Gives the calling CPU its segments, task state with stacks for NMI, double fault and machine check,
 * and the interrupt table; points GS to cpu. cpu's stacks must be set.
 */
void traps_init(struct percpu *cpu);

/*
 * Interrupts are off in the hypervisor but for these two, which have a table of their own: whatever the
 * vector, the interrupt is ended and nothing else. Left-overs of a VM may have the vectors of exceptions,
 * and a machine that does not block forged messages (QEMU) delivers any.
 */
void interrupts_take_pending(void);
/* Sleeps until one was taken; none is lost between a look before and the sleep. */
void interrupt_wait(void);

/*
 * Sleeps until an NMI was taken, be it before the call, since the last such sleep or run of a guest ended.
 * No interrupt is taken meanwhile. It may end without cause.
 */
void nmi_sleep(void);

#endif
