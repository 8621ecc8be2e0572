#include "guest/net/net.h"

#include "guest/net/ip.h"
#include "hv/base/string.h"

void net_init(struct net *net, struct mac mac, struct net_link link)
{
	memset(net, 0, sizeof(*net));
	net->mac = mac;
	net->link = link;
}

void net_receive(struct net *net, struct bytes frame)
{
	struct eth_header header;
	bool taken = false;

	if (eth_parse(frame, &header) &&
	    (mac_equal(header.to, net->mac) || mac_is_multicast(header.to))) {
		if (header.type == ETH_TYPE_ARP)
			taken = arp_receive(net, header.payload);
		else if (header.type == ETH_TYPE_IP)
			taken = ip_receive(net, header.payload);
	}
	if (!taken)
		net->dropped++;
}

void net_tick(struct net *net, u64 now_us)
{
	net->now_us = now_us;
	arp_tick(net);
	ping_tick(net);
}
