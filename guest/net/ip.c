#include "guest/net/ip.h"

#include "guest/net/icmp.h"
#include "guest/net/net.h"
#include "guest/net/udp.h"

#define IP_VERSION_LENGTH   0 /* 7:4 version, 3:0 header length in words */
#define IP_TOTAL_LENGTH	    2
#define IP_IDENTIFICATION   4
#define IP_FRAGMENT	    6
#define IP_FRAGMENT_DONT    0x4000
#define IP_FRAGMENT_ANY	    0x3FFF /* more fragments, or an offset */
#define IP_TIME_TO_LIVE	    8
#define IP_PROTOCOL	    9
#define IP_CHECKSUM	    10
#define IP_FROM		    12
#define IP_TO		    16
#define IP_TIME_TO_LIVE_OUT 64

static bool is_multicast(u32 address)
{
	return address >> 28 == 0xE;
}

u32 ip_sum(struct bytes data, u32 sum)
{
	for (size_t i = 0; i < data.size; i += 2) {
		sum += be16_at(data, i); /* a last odd byte is followed by a zero */
		sum = (sum & 0xFFFF) + (sum >> 16);
	}
	return sum;
}

u16 ip_checksum(struct bytes data, u32 sum)
{
	sum = ip_sum(data, sum);
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (u16)~sum;
}

u32 ip_pseudo_sum(u32 from, u32 to, u8 protocol, size_t size)
{
	return (from >> 16) + (from & 0xFFFF) + (to >> 16) + (to & 0xFFFF) + protocol + (u32)size;
}

bool ip_parse(struct bytes packet, struct ip_packet *out)
{
	u8 version_length = bytes_u8(packet, IP_VERSION_LENGTH);
	size_t header = 4u * (version_length & 15);
	size_t total = be16_at(packet, IP_TOTAL_LENGTH);

	if (version_length >> 4 != 4 || header < IP_HEADER || header > total || total > packet.size)
		return false;
	if (ip_checksum(bytes_slice(packet, 0, header), 0) != 0)
		return false;
	if (be16_at(packet, IP_FRAGMENT) & IP_FRAGMENT_ANY)
		return false;
	out->from = be32_at(packet, IP_FROM);
	out->to = be32_at(packet, IP_TO);
	out->protocol = bytes_u8(packet, IP_PROTOCOL);
	out->payload = bytes_slice(packet, header, total - header);
	return out->from != IP_BROADCAST && !is_multicast(out->from);
}

/* Before there is an address, a DHCP server may use the one that it is about to give. */
static bool is_for_us(const struct net *net, u32 to)
{
	return !net->address || to == net->address || to == IP_BROADCAST ||
	       to == (net->address | ~net->mask);
}

bool ip_receive(struct net *net, struct bytes packet)
{
	struct ip_packet ip;

	if (!ip_parse(packet, &ip) || !is_for_us(net, ip.to))
		return false;
	switch (ip.protocol) {
	case IP_PROTOCOL_ICMP:
		return icmp_receive(net, &ip);
	case IP_PROTOCOL_UDP:
		return udp_receive(net, &ip);
	default:
		return false;
	}
}

u8 *ip_payload(struct net *net)
{
	return eth_payload(net) + IP_HEADER;
}

static void fill_header(struct net *net, u32 to, u8 protocol, size_t size)
{
	u8 *header = eth_payload(net);

	header[IP_VERSION_LENGTH] = 4 << 4 | IP_HEADER / 4;
	header[1] = 0; /* type of service */
	be16_put(header + IP_TOTAL_LENGTH, (u16)(IP_HEADER + size));
	be16_put(header + IP_IDENTIFICATION, net->ip_identification++);
	be16_put(header + IP_FRAGMENT, IP_FRAGMENT_DONT);
	header[IP_TIME_TO_LIVE] = IP_TIME_TO_LIVE_OUT;
	header[IP_PROTOCOL] = protocol;
	be16_put(header + IP_CHECKSUM, 0);
	be32_put(header + IP_FROM, net->address);
	be32_put(header + IP_TO, to);
	be16_put(header + IP_CHECKSUM, ip_checksum((struct bytes){header, IP_HEADER}, 0));
}

bool ip_send(struct net *net, u32 to, u8 protocol, size_t size)
{
	u32 neighbour = to;

	if (size > IP_PAYLOAD_MAX)
		return false;
	fill_header(net, to, protocol, size);
	if (to == IP_BROADCAST) {
		eth_send(net, MAC_BROADCAST, ETH_TYPE_IP, IP_HEADER + size);
		return true;
	}
	if ((to & net->mask) != (net->address & net->mask))
		neighbour = net->gateway;
	if (!neighbour || !net->address)
		return false;
	arp_send_ip(net, neighbour, IP_HEADER + size);
	return true;
}
