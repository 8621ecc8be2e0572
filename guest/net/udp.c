#include "guest/net/udp.h"

#include "guest/net/ip.h"
#include "guest/net/net.h"

#define UDP_FROM     0
#define UDP_TO	     2
#define UDP_LENGTH   4
#define UDP_CHECKSUM 6 /* 0: none was made */

_Static_assert(UDP_PAYLOAD_MAX == IP_PAYLOAD_MAX - UDP_HEADER, "one Ethernet frame");

bool udp_parse(const struct ip_packet *ip, struct udp_datagram *out)
{
	size_t length = be16_at(ip->payload, UDP_LENGTH);
	struct bytes whole = bytes_slice(ip->payload, 0, length);

	if (length < UDP_HEADER || length > ip->payload.size)
		return false;
	if (be16_at(whole, UDP_CHECKSUM) &&
	    ip_checksum(whole, ip_pseudo_sum(ip->from, ip->to, IP_PROTOCOL_UDP, length)) != 0)
		return false;
	*out = (struct udp_datagram){
		.from = ip->from,
		.to = ip->to,
		.from_port = be16_at(whole, UDP_FROM),
		.to_port = be16_at(whole, UDP_TO),
		.payload = bytes_slice(whole, UDP_HEADER, length - UDP_HEADER),
	};
	return true;
}

bool udp_listen(struct net *net, u16 port, udp_receiver_t receive, void *owner)
{
	for (unsigned i = 0; i < NET_UDP_PORTS; i++) {
		if (!net->udp_ports[i].receive) {
			net->udp_ports[i] = (struct udp_port){port, receive, owner};
			return true;
		}
	}
	return false;
}

bool udp_receive(struct net *net, const struct ip_packet *ip)
{
	struct udp_datagram datagram;

	if (!udp_parse(ip, &datagram))
		return false;
	for (unsigned i = 0; i < NET_UDP_PORTS; i++) {
		const struct udp_port *port = &net->udp_ports[i];

		if (port->receive && port->number == datagram.to_port) {
			port->receive(port->owner, &datagram);
			return true;
		}
	}
	return false;
}

u8 *udp_payload(struct net *net)
{
	return ip_payload(net) + UDP_HEADER;
}

bool udp_send(struct net *net, u32 to, u16 from_port, u16 to_port, size_t size)
{
	u8 *header = ip_payload(net);
	size_t length = UDP_HEADER + size;
	u16 checksum;

	if (size > UDP_PAYLOAD_MAX)
		return false;
	be16_put(header + UDP_FROM, from_port);
	be16_put(header + UDP_TO, to_port);
	be16_put(header + UDP_LENGTH, (u16)length);
	be16_put(header + UDP_CHECKSUM, 0);
	checksum = ip_checksum((struct bytes){header, length},
			       ip_pseudo_sum(net->address, to, IP_PROTOCOL_UDP, length));
	be16_put(header + UDP_CHECKSUM, checksum ? checksum : 0xFFFF);
	return ip_send(net, to, IP_PROTOCOL_UDP, length);
}
