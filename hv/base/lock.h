/* A ticketless spinlock: few CPUs, short sections, none of them on a guest's I/O path. */
#ifndef HV_BASE_LOCK_H
#define HV_BASE_LOCK_H

#include "hv/base/types.h"

struct lock {
	u32 held;
};

static inline void lock_take(struct lock *lock)
{
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
}

static inline void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif
