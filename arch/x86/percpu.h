/* What belongs to one physical CPU; GS points to it. */
#ifndef ARCH_X86_PERCPU_H
#define ARCH_X86_PERCPU_H

#include "hv/base/bits.h"

#define CPU_MAX	       64
#define CPU_STACK_SIZE KIB(16)
#define CPU_IST_SIZE   KIB(8)

#define PERCPU_WINDOWS 8

struct percpu {
	struct percpu *self; /* at GS:0 */
	u32 index;	     /* 0: the boot CPU */
	u32 apic_id;
	u8 *stack_top;
	u8 *ist_top[3]; /* NMI, double fault, machine check */
	u64 gdt[8];
	u32 tss[26];	   /* Intel SDM volume 3A, figure 8-11 */
	u64 *window_entry; /* page-table entries of this CPU's windows, and where they map */
	u8 *window_base;
	volatile bool nmi_seen; /* an NMI was taken since this was cleared */
	void (*on_nmi)(void);	/* what else the CPU backend wants done then; NULL: nothing */
	volatile bool online;
	void *backend;	    /* the CPU backend's own */
	void (*work)(void); /* what an application processor is for; set before it wakes */
};

static inline struct percpu *percpu(void)
{
	struct percpu *self;

	__asm__("mov %%gs:0, %0" : "=r"(self));
	return self;
}

#endif
