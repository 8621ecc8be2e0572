/* XCR0, which may be refused. */
#ifndef TESTS_ATTACK_VECTORS_H
#define TESTS_ATTACK_VECTORS_H

#include "hv/base/types.h"

/* Puts handlers before the guest's own for #UD and #GP, which still get those that come from elsewhere. */
void vectors_init(void);

bool vectors_set(u32 index, u64 value); /* XSETBV; false: it is refused */
u64 vectors_get(void);			/* XCR0 */

#endif
