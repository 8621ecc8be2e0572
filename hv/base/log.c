#include "hv/base/log.h"

#include "hv/base/format.h"
#include "hv/base/lock.h"

#define LOG_MAX_SINKS 4

static log_sink_t sinks[LOG_MAX_SINKS];
static unsigned sink_count;
static log_clock_t clock_us;
static struct lock lock;
static bool raw_only;

void log_add_sink(log_sink_t sink)
{
	if (sink_count < LOG_MAX_SINKS)
		sinks[sink_count++] = sink;
}

void log_set_clock(log_clock_t clock)
{
	clock_us = clock;
}

static void emit(const char *text, size_t length)
{
	for (unsigned i = 0; i < sink_count; i++)
		sinks[i](text, length);
}

static size_t start_line(char *line, size_t size, const char *name, const char *mark)
{
	u64 us = clock_us ? clock_us() : 0;
	size_t length =
		format_text(line, size, "[%5llu.%06llu] %s%s ", (unsigned long long)(us / 1000000),
			    (unsigned long long)(us % 1000000), name, mark);

	return length < size ? length : size - 1;
}

/* Texts of foreign origin can be in a line: none may end it, or steer a terminal. */
static void make_printable(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((u8)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
}

/* length bytes, and room for the newline after them. */
static void emit_line(char *line, size_t length)
{
	make_printable(line, length);
	line[length] = '\n';
	lock_take(&lock);
	if (!__atomic_load_n(&raw_only, __ATOMIC_ACQUIRE))
		emit(line, length + 1);
	lock_release(&lock);
}

void log_line(const char *subsystem, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	size_t room = sizeof(line) - 1; /* the newline's place is kept */
	size_t length = start_line(line, room, subsystem, ":");
	va_list args;

	va_start(args, format);
	length += format_v(line + length, room - length, format, args);
	va_end(args);
	if (length > room - 1)
		length = room - 1;
	emit_line(line, length);
}

void log_console(const char *vm, const char *text, size_t text_length)
{
	char line[LOG_LINE_MAX];
	size_t length = start_line(line, sizeof(line) - 1, vm, "|");

	for (size_t i = 0; i < text_length && length < sizeof(line) - 1; i++)
		line[length++] = text[i];
	emit_line(line, length);
}

void log_raw(const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	size_t length = format_v(text, sizeof(text), format, args);

	va_end(args);
	emit(text, length < sizeof(text) ? length : sizeof(text) - 1);
}

void log_raw_only(void)
{
	__atomic_store_n(&raw_only, true, __ATOMIC_RELEASE);
}
