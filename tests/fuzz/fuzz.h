/*
 * What the fuzzing harnesses share. Each is a libFuzzer program of its own, tests/fuzz/fuzz_NAME.c, linked
 * from the sources that it names in its head, like the unit tests; there too:
 *   // runs: N          inputs tried by `make test`
 *   // max_len: N       bytes of an input
 *   // corpus: KIND     tables of real machines that it begins with, where they are there
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/base/bits.h"
#include "hv/base/bytes.h"
#include "hv/base/panic.h"
#include "hv/base/status.h"

/* What has to hold for every input. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			panic("%s:%d: does not hold: %s", __FILE__, __LINE__, #condition);         \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* An input as it is used up. */
struct fuzz_input {
	struct bytes bytes;
	size_t at;
};

/* The next width bytes (8 at most), little-endian; zeros past the end. */
u64 fuzz_take(struct fuzz_input *input, unsigned width);

static inline bool fuzz_has_more(const struct fuzz_input *input)
{
	return input->at < input->bytes.size;
}

/* All that is left. */
struct bytes fuzz_rest(const struct fuzz_input *input);

/* A copy in memory of its exact size, so that a read past its end is seen. free() its data. */
u8 *fuzz_copy(struct bytes bytes);

/*
 * Makes an ACPI table of any bytes: the signature, a length of at most size if it has none, the checksum. Less
 * than a header is left alone.
 */
void fuzz_table_seal(u8 *table, size_t size, const char *signature);

/* Parses an ACPI table twice, in memory of its exact size: as it is, and sealed. */
void fuzz_table(struct bytes table, const char *signature, void (*parse)(struct bytes table));

/* A reason as every parser has to give it: a text. */
void fuzz_check_reason(const char *reason);

/* True if there is a NUL within size bytes. */
bool fuzz_is_text(const char *text, size_t size);

#endif
