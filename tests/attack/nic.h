/* An e1000 or e1000e whose DMA goes where it is told to. Addresses are those of the bus. */
#ifndef TESTS_ATTACK_NIC_H
#define TESTS_ATTACK_NIC_H

#include "hv/base/types.h"

struct pci_function; /* of guest/pci.h */

/* Has it read a frame of its own, be there a link or not; tells whether it wrote back, and interrupted. */
void nic_own(void);

/* Frames that come go there; asks for one, and tells whether it came. */
void nic_to(u64 address);

/* Sends the 60 bytes that lie there. */
void nic_from(u64 address);

/* Its rings lie there: it reads descriptors, and writes them back. Nothing else is of use afterwards. */
void nic_rings(u64 address);

/* The ring for frames that come lies there; asks for one. Nothing comes any more afterwards. */
void nic_ring(u64 address);

/* Frames that come go there from now on, as long as the device runs. */
void nic_late(u64 address);

/* Waits until its link is down. */
void nic_watch(void);

/* Has it interrupt by the cause that is entry 0's of MSI-X, or by one that raises MSI. */
void nic_interrupt(bool msix);

/* Where it is. Finds it, at first. */
struct pci_function nic_function(void);

#endif
