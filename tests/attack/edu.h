/* QEMU's educational PCI device, whose DMA engine copies between its own 4 KiB and the bus. */
#ifndef TESTS_ATTACK_EDU_H
#define TESTS_ATTACK_EDU_H

#include "hv/base/types.h"

struct pci_function; /* of guest/pci.h */

#define EDU_TRANSFER_MAX 2048 /* QEMU before 10 aborts at 4096 */

enum edu_direction {
	EDU_READS,  /* from the bus into the device */
	EDU_WRITES, /* from the device to the bus */
};

/* Finds the device and turns it on. Ends the guest if there is none. */
void edu_init(void);

/* Turns bus mastering on; whether it is on then. After edu_init(). */
bool edu_master(void);

/* Has it interrupt, and ends that at the device. Finds it, at first. */
void edu_interrupt(void);

/* Where it is. Finds it, at first. */
struct pci_function edu_function(void);

/* Starts a transfer of at most EDU_TRANSFER_MAX bytes; it happens after 100 ms. */
void edu_start(enum edu_direction direction, u64 address, u32 size);

/* The same, and waits for its end. Ends the guest if the device never comes to it. */
void edu_transfer(enum edu_direction direction, u64 address, u32 size);

#endif
