#include "guest/sha256.h"

#include "hv/base/format.h"
#include "hv/base/string.h"

#define LENGTH_SIZE 8 /* the message's length in bits, at the end of the last block */

/* FIPS 180-4, 4.2.2. */
static const u32 round_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static u32 rotate_right(u32 x, unsigned by)
{
	return x >> by | x << (32 - by);
}

/* The message schedule: FIPS 180-4, 6.2.2 step 1. */
static void expand(const u8 block[SHA256_BLOCK], u32 w[64])
{
	for (unsigned i = 0; i < 16; i++)
		w[i] = (u32)block[4 * i] << 24 | (u32)block[4 * i + 1] << 16 |
		       (u32)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < 64; i++) {
		u32 s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
		u32 s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

/* One block: FIPS 180-4, 6.2.2 steps 2 to 4. v[0..7] are the standard's a to h. */
static void compress(u32 state[8], const u8 block[SHA256_BLOCK])
{
	u32 w[64];
	u32 v[8];

	expand(block, w);
	memcpy(v, state, sizeof(v));
	for (unsigned i = 0; i < 64; i++) {
		u32 s1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
		u32 choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		u32 t1 = v[7] + s1 + choice + round_constant[i] + w[i];
		u32 s0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
		u32 majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		v[7] = v[6];
		v[6] = v[5];
		v[5] = v[4];
		v[4] = v[3] + t1;
		v[3] = v[2];
		v[2] = v[1];
		v[1] = v[0];
		v[0] = t1 + s0 + majority;
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += v[i];
}

void sha256_begin(struct sha256 *sha)
{
	/* FIPS 180-4, 5.3.3. */
	static const u32 initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(sha->state, initial, sizeof(initial));
	sha->length = 0;
}

void sha256_add(struct sha256 *sha, const u8 *data, size_t size)
{
	while (size) {
		size_t used = sha->length % SHA256_BLOCK;
		size_t take = SHA256_BLOCK - used < size ? SHA256_BLOCK - used : size;

		if (take == SHA256_BLOCK) {
			compress(sha->state, data); /* straight from the caller's memory */
		} else {
			memcpy(sha->block + used, data, take);
			if (used + take == SHA256_BLOCK)
				compress(sha->state, sha->block);
		}
		sha->length += take;
		data += take;
		size -= take;
	}
}

void sha256_end(struct sha256 *sha, u8 digest[SHA256_SIZE])
{
	u64 bits = sha->length * 8;
	size_t used = sha->length % SHA256_BLOCK;

	sha->block[used++] = 0x80;
	if (used > SHA256_BLOCK - LENGTH_SIZE) {
		memset(sha->block + used, 0, SHA256_BLOCK - used);
		compress(sha->state, sha->block);
		used = 0;
	}
	memset(sha->block + used, 0, SHA256_BLOCK - used);
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		sha->block[SHA256_BLOCK - 1 - i] = (u8)(bits >> 8 * i);
	compress(sha->state, sha->block);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		digest[i] = (u8)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_to_text(const u8 digest[SHA256_SIZE], char text[SHA256_TEXT])
{
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		format_text(text + 2 * i, 3, "%02x", digest[i]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool sha256_from_text(const char *text, u8 digest[SHA256_SIZE])
{
	if (strnlen(text, SHA256_TEXT) != SHA256_TEXT - 1)
		return false;
	for (unsigned i = 0; i < SHA256_SIZE; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (u8)(high << 4 | low);
	}
	return true;
}
