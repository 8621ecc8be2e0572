/* SHA-256 (FIPS 180-4), incrementally. */
#ifndef GUEST_SHA256_H
#define GUEST_SHA256_H

#include "hv/base/types.h"

#define SHA256_SIZE  32
#define SHA256_BLOCK 64
#define SHA256_TEXT  (2 * SHA256_SIZE + 1) /* as hex digits with the closing NUL */

struct sha256 {
	u32 state[8];
	u64 length; /* bytes so far */
	u8 block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const u8 *data, size_t size);

/* Ends the message: sha must begin anew before it is used again. */
void sha256_end(struct sha256 *sha, u8 digest[SHA256_SIZE]);

void sha256_to_text(const u8 digest[SHA256_SIZE], char text[SHA256_TEXT]);

/* False unless text is 64 hex digits, of either case. */
bool sha256_from_text(const char *text, u8 digest[SHA256_SIZE]);

#endif
