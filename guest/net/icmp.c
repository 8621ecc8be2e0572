#include "guest/net/icmp.h"

#include "guest/net/net.h"
#include "hv/base/string.h"

bool icmp_send(struct net *net, u32 to, size_t size)
{
	u8 *message = ip_payload(net);

	be16_put(message + ICMP_CHECKSUM, 0);
	be16_put(message + ICMP_CHECKSUM, ip_checksum((struct bytes){message, size}, 0));
	return ip_send(net, to, IP_PROTOCOL_ICMP, size);
}

/* The reply is the request, with another type. Requests to a broadcast address get none. */
static bool answer(struct net *net, const struct ip_packet *ip)
{
	if (!net->address || ip->to != net->address || ip->payload.size > IP_PAYLOAD_MAX)
		return false;
	memcpy(ip_payload(net), ip->payload.data, ip->payload.size);
	ip_payload(net)[ICMP_TYPE] = ICMP_TYPE_ECHO_REPLY;
	if (!icmp_send(net, ip->from, ip->payload.size))
		return false;
	net->echoes_answered++;
	return true;
}

bool icmp_receive(struct net *net, const struct ip_packet *ip)
{
	if (ip->payload.size < ICMP_ECHO_HEADER || ip_checksum(ip->payload, 0) != 0 ||
	    bytes_u8(ip->payload, ICMP_CODE) != 0)
		return false;
	switch (bytes_u8(ip->payload, ICMP_TYPE)) {
	case ICMP_TYPE_ECHO:
		return answer(net, ip);
	case ICMP_TYPE_ECHO_REPLY:
		return ping_receive_reply(net, ip);
	default:
		return false;
	}
}
