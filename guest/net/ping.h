/*
 * The ping client: sends a number of echo requests, each once the one before it was answered or a
 * second has passed, and counts the answers whose content is right, late ones included.
 */
#ifndef GUEST_NET_PING_H
#define GUEST_NET_PING_H

#include "guest/net/wire.h"

#define PING_MAX 1000

struct net;
struct ip_packet;

struct ping {
	u32 target;
	u32 count;
	u32 sent;
	u32 answered;
	u64 next_us;		   /* when to send the next, or give up after the last */
	u8 seen[PING_MAX / 8 + 1]; /* which sequence numbers were answered */
};

/* count: 1 to PING_MAX. Starts with the next tick. */
void ping_start(struct net *net, u32 target, u32 count);

/* All answered, or nothing more to wait for. */
bool ping_is_over(const struct net *net);

bool ping_receive_reply(struct net *net, const struct ip_packet *ip);
void ping_tick(struct net *net);

#endif
