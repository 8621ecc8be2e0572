/* A VM's RAM for tests, behind vm_read(), vm_write() and vm_fill(). */
#ifndef TESTS_HOST_GUEST_MEMORY_H
#define TESTS_HOST_GUEST_MEMORY_H

#include "hv/vm/vm.h"

/* size bytes from guest-physical 0 on, filled with `fill`; vm is otherwise zero. Free by _free(). */
void guest_memory_make(struct vm *vm, u64 size, u8 fill);
void guest_memory_free(void);

/* Bit n: window n was closed after it was opened last. */
u32 guest_memory_closed(void);

/* All of it, for reading back. */
struct bytes guest_memory(void);

/* Bytes of the largest single write since it was made. */
u64 guest_memory_largest(void);

#endif
