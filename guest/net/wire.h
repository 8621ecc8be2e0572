/* Network byte order: bounded reads of what came in, writes of what goes out. */
#ifndef GUEST_NET_WIRE_H
#define GUEST_NET_WIRE_H

#include "hv/base/bytes.h"
#include "hv/base/types.h"

#define MAC_SIZE 6

struct mac {
	u8 byte[MAC_SIZE];
};

#define MAC_BROADCAST ((struct mac){{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}})

static inline bool mac_is_multicast(struct mac mac)
{
	return mac.byte[0] & 1; /* broadcast included */
}

static inline bool mac_equal(struct mac a, struct mac b)
{
	for (unsigned i = 0; i < MAC_SIZE; i++)
		if (a.byte[i] != b.byte[i])
			return false;
	return true;
}

/* Reads past the end give 0, as in hv/base/bytes.h. */
static inline u16 be16_at(struct bytes b, size_t offset)
{
	return (u16)(bytes_u8(b, offset) << 8 | bytes_u8(b, offset + 1));
}

static inline u32 be32_at(struct bytes b, size_t offset)
{
	return (u32)be16_at(b, offset) << 16 | be16_at(b, offset + 2);
}

static inline struct mac mac_at(struct bytes b, size_t offset)
{
	struct mac mac;

	for (unsigned i = 0; i < MAC_SIZE; i++)
		mac.byte[i] = bytes_u8(b, offset + i);
	return mac;
}

static inline void be16_put(u8 *to, u16 value)
{
	to[0] = (u8)(value >> 8);
	to[1] = (u8)value;
}

static inline void be32_put(u8 *to, u32 value)
{
	be16_put(to, (u16)(value >> 16));
	be16_put(to + 2, (u16)value);
}

static inline void mac_put(u8 *to, struct mac mac)
{
	for (unsigned i = 0; i < MAC_SIZE; i++)
		to[i] = mac.byte[i];
}

/* For print formats. */
#define IP_TEXT	    "%u.%u.%u.%u"
#define IP_ARGS(a)  (a) >> 24 & 255, (a) >> 16 & 255, (a) >> 8 & 255, (a)&255
#define MAC_TEXT    "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARGS(m) (m).byte[0], (m).byte[1], (m).byte[2], (m).byte[3], (m).byte[4], (m).byte[5]

#endif
