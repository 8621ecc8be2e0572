/*
 * The TFTP client: reads one file, block by block, and hands its bytes on in order.
 *
 *   IDLE --tftp_start--> REQUESTED --options or block 1--> RECEIVING --short block--> DONE
 *   any of the two in the middle --error, tries spent--> FAILED
 *
 * A block that was there already is acknowledged again, since our acknowledgement may have been
 * lost; so in DONE, too. Block numbers are 16 bits wide and go on from 65535 with 0.
 */
#ifndef GUEST_NET_TFTP_H
#define GUEST_NET_TFTP_H

#include "guest/net/net.h"
#include "guest/net/tftp_packet.h"

enum tftp_state {
	TFTP_STATE_IDLE,
	TFTP_STATE_REQUESTED,
	TFTP_STATE_RECEIVING,
	TFTP_STATE_DONE,
	TFTP_STATE_FAILED,
};

/* Takes the file's next bytes. */
struct tftp_sink {
	void (*take)(void *context, const u8 *data, size_t size);
	void *context;
};

struct tftp {
	struct net *net;
	enum tftp_state state;
	struct tftp_sink sink;
	const char *name;
	u32 server;
	u16 local_port;
	u16 server_port; /* 0: not known yet */
	u32 block_size;
	bool started;	/* a block was taken */
	u16 last_block; /* the last one */
	u64 received;
	bool has_size;
	u64 size; /* as announced */
	u8 tries;
	u32 repeats; /* how often we had to ask again */
	u64 again_us;
	const char *reason; /* FAILED: why */
	u16 error;	    /* FAILED by the server */
	char error_text[TFTP_ERROR_TEXT_MAX];
};

/* local_port: one that was not used a moment ago. name must stay where it is. */
void tftp_start(struct tftp *tftp, struct net *net, u32 server, const char *name, u16 local_port,
		struct tftp_sink sink);
void tftp_tick(struct tftp *tftp);

#endif
