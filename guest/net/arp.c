#include "guest/net/arp.h"

#include "guest/net/net.h"
#include "hv/base/string.h"

#define ARP_SIZE	 28
#define ARP_HARDWARE	 0 /* u16 */
#define ARP_PROTOCOL	 2 /* u16 */
#define ARP_MAC_LENGTH	 4
#define ARP_IP_LENGTH	 5
#define ARP_OPERATION	 6 /* u16 */
#define ARP_SENDER_MAC	 8
#define ARP_SENDER_IP	 14
#define ARP_TARGET_MAC	 18
#define ARP_TARGET_IP	 24
#define ARP_HARDWARE_ETH 1
#define ARP_REQUEST	 1
#define ARP_REPLY	 2

#define ARP_TRIES    5
#define ARP_AGAIN_US 500000

static void send(struct net *net, u16 operation, struct mac to, struct mac target_mac, u32 target)
{
	u8 *packet = eth_payload(net);

	be16_put(packet + ARP_HARDWARE, ARP_HARDWARE_ETH);
	be16_put(packet + ARP_PROTOCOL, ETH_TYPE_IP);
	packet[ARP_MAC_LENGTH] = MAC_SIZE;
	packet[ARP_IP_LENGTH] = 4;
	be16_put(packet + ARP_OPERATION, operation);
	mac_put(packet + ARP_SENDER_MAC, net->mac);
	be32_put(packet + ARP_SENDER_IP, net->address);
	mac_put(packet + ARP_TARGET_MAC, target_mac);
	be32_put(packet + ARP_TARGET_IP, target);
	eth_send(net, to, ETH_TYPE_ARP, ARP_SIZE);
}

static void ask(struct net *net, struct arp_entry *entry)
{
	entry->tries++;
	entry->again_us = net->now_us + ARP_AGAIN_US;
	send(net, ARP_REQUEST, MAC_BROADCAST, (struct mac){{0}}, entry->address);
}

static struct arp_entry *find(struct arp_cache *cache, u32 address)
{
	for (unsigned i = 0; i < ARP_ENTRIES; i++)
		if (cache->entries[i].state != ARP_FREE && cache->entries[i].address == address)
			return &cache->entries[i];
	return NULL;
}

/* A free entry, or in turn one of the others: a flood of strangers costs us a request, no more. */
static struct arp_entry *claim(struct arp_cache *cache, u32 address)
{
	struct arp_entry *entry = NULL;

	for (unsigned i = 0; !entry && i < ARP_ENTRIES; i++)
		if (cache->entries[i].state == ARP_FREE)
			entry = &cache->entries[i];
	if (!entry)
		entry = &cache->entries[cache->next_victim++ % ARP_ENTRIES];
	*entry = (struct arp_entry){.state = ARP_ASKED, .address = address};
	return entry;
}

static void learn(struct net *net, struct arp_entry *entry, struct mac mac)
{
	struct arp_cache *cache = &net->arp;

	entry->state = ARP_KNOWN;
	entry->mac = mac;
	if (cache->waiting_for == entry->address) {
		cache->waiting_for = 0;
		memcpy(eth_payload(net), cache->waiting, cache->waiting_size);
		eth_send(net, mac, ETH_TYPE_IP, cache->waiting_size);
	}
}

bool arp_receive(struct net *net, struct bytes packet)
{
	struct mac sender_mac = mac_at(packet, ARP_SENDER_MAC);
	u32 sender = be32_at(packet, ARP_SENDER_IP);
	bool for_us = net->address && be32_at(packet, ARP_TARGET_IP) == net->address;
	u16 operation = be16_at(packet, ARP_OPERATION);
	struct arp_entry *entry;

	if (packet.size < ARP_SIZE || be16_at(packet, ARP_HARDWARE) != ARP_HARDWARE_ETH ||
	    be16_at(packet, ARP_PROTOCOL) != ETH_TYPE_IP ||
	    bytes_u8(packet, ARP_MAC_LENGTH) != MAC_SIZE || bytes_u8(packet, ARP_IP_LENGTH) != 4 ||
	    (operation != ARP_REQUEST && operation != ARP_REPLY) || mac_is_multicast(sender_mac))
		return false;
	if (sender && sender != net->address) { /* 0: a probe, which tells nothing */
		entry = find(&net->arp, sender);
		if (!entry && for_us && operation == ARP_REQUEST)
			entry = claim(&net->arp, sender);
		if (entry)
			learn(net, entry, sender_mac);
	}
	if (for_us && operation == ARP_REQUEST)
		send(net, ARP_REPLY, sender_mac, sender_mac, sender);
	return true;
}

void arp_send_ip(struct net *net, u32 neighbour, size_t size)
{
	struct arp_cache *cache = &net->arp;
	struct arp_entry *entry = find(cache, neighbour);

	if (size > sizeof(cache->waiting))
		return;
	if (entry && entry->state == ARP_KNOWN) {
		eth_send(net, entry->mac, ETH_TYPE_IP, size);
		return;
	}
	memcpy(cache->waiting, eth_payload(net), size);
	cache->waiting_size = size;
	cache->waiting_for = neighbour;
	if (!entry)
		ask(net, claim(cache, neighbour));
}

void arp_tick(struct net *net)
{
	for (unsigned i = 0; i < ARP_ENTRIES; i++) {
		struct arp_entry *entry = &net->arp.entries[i];

		if (entry->state != ARP_ASKED || net->now_us < entry->again_us)
			continue;
		if (entry->tries < ARP_TRIES)
			ask(net, entry);
		else
			entry->state = ARP_FREE; /* the next packet asks anew */
	}
}
