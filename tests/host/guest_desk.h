/* What the tests of the guest's DHCP and TFTP clients share. */
#ifndef TESTS_HOST_GUEST_DESK_H
#define TESTS_HOST_GUEST_DESK_H

#include "tests/host/harness.h"

#include "guest/net/ip.h"
#include "guest/net/net.h"
#include "guest/net/udp.h"

#define SERVER 0x0A000202u /* 10.0.2.2 */
#define CLIENT 0x0A00020Fu

/* A stack whose frames end on the desk of the test, which plays the server. */
struct desk {
	struct net net;
	unsigned sent;
	struct udp_datagram last; /* the client's */
	u8 data[UDP_PAYLOAD_MAX];
};

static inline void desk_send(void *context, const u8 *frame, size_t size)
{
	struct desk *desk = context;
	struct eth_header eth;
	struct ip_packet ip;

	assert_true(eth_parse((struct bytes){frame, size}, &eth));
	assert_int_equal(eth.type, ETH_TYPE_IP);
	assert_true(ip_parse(eth.payload, &ip));
	assert_true(udp_parse(&ip, &desk->last));
	memcpy(desk->data, desk->last.payload.data, desk->last.payload.size);
	desk->last.payload.data = desk->data;
	desk->sent++;
}

static inline void desk_set_up(struct desk *desk)
{
	struct mac mac = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}};
	struct mac server = {{0x52, 0x55, 10, 0, 2, 2}};

	memset(desk, 0, sizeof(*desk));
	net_init(&desk->net, mac, (struct net_link){desk_send, desk});
	desk->net.arp.entries[0] = (struct arp_entry){ARP_KNOWN, SERVER, server, 0, 0};
}

/* A datagram from the server, in memory of its very size. */
static inline void desk_answer(struct desk *desk, u32 from, u16 from_port, u16 to_port,
			       const u8 *data, size_t size)
{
	u8 *udp = malloc(UDP_HEADER + size);
	struct ip_packet ip = {from, CLIENT, IP_PROTOCOL_UDP, {udp, UDP_HEADER + size}};

	be16_put(udp, from_port);
	be16_put(udp + 2, to_port);
	be16_put(udp + 4, (u16)(UDP_HEADER + size));
	be16_put(udp + 6, 0); /* no checksum */
	memcpy(udp + UDP_HEADER, data, size);
	(void)udp_receive(&desk->net, &ip);
	free(udp);
}

#endif
