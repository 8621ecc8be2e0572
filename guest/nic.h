/* The machine's one NIC: found, set up, and wired to an interrupt and to the network stack. */
#ifndef GUEST_NIC_H
#define GUEST_NIC_H

#include "guest/args.h"
#include "guest/net/net.h"

struct nic_statistics {
	u64 rx_packets, rx_bytes, rx_dropped;
	u64 tx_packets, tx_bytes, tx_dropped;
	u64 interrupts;
};

/*
 * Finds the first NIC, brings it up with that kind of interrupt and prints what it is. Ends the
 * guest if there is none or it can't be done. The APIC, the clock and DMA memory must be there.
 */
void nic_init(enum irq_kind wanted);

struct mac nic_mac(void);

/* Where the stack sends its frames to. */
struct net_link nic_link(void);

/* Lets packets and interrupts in. */
void nic_start(void);

/* After EVENT_NIC: hands all frames that came in to the stack. */
void nic_work(struct net *net);

bool nic_link_up(void);
struct nic_statistics nic_statistics(void);

#endif
