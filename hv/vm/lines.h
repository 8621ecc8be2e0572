/*
 * Which VM has which physical interrupt line. A line that two owners' devices share can't be taken apart:
 * the second one is refused.
 */
#ifndef HV_VM_LINES_H
#define HV_VM_LINES_H

#include "hv/vm/config.h"

struct vm;

/*
 * The line of the function's INTx pin: what the configuration says, else what the chipset's routing does.
 * Errors as of intx_find_gsi().
 */
enum status line_find(const struct hv_config *config, const struct pci_topology *pci,
		      const struct pci_function *function, u32 *gsi);

/*
 * Makes vm (NULL: the hypervisor) the line's owner. OK too if it is already; ERR_BUSY: someone
 * else's; ERR_NO_MEMORY: more lines than there is room for.
 */
enum status line_claim(u32 gsi, const struct vm *vm);

/* The VM's lines are free again. */
void line_release(const struct vm *vm);

u32 lines_in_use(void);

#endif
