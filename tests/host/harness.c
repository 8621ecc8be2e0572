#include "tests/host/harness.h"

#include <sys/stat.h>

#include "hv/base/cache.h"
#include "hv/base/log.h"
#include "hv/base/panic.h"

static char captured[1 << 16];
static size_t captured_length;
static bool capturing;

static void capture(const char *text, size_t length)
{
	if (length > sizeof(captured) - 1 - captured_length)
		length = sizeof(captured) - 1 - captured_length;
	memcpy(captured + captured_length, text, length);
	captured_length += length;
	captured[captured_length] = 0;
}

const char *captured_log(void)
{
	if (!capturing) {
		log_add_sink(capture);
		capturing = true;
	}
	return captured;
}

void captured_log_clear(void)
{
	(void)captured_log();
	captured_length = 0;
	captured[0] = 0;
}

u8 *read_whole_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	u8 *data = NULL;

	*size = 0;
	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0) {
		long length = ftell(file);

		rewind(file);
		data = length >= 0 ? malloc(length ? (size_t)length : 1) : NULL;
		if (data)
			*size = fread(data, 1, (size_t)length, file);
	}
	fclose(file);
	return data;
}

const char *corpus_folder(void)
{
	static const char folder[] = "../shared/corpus";
	struct stat info;

	return stat(folder, &info) == 0 ? folder : NULL;
}

__attribute__((weak)) void cache_flush(const void *start, size_t size)
{
	(void)start;
	(void)size;
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
