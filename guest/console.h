/* The console: a 16550 at 0x3F8, written by polling. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include "hv/base/types.h"

void console_init(void);

/* printf-style; a text over 256 bytes is cut. Not for interrupt handlers other than the last. */
void print(const char *format, ...) PRINTF_LIKE(1, 2);

/* Waits, bounded, until the last byte is on the wire. */
void console_flush(void);

#endif
