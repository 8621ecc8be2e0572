/* Who called whom, with names from the image's own symbol table. */
#ifndef ARCH_X86_BACKTRACE_H
#define ARCH_X86_BACKTRACE_H

#include "hv/base/types.h"

/*
 * Prints the chain of frames from rip and rbp on, by log_raw(). Stops at the first odd frame. Where rip is
 * no code, the call that led there has left its return address at rsp.
 */
void backtrace_print(u64 rip, u64 rsp, u64 rbp);

#endif
