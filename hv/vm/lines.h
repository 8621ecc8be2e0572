/*
 * Which VM has which physical interrupt line. A line that two owners' devices share can't be taken apart:
 * the second one is refused.
 */
#ifndef HV_VM_LINES_H
#define HV_VM_LINES_H

#include "hv/base/status.h"
#include "hv/base/types.h"

struct vm;

/*
 * Makes vm (NULL: the hypervisor) the line's owner. OK too if it is already; ERR_BUSY: someone
 * else's; ERR_NO_MEMORY: more lines than there is room for.
 */
enum status line_claim(u32 gsi, const struct vm *vm);

/* The VM's lines are free again. */
void line_release(const struct vm *vm);

u32 lines_in_use(void);

#endif
