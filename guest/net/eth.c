#include "guest/net/eth.h"

#include "guest/net/net.h"
#include "hv/base/string.h"

bool eth_parse(struct bytes frame, struct eth_header *out)
{
	if (frame.size < ETH_HEADER)
		return false;
	out->to = mac_at(frame, 0);
	out->from = mac_at(frame, 6);
	out->type = be16_at(frame, 12);
	out->payload = bytes_slice(frame, ETH_HEADER, frame.size - ETH_HEADER);
	return !mac_is_multicast(out->from);
}

u8 *eth_payload(struct net *net)
{
	return net->frame + ETH_HEADER;
}

void eth_send(struct net *net, struct mac to, u16 type, size_t size)
{
	size_t length = ETH_HEADER + size;

	if (size > ETH_PAYLOAD_MAX)
		return;
	mac_put(net->frame, to);
	mac_put(net->frame + 6, net->mac);
	be16_put(net->frame + 12, type);
	if (length < ETH_FRAME_MIN) {
		memset(net->frame + length, 0, ETH_FRAME_MIN - length);
		length = ETH_FRAME_MIN;
	}
	net->link.send(net->link.context, net->frame, length);
}
