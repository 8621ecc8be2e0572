#include "hv/base/format.h"

#include "hv/base/string.h"

struct sink {
	char *buffer;
	size_t size;
	size_t length;
};

struct spec {
	bool zero;
	bool left;
	bool prefix;
	s32 width;
	s32 precision; /* -1: none given */
	u8 longs;      /* how many 'l'; 'z' counts as one */
	u8 halves;     /* how many 'h' */
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->buffer[sink->length] = c;
	sink->length++;
}

static void pad(struct sink *sink, char c, s32 count)
{
	while (count-- > 0)
		put(sink, c);
}

static void put_char(struct sink *sink, const struct spec *spec, char c)
{
	if (!spec->left)
		pad(sink, ' ', spec->width - 1);
	put(sink, c);
	if (spec->left)
		pad(sink, ' ', spec->width - 1);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";

	size_t length = strnlen(text, spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision);
	s32 fill = spec->width - (s32)length;

	if (!spec->left)
		pad(sink, ' ', fill);
	for (size_t i = 0; i < length; i++)
		put(sink, text[i]);
	if (spec->left)
		pad(sink, ' ', fill);
}

static void put_number(struct sink *sink, const struct spec *spec, u64 value, unsigned base,
		       const char *digits, const char *prefix)
{
	char reversed[20];
	s32 length = 0;

	do {
		reversed[length++] = digits[value % base];
		value /= base;
	} while (value);

	s32 zeros = spec->precision > length ? spec->precision - length : 0;
	s32 fill = spec->width - length - zeros - (s32)strlen(prefix);

	if (spec->zero && !spec->left && spec->precision < 0 && fill > 0) {
		zeros = fill;
		fill = 0;
	}
	if (!spec->left)
		pad(sink, ' ', fill);
	for (const char *p = prefix; *p; p++)
		put(sink, *p);
	pad(sink, '0', zeros);
	while (length)
		put(sink, reversed[--length]);
	if (spec->left)
		pad(sink, ' ', fill);
}

static s32 parse_count(const char **format, va_list *args)
{
	s32 count = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(*args, int);
	}
	while (**format >= '0' && **format <= '9')
		count = count * 10 + (*(*format)++ - '0');
	return count;
}

static struct spec parse_spec(const char **format, va_list *args)
{
	struct spec spec = {.precision = -1};

	for (;; (*format)++) {
		if (**format == '0')
			spec.zero = true;
		else if (**format == '-')
			spec.left = true;
		else if (**format == '#')
			spec.prefix = true;
		else
			break;
	}
	spec.width = parse_count(format, args);
	if (spec.width < 0) {
		spec.left = true;
		spec.width = -spec.width;
	}
	if (**format == '.') {
		(*format)++;
		spec.precision = parse_count(format, args);
	}
	for (; **format == 'l' || **format == 'z' || **format == 'h'; (*format)++)
		if (**format == 'h')
			spec.halves++;
		else
			spec.longs++;
	return spec;
}

/* A char or short comes as an int: its upper bits are not meant. */
static s64 take_signed(const struct spec *spec, va_list *args)
{
	if (spec->longs)
		return va_arg(*args, s64);

	s32 value = va_arg(*args, s32);

	return spec->halves > 1 ? (signed char)value : spec->halves ? (short)value : value;
}

static u64 take_unsigned(const struct spec *spec, va_list *args)
{
	if (spec->longs)
		return va_arg(*args, u64);

	u32 value = va_arg(*args, u32);

	return spec->halves > 1 ? (u8)value : spec->halves ? (u16)value : value;
}

static void put_conversion(struct sink *sink, const struct spec *spec, char kind, va_list *args)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";

	switch (kind) {
	case 'c':
		put_char(sink, spec, (char)va_arg(*args, int));
		return;
	case 's':
		put_text(sink, spec, va_arg(*args, const char *));
		return;
	case 'd':
	case 'i': {
		s64 value = take_signed(spec, args);
		u64 magnitude = value < 0 ? -(u64)value : (u64)value;

		put_number(sink, spec, magnitude, 10, lower, value < 0 ? "-" : "");
		return;
	}
	case 'p':
		put_number(sink, spec, (u64)(uintptr_t)va_arg(*args, void *), 16, lower, "0x");
		return;
	case 'u':
	case 'x':
	case 'X': {
		u64 value = take_unsigned(spec, args);
		const char *prefix = kind == 'X' ? "0X" : "0x";

		put_number(sink, spec, value, kind == 'u' ? 10 : 16, kind == 'X' ? upper : lower,
			   kind != 'u' && spec->prefix ? prefix : "");
		return;
	}
	default:
		put(sink, '%');
		if (kind != '%')
			put(sink, kind);
	}
}

size_t format_v(char *buffer, size_t size, const char *format, va_list args)
{
	struct sink sink = {buffer, size, 0};
	va_list copy; /* an array type can't be passed on by address when it is a parameter */

	va_copy(copy, args);
	while (*format) {
		if (*format != '%') {
			put(&sink, *format++);
			continue;
		}
		format++;
		struct spec spec = parse_spec(&format, &copy);
		if (!*format)
			break;
		put_conversion(&sink, &spec, *format++, &copy);
	}
	va_end(copy);
	if (size)
		buffer[sink.length < size ? sink.length : size - 1] = 0;
	return sink.length;
}

size_t format_text(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	size_t length = format_v(buffer, size, format, args);

	va_end(args);
	return length;
}
