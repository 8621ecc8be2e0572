/*
 * A burst: a few dozen random instructions that are run in some mode of the CPU, with registers and tables
 * made for them, until an interrupt ends it or nothing of it is left. Memory as it is laid out here is the
 * guest's alone.
 *
 *   0         vectors of real mode; at 0x7000 and 0x8000 what leads there and back
 *   0x10000   what real and virtual-8086 mode play with: code at 0x20000
 *   2 MiB     this program
 *   6 MiB     what must last: descriptor tables, task states, stacks, the burst itself
 *   7 MiB     page tables of bursts
 *   8 MiB     what the other modes play with: code at 9 MiB
 *   12 MiB    nothing but RAM
 */
#ifndef TESTS_RANDOM_BURST_H
#define TESTS_RANDOM_BURST_H

#include "hv/base/types.h"

#define LOW_PLAY  0x10000u
#define LOW_CODE  0x20000u
#define PLAY	  0x800000u
#define PLAY_SIZE 0x400000u
#define PLAY_CODE 0x900000u
#define SYSTEM	  0x600000u
#define TABLES	  0x700000u

#define SYSTEM_GDT	 (SYSTEM + 0x1000)
#define SYSTEM_IDT_LONG	 (SYSTEM + 0x2000)
#define SYSTEM_IDT	 (SYSTEM + 0x3000)
#define SYSTEM_TSS_LONG	 (SYSTEM + 0x4000)
#define SYSTEM_TSS	 (SYSTEM + 0x4100)
#define SYSTEM_STACK_TOP (SYSTEM + 0x6000)

#define GDT_ENTRIES 32

/* Selectors; the order of the descriptors in tables.c. */
enum {
	CODE_LONG = 0x08,
	DATA_FLAT = 0x10,
	CODE_FLAT = 0x18,
	CODE_16 = 0x20, /* at PLAY_CODE */
	DATA_16 = 0x28, /* at PLAY */
	USER_CODE_LONG = 0x33,
	USER_DATA = 0x3b,
	USER_CODE = 0x43,
	USER_CODE_16 = 0x4b,
	TASK_LONG = 0x50, /* two entries */
	TASK = 0x60,
	CODE_LOW = 0x68, /* 16-bit, at 0 */
	DATA_LOW = 0x70,
	RANDOM_DESCRIPTOR = 0x78, /* from here on */
};

/* How the CPU gets there. */
enum way {
	WAY_LONG,
	WAY_PROTECTED, /* and V8086 */
	WAY_REAL,
};

#define BOUNDARIES_MAX 64

/* modes.asm knows this layout. */
struct burst {
	u64 gpr[16];
	u64 cr0, cr3, cr4, efer;
	u64 rip, cs, rflags, rsp, ss;
	u64 es, ds, fs, gs;
	u64 way;
	u64 real_selector; /* what the segment registers hold on the way to real mode */
	u64 resumes;	   /* so many faults of the burst are gone past */
	u64 running;	   /* by modes.asm */
	u64 ended_by;	   /* by modes.asm: a vector */
	u64 faults;	   /* by modes.asm: how many there were */
	u64 end_rip;	   /* by modes.asm: of the last fault */
	u64 reserved[4];
	u64 boundary
		[BOUNDARIES_MAX]; /* where instructions begin, as rip; 0 and then ~0 around them */
};

static struct burst *const burst = (struct burst *)(uintptr_t)SYSTEM;

/* modes.asm: runs it, comes back when it has ended. */
void burst_run(void);
/* modes.asm: what leads to real mode and back, which is copied to REAL_STUB. */
extern const u8 real_stub[], real_vectors[], real_stub_end[];
extern const u8 stubs_long[], stubs_protected[]; /* one for each vector, STUB_SIZE apart */

#define STUB_SIZE  10
#define REAL_STUB  0x8000u
#define REAL_BURST 0x7000u

#endif
