/* Bounded waiting, by the time-stamp counter. */
#ifndef ARCH_X86_DELAY_H
#define ARCH_X86_DELAY_H

#include "hv/base/types.h"

struct deadline {
	u64 tsc;
};

/* us microseconds from now. */
struct deadline deadline_in(u64 us);
bool deadline_passed(struct deadline deadline);

#endif
