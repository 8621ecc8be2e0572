/*
 * Mistakes on purpose, asked for by check= on the hypervisor's command line: on any machine they show that
 * the hypervisor's own address space has the rights that it should, and what the report of a crash looks
 * like. Each ends in that report and STOP_PANIC; one that does not is told, and the boot goes on.
 */
#ifndef HV_SELFCHECK_H
#define HV_SELFCHECK_H

#include "hv/vm/config.h"

/* The traps must be up. Nothing for CHECK_NONE. */
void selfcheck(enum hv_check check);

#endif
