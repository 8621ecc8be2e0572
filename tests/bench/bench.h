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

/* wire.c: packets from one NIC of the guest's to another, on a network of their own; and a UDP echo between. */
void bench_wire(const char *value);

/* disk.c: an nvme's reads of 4 KiB. */
void bench_disk(const char *value);

/* ipi.c: interrupts to itself and to another CPU. The last word, as the timer is off afterwards. */
void bench_ipi(const char *value);

/* maps.c: the hypervisor's page-table engine. */
void bench_maps(const char *value);

/* steady.c: the same so many times, counted: packets, reads, and ticks without any. */
void bench_steady(const char *value);

/* fetch.c: what the shipped guest does; the value is its arguments, separated by commas. */
void bench_fetch(const char *value);

/* stubs.asm: the handler of #UD that goes on behind an instruction of three bytes. */
extern const u8 bench_skip_3[];
/* A handler: the TSC of its first instruction, and how often it ran. */
extern const u8 bench_stamp_entry[];
extern volatile u64 bench_stamp_tsc;
extern volatile u64 bench_stamp_count;
/* Counts, two instructions at a time, until the TSC is there; how often. */
u64 bench_spin(u64 until);

#endif
