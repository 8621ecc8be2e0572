#include "guest/net/tftp_packet.h"

#include "hv/base/format.h"
#include "hv/base/string.h"

#define HEADER	   4 /* opcode and block or error number */
#define NUMBER_MAX (1ull << 48)

static bool equal_ignoring_case(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a | 0x20) != (*b | 0x20))
			return false;
	return *a == *b;
}

/* The text at *at, which must end with a NUL within bytes; *at is left behind that. */
static const char *next_text(struct bytes bytes, size_t *at)
{
	size_t start = *at;

	for (size_t i = start; i < bytes.size; i++) {
		if (bytes.data[i] == 0) {
			*at = i + 1;
			return (const char *)bytes.data + start;
		}
	}
	return NULL;
}

static bool read_decimal(const char *text, u64 *value)
{
	*value = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*value = *value * 10 + (u64)(*text - '0');
		if (*value > NUMBER_MAX)
			return false;
	}
	return true;
}

static bool take_option(struct tftp_packet *out, const char *name, const char *value)
{
	u64 number;

	if (!read_decimal(value, &number))
		return false;
	if (equal_ignoring_case(name, "blksize")) {
		out->block_size = (u32)number;
		return number >= TFTP_BLOCK_MIN && number <= TFTP_BLOCK_MAX;
	}
	if (equal_ignoring_case(name, "tsize")) {
		out->has_size = true;
		out->size = number;
		return true;
	}
	return false; /* RFC 2347: a server must not add options of its own */
}

static bool parse_options(struct bytes bytes, struct tftp_packet *out)
{
	size_t at = 2;

	while (at < bytes.size) {
		const char *name = next_text(bytes, &at);
		const char *value = name ? next_text(bytes, &at) : NULL;

		if (!value || !take_option(out, name, value))
			return false;
	}
	return true;
}

static void take_error(struct bytes bytes, struct tftp_packet *out)
{
	size_t length = 0;

	out->error = be16_at(bytes, 2);
	for (size_t at = HEADER; length < TFTP_ERROR_TEXT_MAX - 1; at++) {
		u8 c = bytes_u8(bytes, at);

		if (c == 0)
			break;
		out->text[length++] = c >= ' ' && c <= '~' ? (char)c : '?';
	}
	out->text[length] = 0;
}

bool tftp_packet_parse(struct bytes bytes, struct tftp_packet *out)
{
	*out = (struct tftp_packet){.opcode = be16_at(bytes, 0)};
	switch (out->opcode) {
	case TFTP_DATA:
		out->block = be16_at(bytes, 2);
		out->data = bytes_slice(bytes, HEADER, bytes.size - HEADER);
		return bytes.size >= HEADER;
	case TFTP_ERROR:
		take_error(bytes, out);
		return bytes.size >= HEADER;
	case TFTP_OPTIONS:
		return parse_options(bytes, out);
	default:
		return false;
	}
}

static size_t put_text(u8 *to, size_t at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(to + at, text, size);
	return at + size;
}

size_t tftp_read_build(const char *name, u32 block_size, u8 *to)
{
	char number[12];
	size_t at = 2;

	be16_put(to, TFTP_READ);
	at = put_text(to, at, name);
	at = put_text(to, at, "octet");
	at = put_text(to, at, "blksize");
	format_text(number, sizeof(number), "%u", block_size);
	at = put_text(to, at, number);
	at = put_text(to, at, "tsize");
	return put_text(to, at, "0");
}

size_t tftp_ack_build(u16 block, u8 *to)
{
	be16_put(to, TFTP_ACK);
	be16_put(to + 2, block);
	return 4;
}

size_t tftp_error_build(enum tftp_error_code code, u8 *to)
{
	be16_put(to, TFTP_ERROR);
	be16_put(to + 2, (u16)code);
	to[4] = 0;
	return 5;
}
