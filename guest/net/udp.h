/* UDP (RFC 768), and the few ports that somebody listens on. */
#ifndef GUEST_NET_UDP_H
#define GUEST_NET_UDP_H

#include "guest/net/wire.h"

#define UDP_HEADER	8
#define UDP_PAYLOAD_MAX (1500 - 20 - UDP_HEADER)

struct net;
struct ip_packet;

struct udp_datagram {
	u32 from;
	u32 to;
	u16 from_port;
	u16 to_port;
	struct bytes payload;
};

typedef void (*udp_receiver_t)(void *owner, const struct udp_datagram *datagram);

struct udp_port {
	u16 number;
	udp_receiver_t receive; /* NULL: this slot is free */
	void *owner;
};

/* False for a length that does not fit, or a wrong checksum. */
bool udp_parse(const struct ip_packet *ip, struct udp_datagram *out);

/* False when all slots are taken. */
bool udp_listen(struct net *net, u16 port, udp_receiver_t receive, void *owner);
bool udp_receive(struct net *net, const struct ip_packet *ip);

/* Sends the payload at udp_payload(); size <= UDP_PAYLOAD_MAX. False if there is no way there. */
bool udp_send(struct net *net, u32 to, u16 from_port, u16 to_port, size_t size);
u8 *udp_payload(struct net *net);

#endif
