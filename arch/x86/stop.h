/* The end of a run, in a way that whoever started it sees. */
#ifndef ARCH_X86_STOP_H
#define ARCH_X86_STOP_H

#include "hv/base/types.h"

/* Codes that a guest's own can't be taken for: those are 0 .. STOP_GUEST_MAX. */
#define STOP_GUEST_MAX	0x7c /* guest codes above are told as this */
#define STOP_VM_CRASHED 0x7d
#define STOP_NO_VM	0x7e /* none was started, or not all that were asked for */
#define STOP_PANIC	0x7f

/* With a debug-exit port machine_stop() writes its code there; 0, the default: the CPU just halts. */
void machine_set_exit_port(u16 port);

/* Of several CPUs that stop the machine one that panicked has the last word. */
_Noreturn void machine_stop(u8 code);

/* The calling CPU panics: no other's lines or ending come between. A second one stops here. */
void panic_begin(void);

#endif
