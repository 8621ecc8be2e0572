/*
 * What the files of the measuring guest share. It counts in ticks of the TSC; under QEMU's -icount shift=0 on
 * a machine with one CPU these are instructions, of the guest and of what runs beneath it.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "hv/base/types.h"

/* A row of the table: "bench: NAME TICKS". */
void bench_row(const char *name, u64 ticks);

/* exits.c: the cheapest round trip of each kind of instruction that exits. Interrupts must be off. */
void bench_exits(const char *value);
/* The one of that name again and again, for good, for who looks from outside where the time goes. */
void bench_loop(const char *value);

/* timer.c: the local APIC's timer. */
void bench_timer(const char *value);

/* packets.c: an e1000's, sent and looped back. */
void bench_packets(const char *value);

/* fetch.c: what the shipped guest does; the value is its arguments, separated by commas. */
void bench_fetch(const char *value);

/* stubs.asm: the handler of #UD that goes on behind an instruction of three bytes. */
extern const u8 bench_skip_3[];
/* The timer's handler: the TSC of its first instruction, and how often it ran. */
extern const u8 bench_timer_entry[];
extern volatile u64 bench_timer_tsc;
extern volatile u64 bench_timer_count;
/* Counts, two instructions at a time, until the TSC is there; how often. */
u64 bench_spin(u64 until);

#endif
