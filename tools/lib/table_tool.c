#include "tools/lib/table_tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_FILE_MAX (1u << 20)

/* The whole file in fresh memory; NULL with errno set if it can't be read. */
static u8 *read_file(const char *path, size_t *size)
{
	u8 *data = malloc(TABLE_FILE_MAX + 1);
	FILE *file = data ? fopen(path, "rb") : NULL;
	bool good = false;

	if (file) {
		*size = fread(data, 1, TABLE_FILE_MAX + 1, file);
		good = !ferror(file) && *size <= TABLE_FILE_MAX;
		if (*size > TABLE_FILE_MAX)
			errno = EFBIG;
	}
	int cause = errno;

	if (file)
		fclose(file);
	if (!good) {
		free(data);
		errno = cause;
		return NULL;
	}
	/* The exact size, so that a sanitizer sees a read past the end. */
	u8 *exact = realloc(data, *size ? *size : 1);

	if (exact)
		data = exact;
	return data;
}

static int print_file(const char *name, const char *path, struct bytes table, table_print_t print)
{
	struct acpi_error error;

	if (print(table, &error) != OK) {
		fprintf(stderr, "%s: %s: offset 0x%x: %s\n", name, path, error.offset,
			error.reason);
		return 1;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "%s: can't write: %s\n", name, strerror(errno));
		return 2;
	}
	return 0;
}

int table_tool_main(const char *name, int argc, char **argv, table_print_t print)
{
	size_t size = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", name);
		return 2;
	}
	u8 *data = read_file(argv[1], &size);

	if (!data) {
		fprintf(stderr, "%s: %s: %s\n", name, argv[1], strerror(errno));
		return 2;
	}
	int result = print_file(name, argv[1], (struct bytes){data, size}, print);

	free(data);
	return result;
}
