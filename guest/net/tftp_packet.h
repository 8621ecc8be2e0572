/* TFTP packets (RFC 1350, options of RFC 2347 to 2349): bytes in, struct out, and back. */
#ifndef GUEST_NET_TFTP_PACKET_H
#define GUEST_NET_TFTP_PACKET_H

#include "guest/net/wire.h"

#define TFTP_SERVER_PORT    69
#define TFTP_BLOCK_DEFAULT  512
#define TFTP_BLOCK_MIN	    8
#define TFTP_BLOCK_MAX	    1468 /* fills an Ethernet frame */
#define TFTP_NAME_MAX	    400	 /* what surely fits into a request */
#define TFTP_ERROR_TEXT_MAX 64

enum tftp_opcode {
	TFTP_READ = 1,
	TFTP_DATA = 3,
	TFTP_ACK = 4,
	TFTP_ERROR = 5,
	TFTP_OPTIONS = 6,
};

enum tftp_error_code {
	TFTP_ERROR_OTHER = 0,
	TFTP_ERROR_UNKNOWN_ID = 5,
	TFTP_ERROR_OPTIONS = 8,
};

/* What a server says. */
struct tftp_packet {
	enum tftp_opcode opcode;
	u16 block;			/* DATA */
	struct bytes data;		/* DATA */
	u16 error;			/* ERROR */
	char text[TFTP_ERROR_TEXT_MAX]; /* ERROR: printable characters only */
	u32 block_size;			/* OPTIONS: 0 if not in it */
	bool has_size;			/* OPTIONS */
	u64 size;
};

/* False if malformed, of a kind that no server sends, or with options that were not asked for. */
bool tftp_packet_parse(struct bytes bytes, struct tftp_packet *out);

/* Each writes a packet and returns its size: at most 512, 4 and 5 bytes. */
size_t tftp_read_build(const char *name, u32 block_size, u8 *to);
size_t tftp_ack_build(u16 block, u8 *to);
size_t tftp_error_build(enum tftp_error_code code, u8 *to);

#endif
