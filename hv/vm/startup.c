#include "hv/vm/startup.h"

#include "hv/vm/code.h"
#include "hv/vm/features.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

void startup_init(struct vm *vm)
{
	for (u32 n = 0; n < vm->vcpu_count; n++)
		vm->startup[n] = (struct startup){.waits = n != 0};
}

static bool is_asked(const struct vm *vm, u32 vcpu, u32 request)
{
	return __atomic_load_n(&vm->signals[vcpu].requests, __ATOMIC_SEQ_CST) & request;
}

/* What came before an INIT is lost by it. */
void startup_send_init(struct vm *vm, u32 vcpu)
{
	__atomic_fetch_and(&vm->signals[vcpu].requests, ~(u32)(SIGNAL_STARTUP | SIGNAL_NMI),
			   __ATOMIC_SEQ_CST);
	signal_send(vm, vcpu, SIGNAL_INIT);
}

/* One that waits, or will as soon as it looks, and was not given a start yet. */
void startup_send_startup(struct vm *vm, u32 vcpu, u8 page)
{
	if ((!vm->startup[vcpu].waits && !is_asked(vm, vcpu, SIGNAL_INIT)) ||
	    is_asked(vm, vcpu, SIGNAL_STARTUP))
		return;
	vm->startup[vcpu].page = page;
	signal_send(vm, vcpu, SIGNAL_STARTUP);
}

void startup_send_nmi(struct vm *vm, u32 vcpu)
{
	if (!vm->startup[vcpu].waits && !is_asked(vm, vcpu, SIGNAL_INIT))
		signal_send(vm, vcpu, SIGNAL_NMI);
}

static bool all_wait(const struct vm *vm)
{
	for (u32 n = 0; n < vm->vcpu_count; n++)
		if (!vm->startup[n].waits || is_asked(vm, n, SIGNAL_STARTUP))
			return false;
	return true;
}

/* The CPU takes interrupts from here on, which the local APIC's reset needs; it has none of a guest to run. */
static void wait_for_startup(struct vm *vm, struct vcpu *vcpu)
{
	vm->startup[vcpu - vm->vcpu].waits = true;
	services.cpu->stand_by();
	vlapic_reset(vm, vcpu);
}

/* Table 9-1: EDX has the CPU's signature. */
static void start(struct vm *vm, struct vcpu *vcpu)
{
	struct startup *startup = &vm->startup[vcpu - vm->vcpu];
	struct vcpu_start real = {
		.kind = START_REAL,
		.rdx = features_cpuid(vm, vcpu, 1, 0).eax,
		.page = startup->page,
	};

	/* Once more: interrupts may have come for it. */
	vlapic_reset(vm, vcpu);
	services.cpu->reset(vcpu, &real);
	startup->waits = false;
}

static void carry_out(struct vm *vm, struct vcpu *vcpu, u32 requests)
{
	static const struct vcpu_event nmi = {.kind = EVENT_NMI, .vector = 2};
	const bool *waits = &vm->startup[vcpu - vm->vcpu].waits;

	if (requests & SIGNAL_FLUSH) {
		services.cpu->flush(vcpu);
		code_close(vcpu);
	}
	if (requests & SIGNAL_INIT)
		wait_for_startup(vm, vcpu);
	if (requests & SIGNAL_NMI)
		services.cpu->inject(vcpu, &nmi);
	if (requests & SIGNAL_STARTUP && *waits)
		start(vm, vcpu);
	if (requests & SIGNAL_INIT && all_wait(vm))
		vm_end(vm, VM_CRASHED, 0,
		       "INIT to its last running CPU: none is left to start one");
}

void startup_attend(struct vm *vm, struct vcpu *vcpu)
{
	struct signals *signals = vcpu->signals;

	/* What is asked from here on is seen by signal_away(). */
	if (!signal_waits(signals))
		return;
	lock_take(&vm->lock);
	carry_out(vm, vcpu, signal_take(signals));
	lock_release(&vm->lock);
}
