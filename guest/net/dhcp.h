/*
 * The DHCP client (RFC 2131, 4.4), up to the lease; it does not renew, since the guest's work takes
 * seconds.
 *
 *   IDLE --dhcp_start--> SELECTING --offer--> REQUESTING --ack--> BOUND
 *                            ^------------nak-----'
 *   SELECTING, REQUESTING --tries spent--> FAILED
 */
#ifndef GUEST_NET_DHCP_H
#define GUEST_NET_DHCP_H

#include "guest/net/dhcp_message.h"
#include "guest/net/net.h"

enum dhcp_state {
	DHCP_STATE_IDLE,
	DHCP_STATE_SELECTING,
	DHCP_STATE_REQUESTING,
	DHCP_STATE_BOUND,
	DHCP_STATE_FAILED,
};

struct dhcp {
	struct net *net;
	enum dhcp_state state;
	u32 xid;
	u8 tries;
	u64 started_us;
	u64 again_us;
	struct dhcp_message lease; /* the offer; once BOUND, the acknowledgement */
};

/* xid: a number that other clients are unlikely to use at the same time. */
void dhcp_start(struct dhcp *dhcp, struct net *net, u32 xid);
void dhcp_tick(struct dhcp *dhcp);

#endif
