// sources: hv/base/format.c
// cbmc: --unwind 82 --object-bits 16 --max-field-sensitivity-array-size 64
/*
 * format_text(): for each buffer of up to 8 bytes, and for each format that is either any text of LETTERS
 * letters that ask for no argument, or one conversion of every kind with all flags, some widths, precisions and
 * lengths, and values at both ends of each type:
 *   it writes nothing outside of the buffer, and comes to an end;
 *   what it returns is the same whatever the buffer's size, and the length of all of the text;
 *   the buffer has the beginning of that text, as much as there is room for, with a NUL behind it.
 * CBMC takes texts of two letters for buffers of 0 and 3 bytes, and for the latter each kind of
 * conversion, with fewer flags, widths, precisions, lengths and values.
 */
#include "hv/base/format.h"
#include "tests/proof/proof.h"

#define WHOLE 64u
#ifdef PROOF_CBMC
#define LETTERS 2u
#define TEXTS	81u
#else
#define LETTERS 5u
#define TEXTS	59049u
#endif

PROOF_POINTS(3);

static const char letters[] = {'%', '0', '-', '#', '.', '7', 'l', 'h', 'a'};
static const char kinds[] = {'d', 'i', 'u', 'x', 'X', 'p', 'c', 's'};
#ifdef PROOF_CBMC
static const u32 sizes[] = {3, 0};
#define CONVERTED_SIZES 1u /* the first of these */
static const char *const flags[] = {"", "0#", "-"};
static const char *const widths[] = {"9"};
static const char *const precisions[] = {"", ".3"};
static const char *const lengths[] = {"", "l", "hh"};
static const u64 values[] = {~0ull};
static const char *const texts[] = {"ab", "long text", NULL};
#else
static const u32 sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
#define CONVERTED_SIZES ARRAY_SIZE(sizes)
static const char *const flags[] = {"", "0", "-", "#", "0#", "-#", "0-"};
static const char *const widths[] = {"", "1", "9"};
static const char *const precisions[] = {"", ".", ".0", ".3"};
static const char *const lengths[] = {"", "l", "ll", "h", "hh"};
static const u64 values[] = {0, 1, 0x7f, 0x80, 0xffff, 0x80000000, 0x8000000000000000, ~0ull};
static const char *const texts[] = {"", "ab", "long text", NULL};
#endif

static void check(const char *whole, size_t length, const char *buffer, u32 size, size_t returned)
{
	size_t kept = length < size ? length : size - 1;

	MUST(returned == length);
	if (!size)
		return;
	MUST(buffer[kept] == 0 && memcmp(buffer, whole, kept) == 0);
	REACHED(length < size ? 0 : 1);
}

static void any_letters(u32 size, u32 text)
{
	char format[LETTERS + 1] = {0};
	char whole[WHOLE];

	for (u32 i = 0; i < LETTERS; i++) {
		format[i] = letters[text % ARRAY_SIZE(letters)];
		text /= ARRAY_SIZE(letters);
	}

	size_t length = format_text(whole, WHOLE, format, 0);
	char *buffer = (char *)proof_bytes(size);

	MUST(length < WHOLE && strlen(whole) == length);
	check(whole, length, buffer, size, format_text(buffer, size, format, 0));
}

#define FORMAT_BOTH(value)                                                                         \
	(length = format_text(whole, WHOLE, format, value),                                        \
	 returned = format_text(buffer, size, format, value))

/* Of one of the values, or of the texts. */
static void one_conversion(u32 size, const char *format, char kind, u32 which)
{
	char whole[WHOLE];
	size_t length, returned;
	char *buffer = (char *)proof_bytes(size);

	if (kind == 's')
		FORMAT_BOTH(texts[which]);
	else if (kind == 'p')
		FORMAT_BOTH((void *)(uintptr_t)values[which]);
	else if (strchr(format, 'l'))
		FORMAT_BOTH(values[which]);
	else
		FORMAT_BOTH((u32)values[which]);
	MUST(length < WHOLE && whole[length] == 0);
	check(whole, length, buffer, size, returned);
	REACHED(2);
}

static char *put(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	*to = 0;
	return to;
}

/* Each conversion of a kind, between two letters. */
static void conversions(u32 size, char kind)
{
	const char end[] = {kind, '>', 0};
	u32 length_count = kind == 'p' || kind == 'c' || kind == 's' ? 1 : ARRAY_SIZE(lengths);
	u32 value_count = kind == 's' ? ARRAY_SIZE(texts) : ARRAY_SIZE(values);

	PROOF_EACH (flag, ARRAY_SIZE(flags))
		PROOF_EACH (width, ARRAY_SIZE(widths))
			PROOF_EACH (precision, ARRAY_SIZE(precisions))
				PROOF_EACH (length, length_count)
					PROOF_EACH (value, value_count) {
						char format[16];
						char *at = put(format, "<%");

						at = put(at, flags[flag]);
						at = put(at, widths[width]);
						at = put(at, precisions[precision]);
						at = put(at, lengths[length]);
						put(at, end);
						one_conversion(size, format, kind, value);
					}
}

void proof(void)
{
	if (proof_choose(2)) {
		PROOF_EACH (size, ARRAY_SIZE(sizes))
			PROOF_EACH (text, TEXTS)
				any_letters(sizes[size], text);
	} else {
		PROOF_EACH (size, CONVERTED_SIZES)
			PROOF_EACH (kind, ARRAY_SIZE(kinds))
				conversions(sizes[size], kinds[kind]);
	}
}
