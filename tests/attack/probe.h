/* Instructions that may be refused with a #GP. */
#ifndef TESTS_ATTACK_PROBE_H
#define TESTS_ATTACK_PROBE_H

#include "hv/base/types.h"

/* Puts a handler before the guest's own for #GP, which still gets those that come from elsewhere. */
void probe_init(void);

/* False if it is refused. */
bool probe_read_msr(u32 index, u64 *value);
bool probe_write_msr(u32 index, u64 value);
bool probe_write_cr0(u64 value);
bool probe_write_cr3(u64 value);
bool probe_write_cr4(u64 value);
bool probe_read_counter(u32 index);

#endif
