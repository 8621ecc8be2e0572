#include "guest/net/dhcp.h"

#include "guest/net/ip.h"

/*
 * Each message is sent this often, 1, 2, 4 and 4 s apart. RFC 2131 starts at 4 s, for networks of
 * 1997; a link that is still coming up, or a lost packet, should not cost that much here.
 */
#define DHCP_TRIES	   5
#define DHCP_AGAIN_US	   1000000ull
#define DHCP_AGAIN_DOUBLED 2

static void send(struct dhcp *dhcp)
{
	struct net *net = dhcp->net;
	bool requesting = dhcp->state == DHCP_STATE_REQUESTING;
	struct dhcp_request request = {
		.type = requesting ? DHCP_REQUEST : DHCP_DISCOVER,
		.xid = dhcp->xid,
		.seconds = (u16)((net->now_us - dhcp->started_us) / 1000000),
		.client = net->mac,
		.requested = requesting ? dhcp->lease.your_address : 0,
		.server_id = requesting ? dhcp->lease.server_id : 0,
	};
	unsigned doubled = dhcp->tries < DHCP_AGAIN_DOUBLED ? dhcp->tries : DHCP_AGAIN_DOUBLED;

	dhcp->again_us = net->now_us + (DHCP_AGAIN_US << doubled);
	dhcp->tries++;
	dhcp_request_build(&request, udp_payload(net));
	(void)udp_send(net, IP_BROADCAST, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DHCP_REQUEST_SIZE);
}

static void enter(struct dhcp *dhcp, enum dhcp_state state)
{
	dhcp->state = state;
	dhcp->tries = 0;
	if (state == DHCP_STATE_SELECTING || state == DHCP_STATE_REQUESTING)
		send(dhcp);
}

/* An address that a host can have. */
static bool is_host_address(u32 address)
{
	return address >> 24 != 0 && address >> 24 != 127 && address >> 28 < 0xE;
}

static void bind(struct dhcp *dhcp, const struct dhcp_message *ack)
{
	dhcp->lease = *ack;
	dhcp->net->address = ack->your_address;
	dhcp->net->mask = ack->mask;
	dhcp->net->gateway = ack->router;
	enter(dhcp, DHCP_STATE_BOUND);
}

static void on_datagram(void *owner, const struct udp_datagram *datagram)
{
	struct dhcp *dhcp = owner;
	struct dhcp_message message;

	if (datagram->from_port != DHCP_SERVER_PORT ||
	    !dhcp_message_parse(datagram->payload, &message) || message.xid != dhcp->xid ||
	    !mac_equal(message.client, dhcp->net->mac))
		return;
	if (dhcp->state == DHCP_STATE_SELECTING && message.type == DHCP_OFFER) {
		if (!is_host_address(message.your_address) || !message.server_id)
			return;
		dhcp->lease = message;
		enter(dhcp, DHCP_STATE_REQUESTING);
	} else if (dhcp->state == DHCP_STATE_REQUESTING &&
		   message.server_id == dhcp->lease.server_id) {
		if (message.type == DHCP_ACK && is_host_address(message.your_address))
			bind(dhcp, &message);
		else if (message.type == DHCP_NAK)
			enter(dhcp, DHCP_STATE_SELECTING);
	}
}

void dhcp_start(struct dhcp *dhcp, struct net *net, u32 xid)
{
	*dhcp = (struct dhcp){.net = net, .xid = xid, .started_us = net->now_us};
	if (!udp_listen(net, DHCP_CLIENT_PORT, on_datagram, dhcp)) {
		dhcp->state = DHCP_STATE_FAILED;
		return;
	}
	enter(dhcp, DHCP_STATE_SELECTING);
}

void dhcp_tick(struct dhcp *dhcp)
{
	if (dhcp->state != DHCP_STATE_SELECTING && dhcp->state != DHCP_STATE_REQUESTING)
		return;
	if (dhcp->net->now_us < dhcp->again_us)
		return;
	if (dhcp->tries < DHCP_TRIES)
		send(dhcp);
	else
		dhcp->state = DHCP_STATE_FAILED;
}
