#include "guest/net/dhcp_message.h"

#include "hv/base/string.h"

/* RFC 2131, 2: offsets in a message. */
#define BOOTP_OP	  0
#define BOOTP_OP_REQUEST  1
#define BOOTP_OP_REPLY	  2
#define BOOTP_HTYPE	  1
#define BOOTP_HTYPE_ETH	  1
#define BOOTP_HLEN	  2
#define BOOTP_XID	  4
#define BOOTP_SECS	  8
#define BOOTP_YIADDR	  16
#define BOOTP_SIADDR	  20
#define BOOTP_CHADDR	  28
#define BOOTP_SNAME	  44
#define BOOTP_SNAME_SIZE  64
#define BOOTP_FILE	  108
#define BOOTP_FILE_SIZE	  128
#define BOOTP_MAGIC	  236
#define BOOTP_MAGIC_VALUE 0x63825363
#define BOOTP_OPTIONS	  240

/* RFC 2132. */
#define OPTION_PAD	    0
#define OPTION_MASK	    1
#define OPTION_ROUTER	    3
#define OPTION_REQUESTED    50
#define OPTION_LEASE	    51
#define OPTION_OVERLOAD	    52 /* bit 0: file holds options too, bit 1: sname does */
#define OPTION_MESSAGE_TYPE 53
#define OPTION_SERVER_ID    54
#define OPTION_PARAMETERS   55
#define OPTION_MAX_SIZE	    57
#define OPTION_END	    255

static bool take_option(struct dhcp_message *out, u8 *overload, u8 code, struct bytes value)
{
	switch (code) {
	case OPTION_MESSAGE_TYPE:
		out->type = bytes_u8(value, 0);
		return value.size == 1;
	case OPTION_OVERLOAD:
		*overload = bytes_u8(value, 0);
		return value.size == 1;
	case OPTION_MASK:
		out->mask = be32_at(value, 0);
		return value.size == 4;
	case OPTION_ROUTER:
		out->router = be32_at(value, 0);
		return value.size >= 4 && value.size % 4 == 0;
	case OPTION_LEASE:
		out->lease_s = be32_at(value, 0);
		return value.size == 4;
	case OPTION_SERVER_ID:
		out->server_id = be32_at(value, 0);
		return value.size == 4;
	default:
		return true;
	}
}

/* A field of options: until its end option or, since some servers forget it, its end. */
static bool parse_options(struct dhcp_message *out, u8 *overload, struct bytes options)
{
	size_t at = 0;

	while (at < options.size) {
		u8 code = bytes_u8(options, at++);
		size_t length;

		if (code == OPTION_END)
			return true;
		if (code == OPTION_PAD)
			continue;
		length = bytes_u8(options, at++);
		if (!bytes_has(options, at, length) ||
		    !take_option(out, overload, code, bytes_slice(options, at, length)))
			return false;
		at += length;
	}
	return true;
}

/* Ones, then zeros. */
static bool is_mask(u32 mask)
{
	return (~mask & (~mask + 1)) == 0;
}

bool dhcp_message_parse(struct bytes bytes, struct dhcp_message *out)
{
	struct bytes options;
	u8 overload = 0;
	u8 ignored;

	*out = (struct dhcp_message){0};
	if (bytes.size < BOOTP_OPTIONS || bytes_u8(bytes, BOOTP_OP) != BOOTP_OP_REPLY ||
	    bytes_u8(bytes, BOOTP_HTYPE) != BOOTP_HTYPE_ETH ||
	    bytes_u8(bytes, BOOTP_HLEN) != MAC_SIZE ||
	    be32_at(bytes, BOOTP_MAGIC) != BOOTP_MAGIC_VALUE)
		return false;
	out->xid = be32_at(bytes, BOOTP_XID);
	out->your_address = be32_at(bytes, BOOTP_YIADDR);
	out->next_server = be32_at(bytes, BOOTP_SIADDR);
	out->client = mac_at(bytes, BOOTP_CHADDR);
	options = bytes_slice(bytes, BOOTP_OPTIONS, bytes.size - BOOTP_OPTIONS);
	if (!parse_options(out, &overload, options))
		return false;
	if ((overload & 1) &&
	    !parse_options(out, &ignored, bytes_slice(bytes, BOOTP_FILE, BOOTP_FILE_SIZE)))
		return false;
	if ((overload & 2) &&
	    !parse_options(out, &ignored, bytes_slice(bytes, BOOTP_SNAME, BOOTP_SNAME_SIZE)))
		return false;
	return is_mask(out->mask);
}

static u8 *put_option(u8 *to, u8 code, const u8 *value, u8 size)
{
	*to++ = code;
	*to++ = size;
	memcpy(to, value, size);
	return to + size;
}

static u8 *put_address(u8 *to, u8 code, u32 address)
{
	u8 value[4];

	if (!address)
		return to;
	be32_put(value, address);
	return put_option(to, code, value, sizeof(value));
}

void dhcp_request_build(const struct dhcp_request *request, u8 *to)
{
	static const u8 parameters[] = {OPTION_MASK, OPTION_ROUTER, OPTION_LEASE};
	static const u8 max_size[] = {1500 >> 8, 1500 & 255};
	u8 type = (u8)request->type;
	u8 *option = to + BOOTP_OPTIONS;

	memset(to, 0, DHCP_REQUEST_SIZE);
	to[BOOTP_OP] = BOOTP_OP_REQUEST;
	to[BOOTP_HTYPE] = BOOTP_HTYPE_ETH;
	to[BOOTP_HLEN] = MAC_SIZE;
	be32_put(to + BOOTP_XID, request->xid);
	be16_put(to + BOOTP_SECS, request->seconds);
	mac_put(to + BOOTP_CHADDR, request->client);
	be32_put(to + BOOTP_MAGIC, BOOTP_MAGIC_VALUE);
	option = put_option(option, OPTION_MESSAGE_TYPE, &type, 1);
	option = put_option(option, OPTION_MAX_SIZE, max_size, sizeof(max_size));
	option = put_address(option, OPTION_REQUESTED, request->requested);
	option = put_address(option, OPTION_SERVER_ID, request->server_id);
	option = put_option(option, OPTION_PARAMETERS, parameters, sizeof(parameters));
	*option = OPTION_END;
}
