/* How the guest ends: one code for each kind of failure. */
#ifndef GUEST_EXIT_H
#define GUEST_EXIT_H

#include "hv/base/types.h"

enum exit_code {
	EXIT_OK = 0,	       /* everything that was asked for was verified */
	EXIT_NO_NIC = 1,       /* no e1000 or e1000e, or it does not work */
	EXIT_BAD_ARGUMENT = 2, /* malformed, contradictory, or this machine can't do it */
	EXIT_DHCP = 3,	       /* no lease */
	EXIT_PING = 4,	       /* a ping was not answered */
	EXIT_TFTP = 5,	       /* the file did not come */
	EXIT_DIGEST = 6,       /* the file came, but it is another one */
	EXIT_TIMEOUT = 7,      /* the overall time ran out */
	EXIT_MACHINE =
		8, /* no clock to calibrate against, or boot information that makes no sense */
	EXIT_EXCEPTION = 100, /* the CPU raised an exception */
};

#define EXIT_PORT 0xF4 /* Sluice's, and QEMU's isa-debug-exit, which makes 2 * code + 1 of it */

/* Writes the code to EXIT_PORT; where nobody listens there, halts for good. */
_Noreturn void machine_exit(enum exit_code code);

/* Prints "result: FAILED: ..." and ends with the code: for failures before there is a job. */
_Noreturn void fail(enum exit_code code, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
