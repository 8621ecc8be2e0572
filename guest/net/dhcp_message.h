/* DHCP messages (RFC 2131, options of RFC 2132): bytes in, struct out, and the other way round. */
#ifndef GUEST_NET_DHCP_MESSAGE_H
#define GUEST_NET_DHCP_MESSAGE_H

#include "guest/net/wire.h"

#define DHCP_CLIENT_PORT 68
#define DHCP_SERVER_PORT 67

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
};

/* What a server says; what it left out is 0. */
struct dhcp_message {
	u8 type;
	u32 xid;
	struct mac client;
	u32 your_address;
	u32 next_server; /* siaddr: where to boot from */
	u32 server_id;
	u32 mask;
	u32 router; /* the first of them */
	u32 lease_s;
};

/* False if it is not a well-formed reply, or its fields contradict each other. */
bool dhcp_message_parse(struct bytes bytes, struct dhcp_message *out);

/* What a client says. Addresses that are 0 are left out. */
struct dhcp_request {
	enum dhcp_type type;
	u32 xid;
	u16 seconds;
	struct mac client;
	u32 requested;
	u32 server_id;
};

#define DHCP_REQUEST_SIZE 300 /* relays and old servers drop what is shorter than BOOTP was */

/* Writes DHCP_REQUEST_SIZE bytes. */
void dhcp_request_build(const struct dhcp_request *request, u8 *to);

#endif
