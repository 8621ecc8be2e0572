/* The guest's CPUs: starting them, having them work, and interrupting them. */
#ifndef TESTS_SMP_CPUS_H
#define TESTS_SMP_CPUS_H

#include "hv/base/types.h"

#define CPUS_MAX 8

/* Interrupt vectors; guest/traps.h has others. */
#define VECTOR_COUNTED 0x61
#define VECTOR_TLB     0x62
#define VECTOR_TICK    0x63
#define VECTOR_WAKE    0x64

/* ICR, Intel SDM volume 3A, 11.6.1: delivery, destination mode, level, shorthand. */
#define ICR_FIXED   0x04000u
#define ICR_LOWEST  0x04100u
#define ICR_NMI	    0x04400u
#define ICR_INIT    0x04500u
#define ICR_STARTUP 0x04600u
#define ICR_LOGICAL 0x00800u
#define ICR_SELF    0x40000u
#define ICR_ALL	    0x80000u
#define ICR_OTHERS  0xC0000u

/* Number 0 is the boot CPU. What others look at is volatile. */
struct cpu {
	u32 id; /* of the local APIC */
	volatile u32 starts;
	void (*volatile job)(struct cpu *cpu);
	volatile u32 counted; /* interrupts with VECTOR_COUNTED */
	volatile u32 ticks;
	volatile u32 tlb_flushes;
	volatile u32 nmis;
	volatile u32 nmi_depth, nmi_deepest;
	volatile u64 progress;
	/* What the startup IPI left: see ap.asm. */
	u32 first_cs, first_eflags, first_edx, first_cr0, first_selectors;
};

extern struct cpu cpus[CPUS_MAX];
extern u32 cpu_count;

/* An NMI's handler does not end while this is set. */
extern volatile bool nmi_hold;

/* Where the startup IPI is to lead to, and a page whose code only sets trap_hit. */
#define START_PAGE 0x08
#define TRAP_PAGE  0x09
bool trap_was_hit(void);

/* Reads the MP table and prepares this CPU. Ends the guest unless there are `wanted` CPUs. */
void cpus_init(u32 wanted);
/* Starts the others by INIT and startup IPIs, as the manual has it, one by one or all by one shorthand. */
void cpus_start(bool by_shorthand);
/* That one again, which an INIT has stopped. */
void cpu_start(struct cpu *cpu);

struct cpu *cpu_self(void);
bool cpus_x2apic(void);

/* The destination of an IPI to that CPU alone, and to all. */
u32 cpus_broadcast(void);
void icr_write(u32 destination, u32 command);

/* The others do it, and this CPU too; returns when all have. */
void cpus_do(void (*job)(struct cpu *cpu));
/* One other begins it. */
void cpu_begin(struct cpu *cpu, void (*job)(struct cpu *cpu));
void cpu_wait_idle(const struct cpu *cpu);

/* Waits, bounded, until the condition holds; else the guest fails and says what it waited for. */
#define WAIT_UNTIL(condition)                                                                      \
	do {                                                                                       \
		for (u64 waits = 0; !(condition); waits++)                                         \
			wait_once(waits, #condition);                                              \
	} while (0)
void wait_once(u64 n, const char *what);
/* Time for what must not come to come. */
void settle(void);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			check_failed(#condition, __LINE__);                                        \
	} while (0)
_Noreturn void check_failed(const char *what, int line);

#endif
