/* The host's serial console: a 16550 at 115200 baud, 8 data bits, no parity, one stop bit. */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "hv/base/status.h"
#include "hv/base/types.h"

#define UART_COM1 0x3f8
#define UART_COM2 0x2f8

/*
 * Sets up the UART at the port and makes it the console. ERR_NOT_FOUND: none answers a loop-back test;
 * then the console is none, and the functions below do nothing. Port 0: none is wanted.
 */
enum status uart_init(u16 port);

/*
 * A log_sink_t; \n goes out as \r\n. Takes no lock, as the log has one and panics need none. A UART
 * that doesn't take a byte within a bound is given up until it does again: text is lost, no time.
 */
void uart_sink(const char *text, size_t length);

/* Waits, within a bound, until all that was written has left the UART. */
void uart_drain(void);

/* The next byte that came in, or -1. */
int uart_read(void);

/* From now on, received bytes raise the UART's interrupt. */
void uart_rx_interrupt_enable(void);

#endif
