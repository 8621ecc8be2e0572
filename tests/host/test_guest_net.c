// sources: guest/net/arp.c guest/net/eth.c guest/net/icmp.c guest/net/ip.c guest/net/net.c guest/net/ping.c guest/net/udp.c
/* The guest's stack from Ethernet to ICMP, and what no honest peer would send. */
#include "tests/host/guest_pair.h"

#include "guest/net/icmp.h"
#include "guest/net/ip.h"

/* The example of RFC 1071's companion literature: a header whose checksum is b861. */
static void checksum_of_known_header(void **state)
{
	static const u8 header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
				    0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
	static const u8 odd[] = {0x01, 0x02, 0x03};

	(void)state;
	assert_int_equal(ip_checksum((struct bytes){header, sizeof(header)}, 0), 0xb861);
	assert_int_equal(ip_checksum((struct bytes){odd, sizeof(odd)}, 0), (u16)~0x0402);
	assert_int_equal(ip_checksum((struct bytes){NULL, 0}, 0), 0xFFFF);
}

static void arp_answers_for_itself_only(void **state)
{
	static const u8 request[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 0xB,
		0x08, 0x06, 0,	  1,	8,    0,    6,	  4,	0, 1,  /* Ethernet, IPv4, request */
		0x52, 0x54, 0,	  0,	0,    0xB,  10,	  0,	2, 2,  /* sender */
		0,    0,    0,	  0,	0,    0,    10,	  0,	2, 1}; /* target */
	static const u8 reply[] = {0x52, 0x54, 0,    0, 0,   0xB, 0x52, 0x54, 0, 0, 0,
				   0xA,	 0x08, 0x06, 0, 1,   8,	  0,	6,    4, 0, 2,
				   0x52, 0x54, 0,    0, 0,   0xA, 10,	0,    2, 1, 0x52,
				   0x54, 0,    0,    0, 0xB, 10,  0,	2,    2};
	struct pair pair;
	u8 other[sizeof(request)];

	(void)state;
	connect_pair(&pair);
	pair.from_a.to = NULL;
	memcpy(other, request, sizeof(other));
	other[41] = 9;
	deliver(&pair.a, other, sizeof(other));
	assert_int_equal(pair.from_a.count, 0);
	deliver(&pair.a, request, sizeof(request));
	assert_int_equal(pair.from_a.count, 1);
	assert_int_equal(pair.from_a.size, ETH_FRAME_MIN);
	assert_memory_equal(pair.from_a.frame, reply, sizeof(reply));
}

/* Cut anywhere it is refused; a probe (from 0.0.0.0) is answered, but leaves nothing behind. */
static void arp_of_strange_senders(void **state)
{
	u8 packet[28] = {0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 0xB};
	struct pair pair;

	(void)state;
	connect_pair(&pair);
	pair.from_a.to = NULL;
	be32_put(packet + 24, A_ADDRESS);
	for (size_t size = 0; size < sizeof(packet); size++)
		assert_false(arp_receive(&pair.a, (struct bytes){packet, size}));
	assert_true(arp_receive(&pair.a, (struct bytes){packet, sizeof(packet)}));
	assert_int_equal(pair.from_a.count, 1);
	assert_int_equal(pair.a.arp.entries[0].state, ARP_FREE);
	be32_put(packet + 14, A_ADDRESS); /* somebody claims to be us */
	assert_true(arp_receive(&pair.a, (struct bytes){packet, sizeof(packet)}));
	assert_int_equal(pair.a.arp.entries[0].state, ARP_FREE);
	be32_put(packet + 14, B_ADDRESS);
	packet[8] |= 1; /* a group's MAC */
	assert_false(arp_receive(&pair.a, (struct bytes){packet, sizeof(packet)}));
}

static void pings_are_answered(void **state)
{
	struct pair pair;

	(void)state;
	connect_pair(&pair);
	ping_start(&pair.a, B_ADDRESS, 5);
	net_tick(&pair.a, 1);
	assert_int_equal(pair.a.ping.answered, 5);
	assert_int_equal(pair.b.echoes_answered, 5);
	assert_true(ping_is_over(&pair.a));
	assert_int_equal(pair.a.dropped, 0);
}

/* The first packet waits for ARP, which is asked again until somebody is there. */
static void ping_waits_for_arp(void **state)
{
	struct pair pair;

	(void)state;
	connect_pair(&pair);
	pair.from_a.to = NULL;
	ping_start(&pair.a, B_ADDRESS, 1);
	net_tick(&pair.a, 1);
	net_tick(&pair.a, 2);
	assert_int_equal(pair.from_a.count, 1);
	pair.from_a.to = &pair.b;
	net_tick(&pair.a, 600000);
	assert_true(ping_is_over(&pair.a));
	assert_int_equal(pair.a.ping.answered, 1);
}

static void ping_gives_up(void **state)
{
	struct pair pair;

	(void)state;
	connect_pair(&pair);
	pair.from_a.to = NULL;
	ping_start(&pair.a, B_ADDRESS, 2);
	for (u64 ms = 0; ms < 5900; ms += 10)
		net_tick(&pair.a, ms * 1000);
	assert_int_equal(pair.a.ping.sent, 2);
	assert_false(ping_is_over(&pair.a));
	net_tick(&pair.a, 6100000);
	assert_true(ping_is_over(&pair.a));
	assert_int_equal(pair.a.ping.answered, 0);
}

static void swap_words(u8 *four)
{
	u8 old[4];

	memcpy(old, four, sizeof(old));
	memcpy(four, old + 2, 2);
	memcpy(four + 2, old, 2);
}

/* The same reply twice, or one whose content was changed, is not an answer. */
static void ping_counts_right_replies_once(void **state)
{
	struct pair pair;
	u8 reply[ETH_FRAME_MAX];
	size_t size;

	(void)state;
	connect_pair(&pair);
	pair.from_b.to = NULL;
	ping_start(&pair.a, B_ADDRESS, 2);
	pair.a.arp.entries[0] = (struct arp_entry){ARP_KNOWN, B_ADDRESS, pair.b.mac, 0, 0};
	pair.b.arp.entries[0] = (struct arp_entry){ARP_KNOWN, A_ADDRESS, pair.a.mac, 0, 0};
	net_tick(&pair.a, 1);
	size = pair.from_b.size;
	memcpy(reply, pair.from_b.frame, size);

	pair.from_a.to = NULL;
	swap_words(reply + size - 4); /* which the checksum does not see */
	deliver(&pair.a, reply, size);
	assert_int_equal(pair.a.ping.answered, 0);
	swap_words(reply + size - 4);
	deliver(&pair.a, reply, size);
	assert_int_equal(pair.a.ping.answered, 1);
	deliver(&pair.a, reply, size);
	assert_int_equal(pair.a.ping.answered, 1);
}

static void ip_parse_refuses(void **state)
{
	struct pair pair;
	struct ip_packet ip;
	u8 good[IP_HEADER + 8];

	(void)state;
	connect_pair(&pair);
	pair.from_a.to = NULL;
	pair.a.arp.entries[0] = (struct arp_entry){ARP_KNOWN, B_ADDRESS, pair.b.mac, 0, 0};
	assert_true(ip_send(&pair.a, B_ADDRESS, 99, 8));
	memcpy(good, pair.from_a.frame + ETH_HEADER, sizeof(good));
	assert_true(ip_parse((struct bytes){good, sizeof(good)}, &ip));
	assert_int_equal(ip.from, A_ADDRESS);
	assert_int_equal(ip.to, B_ADDRESS);
	assert_int_equal(ip.protocol, 99);
	assert_int_equal(ip.payload.size, 8);
	for (size_t size = 0; size < sizeof(good); size++)
		assert_false(ip_parse((struct bytes){good, size}, &ip));

	static const struct {
		u8 at, value;
	} changes[] = {
		{0, 0x65},  /* version 6 */
		{0, 0x44},  /* header shorter than a header */
		{0, 0x4F},  /* header longer than the packet */
		{2, 0xFF},  /* total longer than the packet */
		{3, 19},    /* total shorter than the header */
		{6, 0x20},  /* more fragments */
		{7, 1},	    /* a fragment's offset */
		{12, 0xE0}, /* from a multicast group */
	};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		u8 bad[sizeof(good)];

		memcpy(bad, good, sizeof(bad));
		bad[changes[i].at] = changes[i].value;
		assert_false(ip_parse((struct bytes){bad, sizeof(bad)}, &ip)); /* checksum */
		bad[10] = bad[11] = 0;
		be16_put(bad + 10, ip_checksum((struct bytes){bad, IP_HEADER}, 0));
		assert_false(ip_parse((struct bytes){bad, sizeof(bad)}, &ip));
	}
}

static void icmp_refuses(void **state)
{
	u8 message[] = {8, 0, 0, 0, 1, 2, 3, 4};
	struct ip_packet ip = {B_ADDRESS, A_ADDRESS, IP_PROTOCOL_ICMP, {message, sizeof(message)}};
	struct pair pair;

	(void)state;
	connect_pair(&pair);
	assert_false(icmp_receive(&pair.a, &ip)); /* checksum */
	be16_put(message + 2, ip_checksum(ip.payload, 0));
	assert_true(icmp_receive(&pair.a, &ip));
	ip.to = A_ADDRESS | ~MASK;
	assert_false(icmp_receive(&pair.a, &ip));
	ip.to = A_ADDRESS;
	ip.payload.size = 4;
	be16_put(message + 2, 0xF7FF);
	assert_int_equal(ip_checksum(ip.payload, 0), 0);
	assert_false(icmp_receive(&pair.a, &ip));
	assert_int_equal(pair.a.echoes_answered, 1);
}

static void off_link_goes_to_the_gateway(void **state)
{
	struct pair pair;

	(void)state;
	connect_pair(&pair);
	assert_false(ip_send(&pair.a, 0x08080808, 99, 8));
	pair.a.gateway = B_ADDRESS;
	assert_true(ip_send(&pair.a, 0x08080808, 99, 8));
	assert_memory_equal(pair.from_a.frame, pair.b.mac.byte, MAC_SIZE);
	assert_int_equal(be32_at((struct bytes){pair.from_a.frame, 60}, ETH_HEADER + 16),
			 0x08080808);
}

/* No frame is too short, and no random one does harm; the sanitizers watch. */
static void hostile_frames(void **state)
{
	struct pair pair;
	u8 frame[ETH_FRAME_MAX];

	(void)state;
	connect_pair(&pair);
	ping_start(&pair.a, B_ADDRESS, 3);
	net_tick(&pair.a, 1);
	pair.from_a.to = pair.from_b.to = NULL;
	memcpy(frame, pair.from_a.frame, sizeof(frame));
	for (size_t size = 0; size <= pair.from_a.size; size++)
		deliver(&pair.b, frame, size);

	srand(1);
	for (unsigned i = 0; i < 200000; i++) {
		u8 mangled[ETH_FRAME_MAX];
		size_t size = (size_t)rand() % sizeof(mangled);

		memcpy(mangled, frame, sizeof(mangled));
		for (unsigned n = 0; n < 4; n++)
			mangled[12 + rand() % 40] = (u8)rand();
		mangled[24] = mangled[25] = 0; /* a right header checksum leads further in */
		be16_put(mangled + 24, ip_checksum((struct bytes){mangled + 14, 20}, 0));
		deliver(&pair.b, mangled, size);
	}
	for (unsigned i = 0; i < 100000; i++) {
		for (size_t at = 0; at < 64; at++)
			frame[at] = (u8)rand();
		memcpy(frame, pair.b.mac.byte, MAC_SIZE);
		be16_put(frame + 12, i % 2 ? ETH_TYPE_ARP : ETH_TYPE_IP);
		deliver(&pair.b, frame, (size_t)rand() % 64);
	}
	assert_true(pair.b.dropped > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_of_known_header),
		cmocka_unit_test(arp_answers_for_itself_only),
		cmocka_unit_test(arp_of_strange_senders),
		cmocka_unit_test(pings_are_answered),
		cmocka_unit_test(ping_waits_for_arp),
		cmocka_unit_test(ping_gives_up),
		cmocka_unit_test(ping_counts_right_replies_once),
		cmocka_unit_test(ip_parse_refuses),
		cmocka_unit_test(icmp_refuses),
		cmocka_unit_test(off_link_goes_to_the_gateway),
		cmocka_unit_test(hostile_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
