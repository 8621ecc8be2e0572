/* I/O ports as a guest sees them. Those that are not listed read all ones and ignore writes. */
#ifndef HV_VM_PORTS_H
#define HV_VM_PORTS_H

#include "hv/base/types.h"

struct vm;

/* A write of v ends the VM with code v. */
#define VM_EXIT_PORT 0xf4

/* width 1, 2 or 4 bytes. */
u32 ports_read(struct vm *vm, u16 port, u8 width);
void ports_write(struct vm *vm, u16 port, u8 width, u32 value);

#endif
