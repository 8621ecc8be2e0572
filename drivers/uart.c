#include "drivers/uart.h"

#include "arch/x86/mmio.h"

/* PC16550D data sheet, section 8: registers, as offsets from the port. */
#define UART_DATA	   0 /* DLAB=0 */
#define UART_IER	   1 /* DLAB=0 */
#define UART_IER_RECEIVED  0x01
#define UART_DIVISOR_LOW   0 /* DLAB=1 */
#define UART_DIVISOR_HIGH  1 /* DLAB=1 */
#define UART_IIR	   2 /* read */
#define UART_IIR_FIFO	   0xc0
#define UART_FCR	   2 /* write */
#define UART_FCR_ENABLE	   0x01
#define UART_FCR_CLEAR	   0x06
#define UART_LCR	   3
#define UART_LCR_8N1	   0x03
#define UART_LCR_DLAB	   0x80
#define UART_MCR	   4
#define UART_MCR_DTR	   0x01
#define UART_MCR_RTS	   0x02
#define UART_MCR_OUT2	   0x08 /* on PCs: lets the interrupt through */
#define UART_MCR_LOOP	   0x10
#define UART_LSR	   5
#define UART_LSR_RECEIVED  0x01
#define UART_LSR_THR_EMPTY 0x20
#define UART_LSR_IDLE	   0x40 /* transmitter empty */
#define UART_LSR_ABSENT	   0xff

#define UART_BASE_BAUD 115200
#define UART_BAUD      115200
#define UART_FIFO_SIZE 16

/*
 * Reads of the line status; each takes about a microsecond on a PC, and 16 bytes leave within 1.4 ms.
 * The clock isn't known yet when the first lines go out.
 */
#define UART_MAX_POLLS 20000

static struct {
	u16 port; /* 0: none */
	u8 burst; /* bytes that an empty transmitter takes */
	u8 room;  /* of them, those left before it must be looked at again */
	bool stuck;
} uart;

static u8 read_register(u16 offset)
{
	return port_read8((u16)(uart.port + offset));
}

static void write_register(u16 offset, u8 value)
{
	port_write8((u16)(uart.port + offset), value);
}

static bool wait_for(u8 lsr_bit, u32 polls)
{
	while (polls-- > 0) {
		u8 lsr = read_register(UART_LSR);

		if (lsr == UART_LSR_ABSENT)
			return false;
		if (lsr & lsr_bit)
			return true;
	}
	return false;
}

static bool answers_in_loop(u8 byte)
{
	write_register(UART_DATA, byte);
	return wait_for(UART_LSR_RECEIVED, UART_MAX_POLLS) && read_register(UART_DATA) == byte;
}

static void set_line(void)
{
	u16 divisor = UART_BASE_BAUD / UART_BAUD;

	write_register(UART_IER, 0);
	write_register(UART_LCR, UART_LCR_DLAB | UART_LCR_8N1);
	write_register(UART_DIVISOR_LOW, (u8)divisor);
	write_register(UART_DIVISOR_HIGH, (u8)(divisor >> 8));
	write_register(UART_LCR, UART_LCR_8N1);
}

enum status uart_init(u16 port)
{
	const u8 lines = UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2;

	uart.port = port;
	uart.room = 0;
	uart.stuck = false;
	if (!port)
		return OK;
	set_line();
	write_register(UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR);
	uart.burst =
		(read_register(UART_IIR) & UART_IIR_FIFO) == UART_IIR_FIFO ? UART_FIFO_SIZE : 1;
	write_register(UART_MCR, lines | UART_MCR_LOOP);
	if (!answers_in_loop(0xa5) || !answers_in_loop(0x5a)) {
		uart.port = 0;
		return ERR_NOT_FOUND;
	}
	write_register(UART_MCR, lines);
	return OK;
}

static void write_byte(u8 byte)
{
	if (uart.room == 0) {
		uart.stuck = !wait_for(UART_LSR_THR_EMPTY, uart.stuck ? 1 : UART_MAX_POLLS);
		if (uart.stuck)
			return;
		uart.room = uart.burst;
	}
	uart.room--;
	write_register(UART_DATA, byte);
}

void uart_sink(const char *text, size_t length)
{
	if (uart.port == 0)
		return;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			write_byte('\r');
		write_byte((u8)text[i]);
	}
}

void uart_drain(void)
{
	if (uart.port && !uart.stuck)
		(void)wait_for(UART_LSR_IDLE, UART_MAX_POLLS);
}

int uart_read(void)
{
	if (uart.port == 0 || !wait_for(UART_LSR_RECEIVED, 1))
		return -1;
	return read_register(UART_DATA);
}

void uart_rx_interrupt_enable(void)
{
	if (uart.port)
		write_register(UART_IER, UART_IER_RECEIVED);
}
