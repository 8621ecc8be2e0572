#include "hv/vm/trace.h"

#ifdef TRACE

#include "arch/x86/cpu.h"
#include "hv/base/format.h"
#include "hv/base/string.h"
#include "hv/vm/exits.h"

struct trace trace;
static struct lock lock;

static u64 detail_of(const struct vcpu *vcpu, const struct vm_exit *exit)
{
	switch (exit->kind) {
	case EXIT_CPUID:
		return (u32)vcpu->gpr[GPR_RAX];
	case EXIT_MSR:
		return exit->msr.index;
	case EXIT_IO:
		return exit->io.port;
	case EXIT_NESTED_FAULT:
		return exit->nested.address.v;
	default:
		return 0;
	}
}

struct trace_mark trace_begin(const struct vcpu *vcpu, const struct vm_exit *exit)
{
	return (struct trace_mark){
		.tsc = tsc_read(),
		.rip = vcpu->rip,
		.detail = detail_of(vcpu, exit),
	};
}

static void begin(void)
{
	trace.records = TRACE_RECORDS;
	trace.kinds = EXIT_KINDS;
	trace.vms = VM_MAX;
	trace.name_size = TRACE_NAME;
}

/* The VM's number: a life's is that of the life before, as its name is. */
static u8 number_of(const struct vm *vm)
{
	u8 n = 0;

	while (n < VM_MAX - 1 && trace.vm[n][0] && strcmp(trace.vm[n], vm->name) != 0)
		n++;
	if (!trace.vm[n][0])
		format_text(trace.vm[n], TRACE_NAME, "%s", vm->name);
	return n;
}

void trace_end(const struct vm *vm, const struct vcpu *vcpu, const struct vm_exit *exit,
	       const struct trace_mark *mark)
{
	struct trace_record record = {
		.tsc = mark->tsc,
		.rip = mark->rip,
		.detail = mark->detail,
		.cost = (u32)min_u64(tsc_read() - mark->tsc, UINT32_MAX),
		.kind = (u8)exit->kind,
		.vcpu = (u8)(vcpu - vm->vcpu),
	};

	lock_take(&lock);
	if (!trace.records)
		begin();
	record.vm = number_of(vm);
	if (!trace.kind[exit->kind][0])
		format_text(trace.kind[exit->kind], TRACE_NAME, "%s", exit_name(exit->kind));
	trace.record[trace.count++ % TRACE_RECORDS] = record;
	lock_release(&lock);
}

#endif
