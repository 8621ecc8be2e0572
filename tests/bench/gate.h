/* Puts a handler of one's own into the interrupt descriptor table. */
#ifndef TESTS_BENCH_GATE_H
#define TESTS_BENCH_GATE_H

#include "hv/base/types.h"

/* The handler gets what the CPU pushes, and ends with IRETQ. */
void gate_set(u8 vector, const u8 *handler);

#endif
