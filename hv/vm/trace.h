/*
 * A ring of the latest exits: when, of which VM, why, and what each cost. It is in images built with TRACE=1
 * alone; in others the calls below are nothing, to the instruction. tools/trace.py reads it out of memory.
 */
#ifndef HV_VM_TRACE_H
#define HV_VM_TRACE_H

#include "hv/vm/vm.h"

/* What is known when an exit came, before it is handled. */
struct trace_mark {
	u64 tsc;
	u64 rip;    /* the guest's */
	u64 detail; /* CPUID leaf, MSR, port or guest-physical address, by the reason; else 0 */
};

#ifdef TRACE

#define TRACE_RECORDS 32768u
#define TRACE_NAME    16

/* tools/trace.py has the same layout. */
struct trace_record {
	u64 tsc;
	u64 rip;
	u64 detail;
	u32 cost; /* ticks of the TSC from the exit until its VM can be entered again; cut */
	u8 kind;  /* enum vm_exit_kind */
	u8 vm;	  /* index in the names */
	u8 vcpu;
	u8 reserved;
};

_Static_assert(sizeof(struct trace_record) == 32, "as in tools/trace.py");

struct trace {
	u64 count; /* of all records ever: the next one's index, modulo TRACE_RECORDS */
	u32 records, kinds, vms, name_size; /* what follows has so many */
	char kind[EXIT_KINDS][TRACE_NAME];
	char vm[VM_MAX][TRACE_NAME];
	struct trace_record record[TRACE_RECORDS];
};

extern struct trace trace;

struct trace_mark trace_begin(const struct vcpu *vcpu, const struct vm_exit *exit);

/* The exit was handled: it goes into the ring, over the oldest. From any CPU. */
void trace_end(const struct vm *vm, const struct vcpu *vcpu, const struct vm_exit *exit,
	       const struct trace_mark *mark);

#else

static inline struct trace_mark trace_begin(const struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vcpu;
	(void)exit;
	return (struct trace_mark){0};
}

static inline void trace_end(const struct vm *vm, const struct vcpu *vcpu,
			     const struct vm_exit *exit, const struct trace_mark *mark)
{
	(void)vm;
	(void)vcpu;
	(void)exit;
	(void)mark;
}

#endif

#endif
