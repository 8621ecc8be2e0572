/* What the guest's CPUs do together: one function for each word of the command line. */
#ifndef TESTS_SMP_SMP_H
#define TESTS_SMP_SMP_H

void smp_work(void);	  /* all count, with a lock and without */
void smp_ticks(void);	  /* each has a timer of its own */
void smp_topology(void);  /* what CPUID says of it */
void smp_ipi(void);	  /* fixed IPIs by physical destination and shorthand, from each CPU */
void smp_logical(void);	  /* by logical destination, several targets, lowest priority */
void smp_shootdown(void); /* a page moves, and all forget where it was */
void smp_nmi(void);	  /* NMIs, and one within another's handler */
void smp_init(void);	  /* INIT to CPUs that work, startup IPIs to CPUs that run */
void smp_outside(void);	  /* IPIs of all kinds to all IDs that are not its own */
void smp_bar(void);	  /* a BAR moves away from under CPUs that read it */
void smp_race(void); /* one CPU rewrites the instruction that another runs on device registers */
void smp_race_any(void); /* likewise, and it may be anything, which may end the VM */

/* These end the VM: while the others spin with interrupts off, one in an NMI's handler; by another CPU than the first; by INIT. */
void smp_end(void);
void smp_end_by_other(void);
void smp_end_by_init(void);

#endif
