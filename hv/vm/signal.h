/*
 * What CPUs ask of a VM's vCPUs. A vCPU is away while it is in the guest or asleep, where only an NMI reaches
 * it; else it is in the hypervisor, and looks at what was asked before it goes away again:
 *
 *   vCPU:   away = true, then look at requests; none: go; afterwards away = false
 *   others: set a request, then look at away; true: send an NMI
 *
 * In whatever order these four happen, a request is seen by the vCPU, or the vCPU by an NMI. NMIs that come
 * too late do no harm.
 */
#ifndef HV_VM_SIGNAL_H
#define HV_VM_SIGNAL_H

#include "hv/base/pt.h"

#define SIGNAL_END     BIT(0) /* the VM has ended */
#define SIGNAL_FLUSH   BIT(1) /* forget what is cached of the nested tables */
#define SIGNAL_INIT    BIT(2) /* the guest's INIT, startup IPI and NMI: see startup.h */
#define SIGNAL_STARTUP BIT(3)
#define SIGNAL_NMI     BIT(4)

struct vm;

struct signals {
	u32 requests; /* SIGNAL_*; atomic */
	bool away;    /* likewise */
};

/* Asks a vCPU, from any CPU. */
void signal_send(struct vm *vm, u32 vcpu, u32 requests);

/* On the vCPU's own CPU: whether anything was asked; and takes it. */
static inline bool signal_waits(const struct signals *signals)
{
	return __atomic_load_n(&signals->requests, __ATOMIC_SEQ_CST);
}

static inline u32 signal_take(struct signals *signals)
{
	return __atomic_exchange_n(&signals->requests, 0, __ATOMIC_SEQ_CST);
}

/* Who sees it late sends an NMI, or waits, in vain. */
static inline void signal_back(struct signals *signals)
{
	__atomic_store_n(&signals->away, false, __ATOMIC_RELEASE);
}

/* True: it may go away now, and is to call signal_back() after. False: there is something to take. */
static inline bool signal_away(struct signals *signals)
{
	__atomic_store_n(&signals->away, true, __ATOMIC_SEQ_CST);
	if (!signal_waits(signals))
		return true;
	signal_back(signals);
	return false;
}

/*
 * Has all vCPUs flush what they cached of the nested tables before they are in the guest again, and waits
 * until none is there that was before: bounded, .done is false if one did not come out. Under vm->lock.
 */
struct pt_flushed signal_flush(struct vm *vm);

#endif
