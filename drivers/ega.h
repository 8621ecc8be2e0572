/* A screen in EGA text mode as a log sink: two bytes a cell, the character and its colours. */
#ifndef DRIVERS_EGA_H
#define DRIVERS_EGA_H

#include "hv/base/status.h"
#include "hv/base/types.h"

/*
 * Clears the screen and starts at its top. cells: where its memory is mapped; pitch: bytes a line.
 * ERR_INVALID: a line doesn't fit the pitch, or there is no cell.
 */
enum status ega_init(void *cells, u32 columns, u32 rows, u32 pitch);

/* A log_sink_t. Does nothing before ega_init(). */
void ega_sink(const char *text, size_t length);

#endif
