// sources: guest/net/echo.c guest/net/arp.c guest/net/eth.c guest/net/icmp.c guest/net/ip.c guest/net/net.c guest/net/ping.c guest/net/udp.c
/* The guest's UDP and its echo service. */
#include "tests/host/guest_pair.h"

#include "guest/net/echo.h"
#include "guest/net/ip.h"

struct inbox {
	unsigned count;
	struct udp_datagram last;
	u8 data[UDP_PAYLOAD_MAX];
};

static void on_datagram(void *owner, const struct udp_datagram *datagram)
{
	struct inbox *inbox = owner;

	inbox->count++;
	inbox->last = *datagram;
	memcpy(inbox->data, datagram->payload.data, datagram->payload.size);
}

static void udp_echo_of_all_sizes(void **state)
{
	static const size_t sizes[] = {1, 2, 17, 18, 19, 511, UDP_PAYLOAD_MAX};
	struct pair pair;
	struct echo echo;
	struct inbox inbox = {0};

	(void)state;
	connect_pair(&pair);
	assert_true(echo_start(&echo, &pair.b));
	assert_true(udp_listen(&pair.a, 4000, on_datagram, &inbox));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *payload = udp_payload(&pair.a);

		for (size_t at = 0; at < sizes[i]; at++)
			payload[at] = (u8)(at * 3 + i);
		assert_true(udp_send(&pair.a, B_ADDRESS, 4000, ECHO_PORT, sizes[i]));
		assert_int_equal(inbox.count, i + 1);
		assert_int_equal(inbox.last.payload.size, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(inbox.data[at], (u8)(at * 3 + i));
	}
	assert_int_equal(echo.answered, ARRAY_SIZE(sizes));
	assert_false(udp_send(&pair.a, B_ADDRESS, 4000, ECHO_PORT, UDP_PAYLOAD_MAX + 1));
	assert_true(udp_send(&pair.a, B_ADDRESS, ECHO_PORT, ECHO_PORT, 4));
	assert_int_equal(echo.answered, ARRAY_SIZE(sizes));
}

/* Without a checksum, nothing but the check of the length stands in the way. */
static void udp_length_is_checked(void **state)
{
	u8 bytes[12] = {0, 1, 0, 2};
	struct ip_packet ip = {B_ADDRESS, A_ADDRESS, IP_PROTOCOL_UDP, {bytes, sizeof(bytes)}};
	struct udp_datagram datagram;

	(void)state;
	for (unsigned length = 0; length < 64; length++) {
		be16_put(bytes + 4, (u16)length);
		assert_int_equal(udp_parse(&ip, &datagram),
				 length >= UDP_HEADER && length <= sizeof(bytes));
	}
	bytes[5] = 11;
	assert_true(udp_parse(&ip, &datagram));
	assert_int_equal(datagram.payload.size, 3);
}

/* A checksum that comes out as 0 is sent as ffff, since 0 says that there is none. */
static void udp_checksum_is_never_zero(void **state)
{
	struct pair pair;
	bool seen_ffff = false;

	(void)state;
	connect_pair(&pair);
	pair.from_a.to = NULL;
	pair.a.arp.entries[0] = (struct arp_entry){ARP_KNOWN, B_ADDRESS, pair.b.mac, 0, 0};
	for (unsigned value = 0; value < 0x10000; value++) {
		u16 checksum;

		be16_put(udp_payload(&pair.a), (u16)value);
		assert_true(udp_send(&pair.a, B_ADDRESS, 4000, 5000, 2));
		checksum =
			be16_at((struct bytes){pair.from_a.frame, 60}, ETH_HEADER + IP_HEADER + 6);
		assert_int_not_equal(checksum, 0);
		seen_ffff |= checksum == 0xFFFF;
	}
	assert_true(seen_ffff);
}

/* A single flipped bit in a datagram or its lengths is always noticed. */
static void udp_checksum_sees_every_bit(void **state)
{
	struct pair pair;
	struct inbox inbox = {0};
	u8 frame[ETH_FRAME_MAX];
	size_t end = ETH_HEADER + IP_HEADER + UDP_HEADER + 32;

	(void)state;
	connect_pair(&pair);
	assert_true(udp_listen(&pair.b, 5000, on_datagram, &inbox));
	memset(udp_payload(&pair.a), 0x5A, 32);
	assert_true(udp_send(&pair.a, B_ADDRESS, 4000, 5000, 32));
	assert_int_equal(inbox.count, 1);
	memcpy(frame, pair.from_a.frame, pair.from_a.size);
	for (size_t bit = ETH_HEADER * 8; bit < end * 8; bit++) {
		frame[bit / 8] ^= (u8)(1 << bit % 8);
		deliver(&pair.b, frame, pair.from_a.size);
		frame[bit / 8] ^= (u8)(1 << bit % 8);
	}
	assert_int_equal(inbox.count, 1);
	deliver(&pair.b, frame, pair.from_a.size);
	assert_int_equal(inbox.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_echo_of_all_sizes),
		cmocka_unit_test(udp_length_is_checked),
		cmocka_unit_test(udp_checksum_is_never_zero),
		cmocka_unit_test(udp_checksum_sees_every_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
