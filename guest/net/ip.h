/* IPv4 (RFC 791) without options of our own and without fragments. */
#ifndef GUEST_NET_IP_H
#define GUEST_NET_IP_H

#include "guest/net/eth.h"
#include "guest/net/wire.h"

#define IP_HEADER      20
#define IP_PAYLOAD_MAX (ETH_PAYLOAD_MAX - IP_HEADER)
#define IP_BROADCAST   0xFFFFFFFFu

#define IP_PROTOCOL_ICMP 1
#define IP_PROTOCOL_UDP	 17

struct ip_packet {
	u32 from;
	u32 to;
	u8 protocol;
	struct bytes payload; /* without Ethernet's padding */
};

/*
 * The Internet checksum (RFC 1071) of the bytes, continuing from sum: the sum of 16-bit words that
 * is still to be complemented, so that pieces of even size can be added up.
 */
u32 ip_sum(struct bytes data, u32 sum);
u16 ip_checksum(struct bytes data, u32 sum);

/* The sum of the pseudo header that UDP's checksum covers. */
u32 ip_pseudo_sum(u32 from, u32 to, u8 protocol, size_t size);

/* False for what is malformed, a fragment, or from a sender that can't be one. */
bool ip_parse(struct bytes packet, struct ip_packet *out);

bool ip_receive(struct net *net, struct bytes packet);

/* Sends the payload at ip_payload(); size <= IP_PAYLOAD_MAX. False if there is no way there. */
bool ip_send(struct net *net, u32 to, u8 protocol, size_t size);
u8 *ip_payload(struct net *net);

#endif
