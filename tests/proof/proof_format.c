// sources: hv/base/format.c
// cbmc-skip: not tried yet
/*
 * format_text(): for each buffer of up to SIZES bytes, and for each format that is either any text of LETTERS
 * letters that ask for no argument, or one conversion of every kind with all flags, some widths, precisions and
 * lengths, and values at both ends of each type:
 *   it writes nothing outside of the buffer, and comes to an end;
 *   what it returns is the same whatever the buffer's size, and the length of all of the text;
 *   the buffer has the beginning of that text, as much as there is room for, with a NUL behind it.
 */
#include "hv/base/format.h"
#include "tests/proof/proof.h"

#define SIZES	8u
#define LETTERS 5u
#define WHOLE	64u

PROOF_POINTS(3);

static const char letters[] = {'%', '0', '-', '#', '.', '7', 'l', 'h', 'a'};
static const char kinds[] = {'d', 'i', 'u', 'x', 'X', 'p', 'c', 's'};
static const char *const flags[] = {"", "0", "-", "#", "0#", "-#", "0-"};
static const char *const widths[] = {"", "1", "9"};
static const char *const precisions[] = {"", ".", ".0", ".3"};
static const char *const lengths[] = {"", "l", "ll", "h", "hh"};
static const u64 values[] = {0, 1, 0x7f, 0x80, 0xffff, 0x80000000, 0x8000000000000000, ~0ull};
static const char *const texts[] = {"", "ab", "long text", NULL};

static void append(char *format, const char *text)
{
	strcat(format, text);
}

/* One conversion between two letters. */
static char choose_conversion(char *format)
{
	char kind[] = {proof_one_of(kinds), '>', 0};

	strcpy(format, "<%");
	append(format, proof_one_of(flags));
	append(format, proof_one_of(widths));
	append(format, proof_one_of(precisions));
	if (strchr("diuxX", kind[0]))
		append(format, proof_one_of(lengths));
	append(format, kind);
	return kind[0];
}

static void check(const char *whole, size_t length, const char *buffer, u32 size, size_t returned)
{
	size_t kept = length < size ? length : size - 1;

	MUST(returned == length);
	if (!size)
		return;
	MUST(buffer[kept] == 0 && memcmp(buffer, whole, kept) == 0);
	REACHED(length < size ? 0 : 1);
}

static void any_letters(u32 size)
{
	char format[LETTERS + 1] = {0};
	char whole[WHOLE];

	for (u32 i = 0; i < LETTERS; i++)
		format[i] = proof_one_of(letters);

	size_t length = format_text(whole, WHOLE, format, 0);
	char *buffer = (char *)proof_bytes(size);

	MUST(length < WHOLE && strlen(whole) == length);
	check(whole, length, buffer, size, format_text(buffer, size, format, 0));
}

#define FORMAT_BOTH(value)                                                                         \
	(length = format_text(whole, WHOLE, format, value),                                        \
	 returned = format_text(buffer, size, format, value))

static void one_conversion(u32 size)
{
	char format[16], whole[WHOLE];
	size_t length, returned;
	char kind = choose_conversion(format);
	char *buffer = (char *)proof_bytes(size);
	u64 value = kind == 's' ? 0 : proof_one_of(values);

	const char *text = kind == 's' ? proof_one_of(texts) : NULL;

	if (kind == 's')
		FORMAT_BOTH(text);
	else if (kind == 'p')
		FORMAT_BOTH((void *)(uintptr_t)value);
	else if (strchr(format, 'l'))
		FORMAT_BOTH(value);
	else
		FORMAT_BOTH((u32)value);
	MUST(length < WHOLE && whole[length] == 0);
	check(whole, length, buffer, size, returned);
	REACHED(2);
}

void proof(void)
{
	u32 size = proof_choose(SIZES + 1);

	if (proof_choose(2))
		any_letters(size);
	else
		one_conversion(size);
}
