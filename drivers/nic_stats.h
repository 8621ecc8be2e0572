/*
 * What a NIC counts by itself: packets and bytes, read behind the back of the VM that owns it. Intel
 * 8254x software developer's manual, section 13.7; 82574 data sheet, section 10.2.7.
 */
#ifndef DRIVERS_NIC_STATS_H
#define DRIVERS_NIC_STATS_H

#include "arch/x86/mmio.h"
#include "drivers/pci.h"

struct nic_stats {
	u64 rx_packets; /* good packets received */
	u64 rx_bytes;
	u64 tx_packets; /* good packets sent */
	u64 tx_bytes;
};

/* True if the function is a NIC whose counters are known. */
bool nic_stats_known(const struct pci_function *function);

/*
 * Reads the counters through the registers of BAR 0, which the function must decode. Reading clears
 * them: they count from the last read or reset on. False: not a known NIC, or too few registers.
 */
bool nic_stats_read(const struct pci_function *function, const struct mmio *registers,
		    struct nic_stats *stats);

#endif
