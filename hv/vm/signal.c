#include "hv/vm/signal.h"

#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/delay.h"
#include "hv/base/log.h"
#include "hv/vm/vm.h"

/* Far beyond what any CPU takes for an exit, under any emulator on a busy machine. */
#define FLUSH_TIMEOUT_US 10000000ull

static bool is_away(const struct signals *signals)
{
	return __atomic_load_n(&signals->away, __ATOMIC_SEQ_CST);
}

void signal_send(struct vm *vm, u32 vcpu, u32 requests)
{
	struct signals *signals = &vm->signals[vcpu];

	__atomic_fetch_or(&signals->requests, requests, __ATOMIC_SEQ_CST);
	if (is_away(signals))
		apic_send_nmi(vm->vcpu[vcpu].apic_id);
}

/* One that is not away sees the request before it goes; one that took it was not away since it was asked. */
static bool is_flushed(const struct signals *signals)
{
	return !is_away(signals) ||
	       !(__atomic_load_n(&signals->requests, __ATOMIC_SEQ_CST) & SIGNAL_FLUSH);
}

struct pt_flushed signal_flush(struct vm *vm)
{
	struct deadline deadline = deadline_in(FLUSH_TIMEOUT_US);

	for (u32 n = 0; n < vm->vcpu_count; n++)
		signal_send(vm, n, SIGNAL_FLUSH);
	for (u32 n = 0; n < vm->vcpu_count; n++)
		while (!is_flushed(&vm->signals[n])) {
			if (deadline_passed(deadline)) {
				log_line(vm->name, "virtual CPU %u can't be reached", n);
				return (struct pt_flushed){.done = false};
			}
			cpu_pause();
		}
	return (struct pt_flushed){.done = true};
}
