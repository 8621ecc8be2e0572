/* An e1000 or e1000e whose DMA goes where it is told to. Addresses are those of the bus. */
#ifndef TESTS_ATTACK_NIC_H
#define TESTS_ATTACK_NIC_H

#include "hv/base/types.h"

/* Frames that come go there; asks for one, and tells whether it came. */
void nic_to(u64 address);

/* Sends the 60 bytes that lie there. */
void nic_from(u64 address);

/* Its rings lie there: it reads descriptors, and writes them back. Nothing else is of use afterwards. */
void nic_rings(u64 address);

#endif
