// sources: guest/net/dhcp.c guest/net/dhcp_message.c guest/net/arp.c guest/net/eth.c guest/net/icmp.c guest/net/ip.c guest/net/net.c guest/net/ping.c guest/net/udp.c
/* The guest's DHCP client, against servers played by the test, friendly and other. */
#include "tests/host/guest_desk.h"

#include "guest/net/dhcp.h"

#define XID 0x12345678u

struct client {
	struct desk desk;
	struct dhcp dhcp;
};

static const u8 server_options[] = {1,	4, 255, 255, 255,  0,	 3,  8, 10, 0, 2, 2, 10,
				    0,	2, 3,	0, /* a pad */
				    51, 4, 0,	1,   0x51, 0x80, 54, 4, 10, 0, 2, 2, 255};

/* A server's message of that type; the options are appended. Returns its size. */
static size_t dhcp_build(u8 *to, u8 type, const u8 *options, size_t size)
{
	static const u8 mac[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

	memset(to, 0, 240);
	to[0] = 2;
	to[1] = 1;
	to[2] = 6;
	be32_put(to + 4, XID);
	be32_put(to + 16, CLIENT);
	be32_put(to + 20, SERVER);
	memcpy(to + 28, mac, sizeof(mac));
	be32_put(to + 236, 0x63825363);
	to[240] = 53;
	to[241] = 1;
	to[242] = type;
	memcpy(to + 243, options, size);
	return 243 + size;
}

static void dhcp_say(struct client *client, u8 type)
{
	u8 message[512];
	size_t size = dhcp_build(message, type, server_options, sizeof(server_options));

	desk_answer(&client->desk, SERVER, 67, 68, message, size);
}

static void dhcp_gets_a_lease(void **state)
{
	struct client client;

	(void)state;
	desk_set_up(&client.desk);
	dhcp_start(&client.dhcp, &client.desk.net, XID);
	assert_int_equal(client.desk.sent, 1);
	assert_int_equal(client.desk.last.from, 0);
	assert_int_equal(client.desk.last.to, IP_BROADCAST);
	assert_int_equal(client.desk.last.to_port, 67);
	assert_int_equal(client.desk.last.payload.size, DHCP_REQUEST_SIZE);
	assert_int_equal(client.desk.data[242], DHCP_DISCOVER);

	dhcp_say(&client, DHCP_ACK); /* too early */
	assert_int_equal(client.desk.net.address, 0);
	dhcp_say(&client, DHCP_OFFER);
	assert_int_equal(client.desk.sent, 2);
	assert_int_equal(client.desk.data[242], DHCP_REQUEST);
	assert_memory_equal(client.desk.data + 247,
			    "\x32\x04\x0a\x00\x02\x0f\x36\x04\x0a\x00\x02\x02", 12);
	dhcp_say(&client, DHCP_ACK);
	assert_int_equal(client.dhcp.state, DHCP_STATE_BOUND);
	assert_int_equal(client.desk.net.address, CLIENT);
	assert_int_equal(client.desk.net.mask, 0xFFFFFF00);
	assert_int_equal(client.desk.net.gateway, SERVER);
	assert_int_equal(client.dhcp.lease.lease_s, 86400);
	assert_int_equal(client.dhcp.lease.next_server, SERVER);
}

static void dhcp_repeats_and_gives_up(void **state)
{
	struct client client;

	(void)state;
	desk_set_up(&client.desk);
	dhcp_start(&client.dhcp, &client.desk.net, XID);
	for (u64 ms = 0; ms < 14900; ms += 10) {
		net_tick(&client.desk.net, ms * 1000);
		dhcp_tick(&client.dhcp);
	}
	assert_int_equal(client.desk.sent, 5);
	assert_int_equal(client.dhcp.state, DHCP_STATE_SELECTING);
	net_tick(&client.desk.net, 15100000);
	dhcp_tick(&client.dhcp);
	assert_int_equal(client.dhcp.state, DHCP_STATE_FAILED);
}

static void dhcp_starts_anew_after_nak(void **state)
{
	struct client client;

	(void)state;
	desk_set_up(&client.desk);
	dhcp_start(&client.dhcp, &client.desk.net, XID);
	dhcp_say(&client, DHCP_OFFER);
	dhcp_say(&client, DHCP_NAK);
	assert_int_equal(client.dhcp.state, DHCP_STATE_SELECTING);
	assert_int_equal(client.desk.data[242], DHCP_DISCOVER);
}

/* What is for another client, another request, or from another server than was chosen. */
static void dhcp_ignores_what_is_not_meant(void **state)
{
	struct client client;
	u8 message[512];
	size_t size = dhcp_build(message, DHCP_OFFER, server_options, sizeof(server_options));

	(void)state;
	desk_set_up(&client.desk);
	dhcp_start(&client.dhcp, &client.desk.net, XID);
	message[4] ^= 1; /* transaction */
	desk_answer(&client.desk, SERVER, 67, 68, message, size);
	message[4] ^= 1;
	message[33] ^= 1; /* client */
	desk_answer(&client.desk, SERVER, 67, 68, message, size);
	message[33] ^= 1;
	message[16] = 127; /* no address for a host */
	desk_answer(&client.desk, SERVER, 67, 68, message, size);
	message[16] = 10;
	desk_answer(&client.desk, SERVER, 66, 68, message, size);
	assert_int_equal(client.dhcp.state, DHCP_STATE_SELECTING);
	desk_answer(&client.desk, SERVER, 67, 68, message, size);
	assert_int_equal(client.dhcp.state, DHCP_STATE_REQUESTING);

	message[242] = DHCP_ACK;
	message[size - 2] ^= 1; /* server */
	desk_answer(&client.desk, SERVER, 67, 68, message, size);
	assert_int_equal(client.dhcp.state, DHCP_STATE_REQUESTING);
	message[size - 2] ^= 1;
	desk_answer(&client.desk, SERVER, 67, 68, message, size);
	assert_int_equal(client.dhcp.state, DHCP_STATE_BOUND);
}

static void dhcp_refuses_malformed(void **state)
{
	static const u8 cut[] = {1, 4, 255, 255};
	static const u8 cut_unknown[] = {12, 10, 'a'};
	static const u8 mask_of_5[] = {1, 5, 255, 255, 255, 0, 0, 255};
	static const u8 mask_with_hole[] = {1, 4, 255, 0, 255, 0, 255};
	static const u8 odd_router[] = {3, 6, 10, 0, 2, 2, 10, 0, 255};
	static const struct bytes bad[] = {{cut, sizeof(cut)},
					   {cut_unknown, sizeof(cut_unknown)},
					   {mask_of_5, sizeof(mask_of_5)},
					   {mask_with_hole, sizeof(mask_with_hole)},
					   {odd_router, sizeof(odd_router)}};
	struct dhcp_message message;
	u8 bytes[512];
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size = dhcp_build(bytes, DHCP_OFFER, bad[i].data, bad[i].size);
		assert_false(dhcp_message_parse((struct bytes){bytes, size}, &message));
	}
	size = dhcp_build(bytes, DHCP_OFFER, server_options, sizeof(server_options));
	assert_true(dhcp_message_parse((struct bytes){bytes, size}, &message));
	for (size_t length = 0; length < 240; length++) {
		u8 *copy = malloc(length + 1);

		memcpy(copy, bytes, length);
		assert_false(dhcp_message_parse((struct bytes){copy, length}, &message));
		free(copy);
	}
}

/* Options that the server put into the file field, since it may (RFC 2132, 9.3). */
static void dhcp_reads_overloaded_fields(void **state)
{
	static const u8 overload[] = {52, 1, 1, 255};
	struct dhcp_message message;
	u8 bytes[512];
	size_t size = dhcp_build(bytes, DHCP_OFFER, overload, sizeof(overload));

	(void)state;
	memcpy(bytes + 108, server_options, sizeof(server_options));
	assert_true(dhcp_message_parse((struct bytes){bytes, size}, &message));
	assert_int_equal(message.router, SERVER);
	assert_int_equal(message.mask, 0xFFFFFF00);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dhcp_gets_a_lease),
		cmocka_unit_test(dhcp_repeats_and_gives_up),
		cmocka_unit_test(dhcp_starts_anew_after_nak),
		cmocka_unit_test(dhcp_ignores_what_is_not_meant),
		cmocka_unit_test(dhcp_refuses_malformed),
		cmocka_unit_test(dhcp_reads_overloaded_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
