/* What every host test includes first: cmocka with its prerequisites, and the captured log. */
#ifndef TESTS_HOST_HARNESS_H
#define TESTS_HOST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/base/types.h"

/* Log lines since the last clear, each ended by a newline. The first call starts the capture. */
const char *captured_log(void);
void captured_log_clear(void);

/* A whole file in fresh memory (free() it); NULL and size 0 if it can't be read. */
u8 *read_whole_file(const char *path, size_t *size);

/* The corpus of real machines' ACPI tables: the folder, or NULL where it is missing. */
const char *corpus_folder(void);

#endif
