/*
 * A VM's console: a 16550 at ports 0x3F8-0x3FF (National Semiconductor PC16550D data sheet). Sent bytes
 * are gathered into lines that go to the hypervisor's log with the VM's name; received bytes come from
 * the hypervisor's console. Its interrupt is ISA IRQ 4: edge triggered, raised on each new cause.
 *
 * A guest can neither garble nor forge the log: carriage returns and the control sequences of terminals
 * are dropped, other bytes that can't be printed are shown as \xNN.
 */
#ifndef HV_VM_VUART_H
#define HV_VM_VUART_H

#include "hv/base/types.h"

#define VUART_PORT     0x3f8
#define VUART_PORTS    8
#define VUART_IRQ      4
#define VUART_FIFO     16
#define VUART_LINE_MAX 160 /* longer lines are cut in two */

struct vuart {
	u8 ier, fcr, lcr, mcr, scr;
	u8 lsr;	      /* only the error bits: the others follow from the FIFO */
	u8 msr_delta; /* bits 3:0 of MSR */
	u16 divisor;
	u8 fifo[VUART_FIFO];
	u8 fifo_head, fifo_count;
	bool thr_empty_pending;	   /* THRE interrupt not yet acknowledged */
	char line[VUART_LINE_MAX]; /* printable ASCII and tabs only, no NUL */
	u32 length;
	bool cut;  /* what was printed last was the first part of a long line */
	u8 escape; /* how far into a terminal's control sequence: enum in vuart.c */
};

/* What an access does besides: a line to print (ended or full), and whether IRQ 4 rises. */
struct vuart_effect {
	/* vuart.line holds .length bytes, maybe 0: print them and set .length to 0 */
	bool line_ready;
	bool raise_irq;
};

/* The state after a reset (data sheet, table I). */
void vuart_init(struct vuart *uart);

/* reg 0..7, 8-bit accesses only. *effect is set wholly by these three. */
u8 vuart_read(struct vuart *uart, u8 reg, struct vuart_effect *effect);
void vuart_write(struct vuart *uart, u8 reg, u8 value, struct vuart_effect *effect);

/* A byte for the guest; lost (with an overrun) if the FIFO is full, and in loopback mode. */
void vuart_receive(struct vuart *uart, u8 byte, struct vuart_effect *effect);

#endif
