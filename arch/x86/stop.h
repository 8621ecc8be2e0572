/* The end of a run, in a way that whoever started it sees. */
#ifndef ARCH_X86_STOP_H
#define ARCH_X86_STOP_H

#include "hv/base/types.h"

/* Codes that a guest's own can't be taken for: those are 0 .. STOP_GUEST_MAX. */
#define STOP_GUEST_MAX	0x7c /* guest codes above are told as this */
#define STOP_VM_CRASHED 0x7d
#define STOP_NO_VM	0x7e /* none was started, or not all that were asked for */
#define STOP_PANIC	0x7f

/* What machine_stop() does before it halts, e.g. write the code to a port; NULL, the default: nothing. */
void machine_set_exit(void (*exit)(u8 code));

/*
 * Prints the line "stop: code N", by which a serial console shows the end too, and ends the machine. Of
 * several CPUs that do so one that panicked has the last word.
 */
_Noreturn void machine_stop(u8 code);

/* The calling CPU panics: no other's lines or ending come between. A second one stops here. */
void panic_begin(void);

#endif
