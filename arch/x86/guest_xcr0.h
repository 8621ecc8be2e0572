/* XCR0: which state XSAVE manages, and instructions on vectors may use (Intel SDM volume 1, 13.3). Pure. */
#ifndef ARCH_X86_GUEST_XCR0_H
#define ARCH_X86_GUEST_XCR0_H

#include "hv/base/types.h"

/*
 * What guests may set, where the CPU has it: x87, SSE, AVX, AVX-512. Not MPX, which is gone from new CPUs, nor
 * protection keys and AMX, which hang on registers that guests don't have.
 */
#define GUEST_XCR0_KNOWN 0xe7ull

/* True if XSETBV takes the value on a CPU whose XCR0 can hold `allowed`. */
bool guest_xcr0_is_valid(u64 allowed, u64 value);

#endif
