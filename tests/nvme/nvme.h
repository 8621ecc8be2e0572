/*
 * A driver of an NVMe controller (NVM Express 1.4), for guests that test and measure: an admin queue that is
 * polled, and one I/O queue whose completions interrupt. What can't be set up ends the guest.
 */
#ifndef TESTS_NVME_NVME_H
#define TESTS_NVME_NVME_H

#include "hv/base/types.h"

struct pci_function; /* of guest/pci.h */

/* 5: opcodes of admin commands. */
enum nvme_admin {
	NVME_CREATE_SQ = 1,
	NVME_CREATE_CQ = 5,
	NVME_IDENTIFY = 6,
	NVME_SET_FEATURES = 9,
	NVME_GET_FEATURES = 10,
};

#define NVME_IDENTIFY_CONTROLLER 1
#define NVME_FEATURE_TIMESTAMP	 0x0E

/* What nvme_run() returns if there is no answer. */
#define NVME_NO_ANSWER 0xFFFF

/*
 * Finds the first controller and starts it, once, with MSI-X on and all messages masked. The APIC and the clock
 * must be there.
 */
void nvme_begin(void);

/* Where it is, once it was found. */
struct pci_function nvme_place(void);

/*
 * One admin command with a page of data there (0: none), and dwords 10 and 11. The status, 0 for success. No
 * more of them than the queue has entries: 64.
 */
u16 nvme_run(enum nvme_admin opcode, u64 address, u32 dword10, u32 dword11);

/* Makes the I/O queue; its completions come as that vector (of guest/traps.h's kind), by MSI-X. */
void nvme_begin_io(u8 vector);

#define NVME_READ_BYTES 4096

/* Reads the disk's first bytes of that number to a page, of namespace 1: the doorbell is the last that it does. */
void nvme_read_begin(u64 address);

/* After the interrupt: whether a read has ended; its status. Takes it off the queue. */
bool nvme_read_end(u16 *status);

#endif
