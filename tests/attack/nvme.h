/* An NVMe controller whose DMA goes where it is told to. Addresses are those of the bus, of whole pages. */
#ifndef TESTS_ATTACK_NVME_H
#define TESTS_ATTACK_NVME_H

#include "hv/base/types.h"

struct pci_function; /* of guest/pci.h */

/* Writes a page there, which tells what the controller is. */
void nvme_to(u64 address);

/* Sets the controller's clock by the eight bytes that lie there, and tells it. */
void nvme_from(u64 address);

/* Writes the controller's clock there, eight bytes. Need not be a whole page. */
void nvme_time(u64 address);

/* Has it interrupt: vector 0, which a completion in the admin queue raises. Finds it, at first. */
void nvme_interrupt(void);

/* Where it is. Finds it, at first. */
struct pci_function nvme_function(void);

#endif
