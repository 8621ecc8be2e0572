/* Ethernet II frames. */
#ifndef GUEST_NET_ETH_H
#define GUEST_NET_ETH_H

#include "guest/net/wire.h"

#define ETH_HEADER	14
#define ETH_PAYLOAD_MAX 1500
#define ETH_FRAME_MIN	60 /* without the checksum */
#define ETH_FRAME_MAX	(ETH_HEADER + ETH_PAYLOAD_MAX)

#define ETH_TYPE_IP  0x0800
#define ETH_TYPE_ARP 0x0806

struct net;

struct eth_header {
	struct mac to;
	struct mac from;
	u16 type;
	struct bytes payload; /* may have padding at its end */
};

/* False if it is too short, or its sender is a group. */
bool eth_parse(struct bytes frame, struct eth_header *out);

/* Sends the payload that lies at eth_payload(); size <= ETH_PAYLOAD_MAX. */
void eth_send(struct net *net, struct mac to, u16 type, size_t size);
u8 *eth_payload(struct net *net);

#endif
