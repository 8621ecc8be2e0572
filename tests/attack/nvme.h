/* An NVMe controller whose DMA goes where it is told to. Addresses are those of the bus, of whole pages. */
#ifndef TESTS_ATTACK_NVME_H
#define TESTS_ATTACK_NVME_H

#include "hv/base/types.h"

/* Writes a page there, which tells what the controller is. */
void nvme_to(u64 address);

/* Sets the controller's clock by the eight bytes that lie there, and tells it. */
void nvme_from(u64 address);

#endif
