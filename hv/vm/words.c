#include "hv/vm/words.h"

#include "hv/base/string.h"

struct text text_of(const char *string)
{
	return (struct text){string, strlen(string)};
}

bool text_is(struct text text, const char *string)
{
	return text.length == strlen(string) && memcmp(text.start, string, text.length) == 0;
}

void text_copy(struct text text, char *buffer, size_t size)
{
	size_t length = min_u64(text.length, size - 1);

	memcpy(buffer, text.start, length);
	buffer[length] = 0;
}

static bool is_separator(char c, char separator)
{
	return c == separator || (separator == ' ' && (c == '\t' || c == '\n' || c == '\r'));
}

static void text_drop(struct text *text, size_t count)
{
	text->start += count;
	text->length -= count;
}

bool text_next(struct text *rest, char separator, struct text *part)
{
	size_t length = 0;

	while (separator == ' ' && rest->length && is_separator(*rest->start, ' '))
		text_drop(rest, 1);
	if (!rest->length)
		return false;
	while (length < rest->length && !is_separator(rest->start[length], separator))
		length++;
	*part = (struct text){rest->start, length};
	text_drop(rest, min_u64(length + 1, rest->length));
	return true;
}

bool text_value(struct text word, const char *key, struct text *value)
{
	size_t length = strlen(key);

	if (word.length < length || memcmp(word.start, key, length) != 0)
		return false;
	text_drop(&word, length);
	*value = word;
	return true;
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

static bool read_digits(struct text text, unsigned base, u64 *number)
{
	u64 sum = 0;

	if (!text.length)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		unsigned digit = digit_value(text.start[i]);

		if (digit >= base || __builtin_mul_overflow(sum, base, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*number = sum;
	return true;
}

bool text_number(struct text text, u64 *number)
{
	struct text digits;

	if (text_value(text, "0x", &digits) || text_value(text, "0X", &digits))
		return read_digits(digits, 16, number);
	return read_digits(text, 10, number);
}

static unsigned unit_shift(char c)
{
	switch (c) {
	case 'K':
	case 'k':
		return 10;
	case 'M':
	case 'm':
		return 20;
	case 'G':
	case 'g':
		return 30;
	default:
		return 0;
	}
}

bool text_size(struct text text, u64 *size)
{
	unsigned shift = text.length ? unit_shift(text.start[text.length - 1]) : 0;
	u64 number;

	if (shift)
		text.length--;
	if (!text_number(text, &number) || number > ~0ull >> shift)
		return false;
	*size = number << shift;
	return true;
}

/* Exactly `width` hexadecimal digits and, if after is not 0, that character. */
static bool take_field(struct text *text, size_t width, char after, u64 *value)
{
	size_t size = width + (after ? 1 : 0);

	if (text->length < size || (after && text->start[width] != after))
		return false;
	if (!read_digits((struct text){text->start, width}, 16, value))
		return false;
	text_drop(text, size);
	return true;
}

bool text_sbdf(struct text text, struct sbdf *address)
{
	u64 segment = 0, bus, device, function;

	if (text.length > 7 && !take_field(&text, 4, ':', &segment))
		return false;
	if (!take_field(&text, 2, ':', &bus) || !take_field(&text, 2, '.', &device) ||
	    !take_field(&text, 1, 0, &function) || text.length)
		return false;
	if (device > 31 || function > 7)
		return false;
	*address = SBDF((u16)segment, bus, device, function);
	return true;
}
