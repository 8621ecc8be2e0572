#include "hv/vm/vuart.h"

#include "hv/vm/vuart_regs.h"

/* The longest thing that one sent byte becomes: "\xNN". */
#define SHOWN_MAX 4

/* --- What the guest sends, made fit for a log --- */

/* Within a control sequence of terminals: ESC [ parameters final (ECMA-48 5.4), or ESC and a few more. */
enum escape {
	ESCAPE_NONE,
	ESCAPE_BEGUN,	 /* after ESC and what may stand between (ECMA-35 13.2.1) */
	ESCAPE_SEQUENCE, /* after ESC [ */
};

/* True if the byte is part of a control sequence. */
static bool escape_takes(struct vuart *uart, u8 byte)
{
	bool visible = byte >= ' ' && byte < 0x7f;

	if (visible && uart->escape == ESCAPE_BEGUN) {
		if (byte == '[')
			uart->escape = ESCAPE_SEQUENCE;
		else if (byte >= '0')
			uart->escape = ESCAPE_NONE;
		return true;
	}
	if (visible && uart->escape == ESCAPE_SEQUENCE) {
		if (byte >= '@')
			uart->escape = ESCAPE_NONE;
		return true;
	}
	uart->escape = byte == 0x1b ? ESCAPE_BEGUN : ESCAPE_NONE;
	return byte == 0x1b;
}

static void line_add(struct vuart *uart, char c)
{
	if (uart->length < VUART_LINE_MAX)
		uart->line[uart->length++] = c;
}

static void line_add_byte(struct vuart *uart, u8 byte)
{
	static const char digits[] = "0123456789abcdef";

	if ((byte >= ' ' && byte < 0x7f) || byte == '\t') {
		line_add(uart, (char)byte);
		return;
	}
	line_add(uart, '\\');
	line_add(uart, 'x');
	line_add(uart, digits[byte >> 4]);
	line_add(uart, digits[byte & 15]);
}

static void transmit(struct vuart *uart, u8 byte, struct vuart_effect *effect)
{
	if (escape_takes(uart, byte) || byte == '\r')
		return;
	if (byte == '\n') {
		/* A line that was just as long as the buffer has been printed already. */
		effect->line_ready = uart->length || !uart->cut;
		uart->cut = false;
		return;
	}
	line_add_byte(uart, byte);
	if (uart->length > VUART_LINE_MAX - SHOWN_MAX) {
		effect->line_ready = true;
		uart->cut = true;
	}
}

/* --- The receiver --- */

static u8 fifo_capacity(const struct vuart *uart)
{
	return uart->fcr & VUART_FCR_ENABLE ? VUART_FIFO : 1;
}

static void fifo_reset(struct vuart *uart)
{
	uart->fifo_head = 0;
	uart->fifo_count = 0;
}

/* A full FIFO keeps what it has; without FIFOs the newer byte replaces the older one (8.4). */
static void fifo_put(struct vuart *uart, u8 byte)
{
	if (uart->fifo_count == fifo_capacity(uart)) {
		uart->lsr |= VUART_LSR_OVERRUN;
		if (uart->fifo_count > 1)
			return;
		uart->fifo_count = 0;
	}
	uart->fifo[(uart->fifo_head + uart->fifo_count) % VUART_FIFO] = byte;
	uart->fifo_count++;
}

static u8 fifo_take(struct vuart *uart)
{
	u8 byte = uart->fifo[uart->fifo_head];

	if (!uart->fifo_count)
		return 0;
	uart->fifo_head = (u8)((uart->fifo_head + 1) % VUART_FIFO);
	uart->fifo_count--;
	return byte;
}

/* The receiver interrupt's trigger level in bytes (8.5). */
static u8 fifo_trigger(const struct vuart *uart)
{
	static const u8 levels[] = {1, 4, 8, 14};

	return uart->fcr & VUART_FCR_ENABLE ? levels[uart->fcr >> 6] : 1;
}

/* --- Interrupts --- */

/* The causes that are enabled and pending, as IER bits. */
static u8 causes(const struct vuart *uart)
{
	u8 pending = 0;

	if (uart->fifo_count)
		pending |= VUART_IER_RX;
	if (uart->thr_empty_pending)
		pending |= VUART_IER_THRE;
	if (uart->lsr & VUART_LSR_OVERRUN)
		pending |= VUART_IER_LINE;
	if (uart->msr_delta)
		pending |= VUART_IER_MODEM;
	return pending & uart->ier;
}

/*
 * Data below the trigger level count as timed out at once: nobody can tell how long they have been
 * waiting, and more of them would only come later.
 */
static u8 iir(const struct vuart *uart)
{
	u8 pending = causes(uart);

	if (pending & VUART_IER_LINE)
		return VUART_IIR_LINE;
	if (pending & VUART_IER_RX)
		return uart->fifo_count >= fifo_trigger(uart) ? VUART_IIR_RX : VUART_IIR_TIMEOUT;
	if (pending & VUART_IER_THRE)
		return VUART_IIR_THRE;
	if (pending & VUART_IER_MODEM)
		return VUART_IIR_MODEM;
	return VUART_IIR_NONE;
}

/* Those that get out to the line. In loopback mode the OUT2 pin is off, and the line with it (8.8). */
static u8 causes_outside(const struct vuart *uart)
{
	bool gate = (uart->mcr & (VUART_MCR_OUT2 | VUART_MCR_LOOP)) == VUART_MCR_OUT2;

	return gate ? causes(uart) : 0;
}

/* For causes that were not there before and for those in again, which happened once more. */
static bool raises(const struct vuart *uart, u8 before, u8 again)
{
	return causes_outside(uart) & (~before | again);
}

/* --- Registers --- */

/* The line is clear and somebody is there; in loopback mode the outputs are the inputs (8.8). */
static u8 modem_inputs(u8 mcr)
{
	u8 inputs = 0;

	if (!(mcr & VUART_MCR_LOOP))
		return VUART_MSR_CTS | VUART_MSR_DSR | VUART_MSR_DCD;
	if (mcr & VUART_MCR_RTS)
		inputs |= VUART_MSR_CTS;
	if (mcr & VUART_MCR_DTR)
		inputs |= VUART_MSR_DSR;
	if (mcr & VUART_MCR_OUT1)
		inputs |= VUART_MSR_RI;
	if (mcr & VUART_MCR_OUT2)
		inputs |= VUART_MSR_DCD;
	return inputs;
}

static void write_mcr(struct vuart *uart, u8 value)
{
	u8 before = modem_inputs(uart->mcr);
	u8 after, changed;

	uart->mcr = value & VUART_MCR_MASK;
	after = modem_inputs(uart->mcr);
	changed = (u8)((before ^ after) >> 4);
	if (after & VUART_MSR_RI)
		changed &= (u8)~VUART_MSR_TERI;
	uart->msr_delta |= changed;
}

static void write_ier(struct vuart *uart, u8 value)
{
	bool was_on = uart->ier & VUART_IER_THRE;

	uart->ier = value & VUART_IER_MASK;
	if (!(uart->ier & VUART_IER_THRE))
		uart->thr_empty_pending = false;
	else if (!was_on)
		uart->thr_empty_pending = true; /* the holding register is always empty */
}

static void write_fcr(struct vuart *uart, u8 value)
{
	bool toggled = (uart->fcr ^ value) & VUART_FCR_ENABLE;

	/* The other bits are not programmed unless this one is set (8.5). */
	if (!(value & VUART_FCR_ENABLE))
		value = 0;
	if (toggled || (value & VUART_FCR_RX_RESET))
		fifo_reset(uart);
	uart->fcr = value & VUART_FCR_KEPT;
}

/* Sent at once, so that the holding register is empty again. Returns the causes that came anew. */
static u8 write_thr(struct vuart *uart, u8 value, struct vuart_effect *effect)
{
	uart->thr_empty_pending = uart->ier & VUART_IER_THRE;
	if (uart->mcr & VUART_MCR_LOOP) {
		fifo_put(uart, value);
		return VUART_IER_THRE | VUART_IER_RX;
	}
	transmit(uart, value, effect);
	return VUART_IER_THRE;
}

static u8 read_lsr(struct vuart *uart)
{
	u8 value = uart->lsr | VUART_LSR_THRE | VUART_LSR_TEMT;

	uart->lsr = 0;
	return uart->fifo_count ? value | VUART_LSR_DATA : value;
}

/* Reading it acknowledges the THRE interrupt, if that is what it tells (table III). */
static u8 read_iir(struct vuart *uart)
{
	u8 value = iir(uart);

	if (value == VUART_IIR_THRE)
		uart->thr_empty_pending = false;
	return uart->fcr & VUART_FCR_ENABLE ? value | VUART_IIR_FIFOS : value;
}

static u8 read_msr(struct vuart *uart)
{
	u8 value = modem_inputs(uart->mcr) | uart->msr_delta;

	uart->msr_delta = 0;
	return value;
}

void vuart_init(struct vuart *uart)
{
	*uart = (struct vuart){};
}

u8 vuart_read(struct vuart *uart, u8 reg, struct vuart_effect *effect)
{
	bool dlab = uart->lcr & VUART_LCR_DLAB;

	*effect = (struct vuart_effect){};
	switch (reg) {
	case VUART_RBR:
		return dlab ? (u8)uart->divisor : fifo_take(uart);
	case VUART_IER:
		return dlab ? (u8)(uart->divisor >> 8) : uart->ier;
	case VUART_IIR:
		return read_iir(uart);
	case VUART_LCR:
		return uart->lcr;
	case VUART_MCR:
		return uart->mcr;
	case VUART_LSR:
		return read_lsr(uart);
	case VUART_MSR:
		return read_msr(uart);
	case VUART_SCR:
		return uart->scr;
	default:
		return 0xff;
	}
}

/* Returns the causes that the write made happen once more. */
static u8 write_register(struct vuart *uart, u8 reg, u8 value, struct vuart_effect *effect)
{
	bool dlab = uart->lcr & VUART_LCR_DLAB;

	switch (reg) {
	case VUART_THR:
		if (!dlab)
			return write_thr(uart, value, effect);
		uart->divisor = (u16)((uart->divisor & 0xff00) | value);
		break;
	case VUART_IER:
		if (dlab)
			uart->divisor = (u16)((uart->divisor & 0x00ff) | value << 8);
		else
			write_ier(uart, value);
		break;
	case VUART_FCR:
		write_fcr(uart, value);
		break;
	case VUART_LCR:
		uart->lcr = value;
		break;
	case VUART_MCR:
		write_mcr(uart, value);
		break;
	case VUART_SCR:
		uart->scr = value;
		break;
	default: /* LSR and MSR are for reading; writes are for factory tests */
		break;
	}
	return 0;
}

void vuart_write(struct vuart *uart, u8 reg, u8 value, struct vuart_effect *effect)
{
	u8 before = causes_outside(uart);
	u8 again;

	*effect = (struct vuart_effect){};
	again = write_register(uart, reg, value, effect);
	effect->raise_irq = raises(uart, before, again);
}

void vuart_receive(struct vuart *uart, u8 byte, struct vuart_effect *effect)
{
	u8 before = causes_outside(uart);

	*effect = (struct vuart_effect){};
	if (uart->mcr & VUART_MCR_LOOP)
		return;
	fifo_put(uart, byte);
	effect->raise_irq = raises(uart, before, VUART_IER_RX);
}
