/*
 * ARP (RFC 826): who has an IPv4 address on this link.
 *
 * An entry is free, asked (requests go out until one is answered or the tries are spent) or known.
 * One IP packet may wait for an answer; a later one takes its place, since all that send them
 * repeat them anyway.
 */
#ifndef GUEST_NET_ARP_H
#define GUEST_NET_ARP_H

#include "guest/net/eth.h"
#include "guest/net/wire.h"

#define ARP_ENTRIES 8

struct arp_entry {
	enum { ARP_FREE, ARP_ASKED, ARP_KNOWN } state;
	u32 address;
	struct mac mac;
	u8 tries;
	u64 again_us; /* when to ask again */
};

struct arp_cache {
	struct arp_entry entries[ARP_ENTRIES];
	u8 next_victim;
	u32 waiting_for; /* 0: no packet waits */
	size_t waiting_size;
	u8 waiting[ETH_PAYLOAD_MAX];
};

/* False if the packet is malformed. */
bool arp_receive(struct net *net, struct bytes packet);

/* Sends the IP packet of that size at eth_payload() to its neighbour, now or once it is known. */
void arp_send_ip(struct net *net, u32 neighbour, size_t size);

void arp_tick(struct net *net);

#endif
