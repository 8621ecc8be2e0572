/* Log lines: "[    0.012345] vtd: unit 0 at 0xfed90000 ...". */
#ifndef HV_BASE_LOG_H
#define HV_BASE_LOG_H

#include "hv/base/types.h"

#define LOG_LINE_MAX 256 /* bytes; longer lines are cut */

/* Where lines go, e.g. a UART. Called with a lock held: must not log. */
typedef void (*log_sink_t)(const char *text, size_t length);

/* Microseconds since boot; NULL until the clock is known, when lines show 0. */
typedef u64 (*log_clock_t)(void);

/* Adds a sink; at most 4, more are ignored. */
void log_add_sink(log_sink_t sink);
void log_set_clock(log_clock_t clock);

/* One line of a subsystem ("vtd", "pci", "vm net"), without the newline. Any CPU, not from NMIs. */
void log_line(const char *subsystem, const char *format, ...) PRINTF_LIKE(2, 3);

/* A line of a VM's console: "[    0.012345] net| text". text needs no NUL. */
void log_console(const char *vm, const char *text, size_t length);

/*
 * Text as it stands, newlines included, for panics: takes no lock, since the CPU that holds it may
 * be the one that panicked.
 */
void log_raw(const char *format, ...) PRINTF_LIKE(1, 2);

/* From now on only log_raw() prints: what the other CPUs have to say would garble a panic. */
void log_raw_only(void);

#endif
