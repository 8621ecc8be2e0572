// sources: guest/sha256.c
#include "tests/host/harness.h"

#include "guest/sha256.h"

static void check(const char *message, size_t repeat, size_t piece, const char *expected)
{
	size_t length = strlen(message) * repeat;
	u8 *whole = malloc(length + 1);
	struct sha256 sha;
	u8 digest[SHA256_SIZE];
	char text[SHA256_TEXT];

	for (size_t i = 0; i < repeat; i++)
		memcpy(whole + i * strlen(message), message, strlen(message));
	sha256_begin(&sha);
	for (size_t at = 0; at < length; at += piece)
		sha256_add(&sha, whole + at, length - at < piece ? length - at : piece);
	sha256_end(&sha, digest);
	sha256_to_text(digest, text);
	assert_string_equal(text, expected);
	free(whole);
}

/* The examples that NIST publishes for FIPS 180-4, and the digest of nothing. */
static void published_examples(void **state)
{
	(void)state;
	check("", 1, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check("abc", 1, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, 56,
	      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	check("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmn"
	      "opqr"
	      "lmnopqrsmnopqrstnopqrstu",
	      1, 112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
	check("a", 1000000, 1000000,
	      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* However a message is cut into pieces, its digest is the same. */
static void pieces_of_any_size(void **state)
{
	static const size_t pieces[] = {1, 3, 55, 56, 63, 64, 65, 127, 128, 1428, 65536};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		check("a", 1000000, pieces[i],
		      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Lengths around the point where the padding needs a block of its own. Digests by sha256sum. */
static void padding_borders(void **state)
{
	(void)state;
	check("a", 55, 64, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	check("a", 56, 64, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
	check("a", 63, 64, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
	check("a", 64, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
	check("a", 65, 64, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0");
}

static void text_to_digest(void **state)
{
	static const char good[] =
		"BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	u8 digest[SHA256_SIZE];
	char text[SHA256_TEXT];
	char bad[sizeof(good) + 1];

	(void)state;
	assert_true(sha256_from_text(good, digest));
	assert_int_equal(digest[0], 0xBA);
	sha256_to_text(digest, text);
	assert_string_equal(text,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

	assert_false(sha256_from_text("", digest));
	assert_false(sha256_from_text(good + 1, digest));
	snprintf(bad, sizeof(bad), "%s0", good);
	assert_false(sha256_from_text(bad, digest));
	memcpy(bad, good, sizeof(good));
	bad[63] = 'g';
	assert_false(sha256_from_text(bad, digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_examples),
		cmocka_unit_test(pieces_of_any_size),
		cmocka_unit_test(padding_borders),
		cmocka_unit_test(text_to_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
