#include "guest/net/ping.h"

#include "guest/net/icmp.h"
#include "guest/net/net.h"

#define PING_ID		 0x5106
#define PING_DATA	 56 /* bytes, as ping(8) sends */
#define PING_INTERVAL_US 1000000
#define PING_LAST_US	 5000000

/* The content that the reply must bring back. */
static u8 pattern(u32 sequence, size_t at)
{
	return (u8)(sequence * 31 + at * 7);
}

void ping_start(struct net *net, u32 target, u32 count)
{
	net->ping = (struct ping){.target = target,
				  .count = count < PING_MAX ? count : PING_MAX,
				  .next_us = net->now_us};
}

bool ping_is_over(const struct net *net)
{
	const struct ping *ping = &net->ping;

	return ping->answered == ping->count ||
	       (ping->sent == ping->count && net->now_us >= ping->next_us);
}

static void send_next(struct net *net)
{
	struct ping *ping = &net->ping;
	u8 *message = ip_payload(net);

	ping->next_us = net->now_us + PING_INTERVAL_US;
	if (++ping->sent == ping->count)
		ping->next_us = net->now_us + PING_LAST_US;
	message[ICMP_TYPE] = ICMP_TYPE_ECHO;
	message[ICMP_CODE] = 0;
	be16_put(message + ICMP_ECHO_ID, PING_ID);
	be16_put(message + ICMP_ECHO_SEQUENCE, (u16)ping->sent);
	for (size_t i = 0; i < PING_DATA; i++)
		message[ICMP_ECHO_HEADER + i] = pattern(ping->sent, i);
	(void)icmp_send(net, ping->target, ICMP_ECHO_HEADER + PING_DATA);
}

bool ping_receive_reply(struct net *net, const struct ip_packet *ip)
{
	struct ping *ping = &net->ping;
	u32 sequence = be16_at(ip->payload, ICMP_ECHO_SEQUENCE);
	u8 bit = (u8)(1u << sequence % 8);

	if (ip->from != ping->target || be16_at(ip->payload, ICMP_ECHO_ID) != PING_ID ||
	    sequence == 0 || sequence > ping->sent || (ping->seen[sequence / 8] & bit) ||
	    ip->payload.size != ICMP_ECHO_HEADER + PING_DATA)
		return false;
	for (size_t i = 0; i < PING_DATA; i++)
		if (bytes_u8(ip->payload, ICMP_ECHO_HEADER + i) != pattern(sequence, i))
			return false;
	ping->seen[sequence / 8] |= bit;
	ping->answered++;
	if (sequence == ping->sent && ping->sent < ping->count)
		send_next(net);
	return true;
}

void ping_tick(struct net *net)
{
	if (net->ping.sent < net->ping.count && net->now_us >= net->ping.next_us)
		send_next(net);
}
