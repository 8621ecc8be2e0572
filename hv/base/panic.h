/* The end of the line: for broken invariants only. No guest and no firmware can get here. */
#ifndef HV_BASE_PANIC_H
#define HV_BASE_PANIC_H

#include "hv/base/types.h"

/* Prints the reason, registers and a backtrace, and stops the machine. Host builds abort. */
_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);

/* An invariant, in every build: names itself when broken. */
#define INVARIANT(condition)                                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			panic("%s:%d: broken invariant: %s", __FILE__, __LINE__, #condition);      \
	} while (0)

#endif
