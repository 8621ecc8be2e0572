/* Starting the other processors (Intel SDM volume 3A, 8.4.4). */
#ifndef ARCH_X86_SMP_H
#define ARCH_X86_SMP_H

#include "arch/x86/percpu.h"
#include "hv/base/pool.h"
#include "hv/base/status.h"

/* The boot CPU's own state: segments, traps, stacks. Before this nothing may fault. */
enum status cpu_boot_init(struct pool *pool);

/* The boot CPU has its local APIC: the ID of that is known now. */
enum status cpu_boot_finish(void);

/*
 * Starts the processor with this APIC ID, through the page at trampoline, which is below 1 MiB. It sets
 * itself up and sleeps until cpu_run(). *cpu is its state. ERR_TIMEOUT: it did not come up; ERR_NO_MEMORY.
 */
enum status cpu_start(u32 apic_id, hpa_t trampoline, struct pool *pool, struct percpu **cpu);

/* Has the processor call work once; it goes back to sleep when that returns. */
void cpu_run(struct percpu *cpu, void (*work)(void));

#endif
