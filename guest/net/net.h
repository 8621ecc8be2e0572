/*
 * The network stack's state and its two entrances: a frame came in, time went on.
 *
 * The stack is pure: it sees bytes and microseconds and calls the link's send function, nothing
 * else. Addresses are in host byte order everywhere but on the wire. Each layer's output is built
 * in place in net->frame: the payload first, then the headers in front of it, downwards.
 */
#ifndef GUEST_NET_NET_H
#define GUEST_NET_NET_H

#include "guest/net/arp.h"
#include "guest/net/eth.h"
#include "guest/net/ping.h"
#include "guest/net/udp.h"
#include "guest/net/wire.h"

#define NET_UDP_PORTS 4

struct net_link {
	void (*send)(void *context, const u8 *frame, size_t size); /* copies the frame */
	void *context;
};

struct net {
	struct mac mac;
	u32 address; /* 0: none yet */
	u32 mask;
	u32 gateway; /* 0: none */
	u64 now_us;
	struct net_link link;
	struct arp_cache arp;
	struct udp_port udp_ports[NET_UDP_PORTS];
	struct ping ping;
	u32 echoes_answered; /* ICMP echo requests */
	u32 dropped;	     /* malformed, or not for us */
	u16 ip_identification;
	u8 frame[ETH_FRAME_MAX];
};

void net_init(struct net *net, struct mac mac, struct net_link link);
void net_receive(struct net *net, struct bytes frame);

/* Sets the time, which never goes back, and does what is due. */
void net_tick(struct net *net, u64 now_us);

#endif
