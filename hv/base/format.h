/* printf-style formatting into a buffer. */
#ifndef HV_BASE_FORMAT_H
#define HV_BASE_FORMAT_H

#include "hv/base/types.h"

/*
 * Writes at most size bytes to buffer, the closing NUL included, and returns the length that the
 * whole text would have had. Knows %c %s %d %i %u %x %X %p %%, the flags 0 - #, width and precision
 * (also '*'), and the lengths hh h l ll z. Other than in C, "#" puts 0x before a zero too, a zero never
 * vanishes for a precision of 0, and an unknown conversion is printed as it stands, flags left out.
 */
size_t format_v(char *buffer, size_t size, const char *format, va_list args);

size_t format_text(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
