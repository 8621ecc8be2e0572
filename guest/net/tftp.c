#include "guest/net/tftp.h"

#include "hv/base/string.h"

#define TFTP_TRIES	   6
#define TFTP_AGAIN_US	   1000000ull
#define TFTP_AGAIN_DOUBLED 2

static void fail(struct tftp *tftp, const char *reason)
{
	tftp->state = TFTP_STATE_FAILED;
	tftp->reason = reason;
}

static void send(struct tftp *tftp, u16 port, size_t size)
{
	(void)udp_send(tftp->net, tftp->server, tftp->local_port, port, size);
}

/* The request or the acknowledgement that the server's next packet is the answer to. */
static void send_current(struct tftp *tftp)
{
	u8 *packet = udp_payload(tftp->net);

	if (tftp->state == TFTP_STATE_REQUESTED)
		send(tftp, TFTP_SERVER_PORT, tftp_read_build(tftp->name, TFTP_BLOCK_MAX, packet));
	else
		send(tftp, tftp->server_port, tftp_ack_build(tftp->last_block, packet));
}

static void start_waiting(struct tftp *tftp)
{
	tftp->tries = 1;
	tftp->again_us = tftp->net->now_us + TFTP_AGAIN_US;
}

static void refuse(struct tftp *tftp, enum tftp_error_code code, const char *reason)
{
	send(tftp, tftp->server_port, tftp_error_build(code, udp_payload(tftp->net)));
	fail(tftp, reason);
}

static void take_options(struct tftp *tftp, const struct tftp_packet *packet)
{
	if (tftp->state == TFTP_STATE_REQUESTED) {
		if (packet->block_size)
			tftp->block_size = packet->block_size;
		tftp->has_size = packet->has_size;
		tftp->size = packet->size;
		tftp->state = TFTP_STATE_RECEIVING;
		start_waiting(tftp);
	}
	if (tftp->state == TFTP_STATE_RECEIVING && !tftp->started)
		send_current(tftp); /* as block 0 */
}

static void take_next_block(struct tftp *tftp, struct bytes data)
{
	if (data.size > tftp->block_size) {
		refuse(tftp, TFTP_ERROR_OTHER, "a block is larger than was agreed");
		return;
	}
	tftp->state = TFTP_STATE_RECEIVING;
	tftp->started = true;
	tftp->last_block++;
	tftp->received += data.size;
	tftp->sink.take(tftp->sink.context, data.data, data.size);
	start_waiting(tftp);
	send_current(tftp);
	if (data.size == tftp->block_size)
		return;
	tftp->state = TFTP_STATE_DONE;
	if (tftp->has_size && tftp->size != tftp->received)
		fail(tftp, "the file is not as long as was announced");
}

static void take_packet(struct tftp *tftp, const struct tftp_packet *packet)
{
	bool waiting = tftp->state == TFTP_STATE_REQUESTED || tftp->state == TFTP_STATE_RECEIVING;

	switch (packet->opcode) {
	case TFTP_OPTIONS:
		take_options(tftp, packet);
		break;
	case TFTP_DATA:
		if (waiting && packet->block == (u16)(tftp->last_block + 1))
			take_next_block(tftp, packet->data);
		else if (tftp->started && packet->block == tftp->last_block)
			send_current(tftp);
		break;
	case TFTP_ERROR:
		if (!waiting)
			break;
		tftp->error = packet->error;
		memcpy(tftp->error_text, packet->text, sizeof(tftp->error_text));
		fail(tftp, "the server says no");
		break;
	default:
		break;
	}
}

static void on_datagram(void *owner, const struct udp_datagram *datagram)
{
	struct tftp *tftp = owner;
	struct tftp_packet packet;

	if (datagram->from != tftp->server || tftp->state == TFTP_STATE_FAILED)
		return;
	if (!tftp->server_port)
		tftp->server_port = datagram->from_port;
	if (datagram->from_port != tftp->server_port) {
		/* RFC 1350, 4: somebody else's transfer ends, ours goes on. */
		send(tftp, datagram->from_port,
		     tftp_error_build(TFTP_ERROR_UNKNOWN_ID, udp_payload(tftp->net)));
		return;
	}
	if (tftp_packet_parse(datagram->payload, &packet))
		take_packet(tftp, &packet);
	else if (tftp->state == TFTP_STATE_REQUESTED)
		refuse(tftp, TFTP_ERROR_OPTIONS, "the server's answer makes no sense");
}

void tftp_start(struct tftp *tftp, struct net *net, u32 server, const char *name, u16 local_port,
		struct tftp_sink sink)
{
	*tftp = (struct tftp){
		.net = net,
		.state = TFTP_STATE_REQUESTED,
		.sink = sink,
		.name = name,
		.server = server,
		.local_port = local_port,
		.block_size = TFTP_BLOCK_DEFAULT,
	};
	if (strlen(name) > TFTP_NAME_MAX) {
		fail(tftp, "the file's name is too long");
		return;
	}
	if (!udp_listen(net, local_port, on_datagram, tftp)) {
		fail(tftp, "no UDP port is free");
		return;
	}
	start_waiting(tftp);
	send_current(tftp);
}

void tftp_tick(struct tftp *tftp)
{
	bool waiting = tftp->state == TFTP_STATE_REQUESTED || tftp->state == TFTP_STATE_RECEIVING;
	unsigned doubled = tftp->tries < TFTP_AGAIN_DOUBLED ? tftp->tries : TFTP_AGAIN_DOUBLED;

	if (!waiting || tftp->net->now_us < tftp->again_us)
		return;
	if (tftp->tries == TFTP_TRIES) {
		fail(tftp, "the server is silent");
		return;
	}
	tftp->tries++;
	tftp->repeats++;
	tftp->again_us = tftp->net->now_us + (TFTP_AGAIN_US << doubled);
	send_current(tftp);
}
