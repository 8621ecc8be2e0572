/* The echo service (RFC 862) on UDP port 7. */
#ifndef GUEST_NET_ECHO_H
#define GUEST_NET_ECHO_H

#include "guest/net/net.h"

#define ECHO_PORT 7

struct echo {
	struct net *net;
	u32 answered;
};

bool echo_start(struct echo *echo, struct net *net);

#endif
