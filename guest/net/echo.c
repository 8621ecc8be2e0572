#include "guest/net/echo.h"

#include "hv/base/string.h"

/* Not back to a port 7, or two echo services would play ball for ever. */
static void on_datagram(void *owner, const struct udp_datagram *datagram)
{
	struct echo *echo = owner;

	if (!echo->net->address || datagram->to != echo->net->address ||
	    datagram->from_port == ECHO_PORT || datagram->payload.size > UDP_PAYLOAD_MAX)
		return;
	if (datagram->payload.size)
		memcpy(udp_payload(echo->net), datagram->payload.data, datagram->payload.size);
	if (udp_send(echo->net, datagram->from, ECHO_PORT, datagram->from_port,
		     datagram->payload.size))
		echo->answered++;
}

bool echo_start(struct echo *echo, struct net *net)
{
	*echo = (struct echo){.net = net};
	return udp_listen(net, ECHO_PORT, on_datagram, echo);
}
