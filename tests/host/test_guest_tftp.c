// sources: guest/net/tftp.c guest/net/tftp_packet.c guest/net/arp.c guest/net/eth.c guest/net/icmp.c guest/net/ip.c guest/net/net.c guest/net/ping.c guest/net/udp.c
/* The guest's TFTP client, against servers played by the test, friendly and other. */
#include "tests/host/guest_desk.h"

#include "guest/net/tftp.h"

#define LOCAL_PORT 50000
#define SERVER_TID 3000

struct client {
	struct desk desk;
	struct tftp tftp;
	u8 file[4096];
	size_t file_size;
};

static void take(void *context, const u8 *data, size_t size)
{
	struct client *client = context;

	assert_true(client->file_size + size <= sizeof(client->file));
	memcpy(client->file + client->file_size, data, size);
	client->file_size += size;
}

static void tftp_set_up(struct client *client)
{
	memset(client, 0, sizeof(*client));
	desk_set_up(&client->desk);
	client->desk.net.address = CLIENT;
	client->desk.net.mask = 0xFFFFFF00;
	tftp_start(&client->tftp, &client->desk.net, SERVER, "blob", LOCAL_PORT,
		   (struct tftp_sink){take, client});
}

static void tftp_say(struct client *client, const void *packet, size_t size)
{
	desk_answer(&client->desk, SERVER, SERVER_TID, LOCAL_PORT, packet, size);
}

static void tftp_block(struct client *client, u16 block, u8 fill, size_t size)
{
	u8 packet[4 + TFTP_BLOCK_MAX] = {0, TFTP_DATA, (u8)(block >> 8), (u8)block};

	memset(packet + 4, fill, size);
	tftp_say(client, packet, 4 + size);
}

static void expect_ack(struct client *client, unsigned sent, u16 block)
{
	u8 ack[4] = {0, TFTP_ACK, (u8)(block >> 8), (u8)block};

	assert_int_equal(client->desk.sent, sent);
	assert_int_equal(client->desk.last.payload.size, 4);
	assert_int_equal(client->desk.last.to_port, SERVER_TID);
	assert_memory_equal(client->desk.data, ack, 4);
}

static void tftp_reads_with_options(void **state)
{
	static const char request[] = "\0\1blob\0octet\0blksize\0"
				      "1468\0tsize\0"
				      "0";
	static const char options[] = "\0\6BlkSize\0"
				      "600\0tsize\0"
				      "1205";
	struct client client;

	(void)state;
	tftp_set_up(&client);
	assert_int_equal(client.desk.last.to_port, 69);
	assert_int_equal(client.desk.last.payload.size, sizeof(request));
	assert_memory_equal(client.desk.data, request, sizeof(request));

	tftp_say(&client, options, sizeof(options));
	expect_ack(&client, 2, 0);
	tftp_block(&client, 1, 'a', 600);
	expect_ack(&client, 3, 1);
	tftp_block(&client, 3, 'x', 600); /* from the future: no answer */
	assert_int_equal(client.desk.sent, 3);
	tftp_block(&client, 1, 'x', 600); /* again: acknowledged, not taken */
	expect_ack(&client, 4, 1);
	tftp_block(&client, 2, 'b', 600);
	tftp_block(&client, 3, 'c', 5);
	expect_ack(&client, 6, 3);
	assert_int_equal(client.tftp.state, TFTP_STATE_DONE);
	assert_int_equal(client.file_size, 1205);
	assert_int_equal(client.file[599], 'a');
	assert_int_equal(client.file[600], 'b');
	assert_int_equal(client.file[1204], 'c');
	tftp_block(&client, 3, 'c', 5); /* our last acknowledgement was lost */
	expect_ack(&client, 7, 3);
	assert_int_equal(client.file_size, 1205);
}

static void tftp_reads_without_options(void **state)
{
	struct client client;

	(void)state;
	tftp_set_up(&client);
	tftp_block(&client, 1, 'a', 512);
	tftp_block(&client, 2, 'b', 0);
	assert_int_equal(client.tftp.state, TFTP_STATE_DONE);
	assert_int_equal(client.file_size, 512);
}

static void tftp_reads_nothing(void **state)
{
	struct client client;

	(void)state;
	tftp_set_up(&client);
	tftp_block(&client, 1, 0, 0);
	assert_int_equal(client.tftp.state, TFTP_STATE_DONE);
	tftp_block(&client, 1, 0, 0);
	expect_ack(&client, 3, 1);
	assert_int_equal(client.file_size, 0);
}

static void tftp_block_numbers_wrap(void **state)
{
	struct client client;

	(void)state;
	tftp_set_up(&client);
	tftp_block(&client, 1, 'a', 512);
	client.tftp.last_block = 65534;
	tftp_block(&client, 65535, 'b', 512);
	tftp_block(&client, 0, 'c', 512);
	tftp_block(&client, 1, 'd', 1);
	assert_int_equal(client.tftp.state, TFTP_STATE_DONE);
	assert_int_equal(client.file_size, 3 * 512 + 1);
}

static void tftp_repeats_and_gives_up(void **state)
{
	struct client client;

	(void)state;
	tftp_set_up(&client);
	tftp_block(&client, 1, 'a', 512);
	for (u64 ms = 0; ms < 60000; ms += 10) {
		net_tick(&client.desk.net, ms * 1000);
		tftp_tick(&client.tftp);
	}
	expect_ack(&client, 2 + 5, 1);
	assert_int_equal(client.tftp.repeats, 5);
	assert_int_equal(client.tftp.state, TFTP_STATE_FAILED);
}

static void tftp_ignores_strangers(void **state)
{
	static const u8 first[] = {0, TFTP_DATA, 0, 1, 'x'};
	static const u8 block[] = {0, TFTP_DATA, 0, 2, 'x'};
	struct client client;

	(void)state;
	tftp_set_up(&client);
	desk_answer(&client.desk, SERVER + 1, SERVER_TID, LOCAL_PORT, first, sizeof(first));
	assert_int_equal(client.desk.sent, 1);
	tftp_block(&client, 1, 'a', 512);
	desk_answer(&client.desk, SERVER, SERVER_TID + 1, LOCAL_PORT, block, sizeof(block));
	assert_int_equal(client.desk.last.to_port, SERVER_TID + 1);
	assert_memory_equal(client.desk.data, "\0\5\0\5\0", 5);
	assert_int_equal(client.file_size, 512);
	assert_int_equal(client.tftp.state, TFTP_STATE_RECEIVING);
}

/* Each is the first answer to the request, and ends the transfer. */
static void tftp_fails_on(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} answers[] = {
		{"\0\5\0\1no\x1b such file", 17}, /* error; its escape character is not printed */
		{"\0\5\0\1not ended", 13},
		{"\0\6blksize\0"
		 "1469",
		 15}, /* more than was asked for */
		{"\0\6blksize\0"
		 "7",
		 12},
		{"\0\6blksize\0"
		 "512",
		 13}, /* its value has no end */
		{"\0\6tsize\0"
		 "99999999999999999999",
		 29},
		{"\0\6windowsize\0"
		 "4",
		 15},		     /* not asked for */
		{"\0\6blksize", 10}, /* without a value */
		{"\0\3\0", 3},
		{"\0\1", 2},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct client client;

		tftp_set_up(&client);
		tftp_say(&client, answers[i].bytes, answers[i].size);
		assert_int_equal(client.tftp.state, TFTP_STATE_FAILED);
		assert_int_equal(client.file_size, 0);
		if (i == 0)
			assert_string_equal(client.tftp.error_text, "no? such file");
	}
}

static void tftp_refuses_wrong_lengths(void **state)
{
	static const char options[] = "\0\6blksize\0"
				      "600\0tsize\0"
				      "10";
	struct client client;

	(void)state;
	tftp_set_up(&client);
	tftp_say(&client, options, sizeof(options));
	tftp_block(&client, 1, 'a', 601);
	assert_int_equal(client.file_size, 0);
	assert_int_equal(client.tftp.state, TFTP_STATE_FAILED);
	tftp_set_up(&client);
	tftp_say(&client, options, sizeof(options));
	tftp_block(&client, 1, 'a', 9);
	assert_int_equal(client.tftp.state, TFTP_STATE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tftp_reads_with_options),
		cmocka_unit_test(tftp_reads_without_options),
		cmocka_unit_test(tftp_reads_nothing),
		cmocka_unit_test(tftp_block_numbers_wrap),
		cmocka_unit_test(tftp_repeats_and_gives_up),
		cmocka_unit_test(tftp_ignores_strangers),
		cmocka_unit_test(tftp_fails_on),
		cmocka_unit_test(tftp_refuses_wrong_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
