#include "guest/console.h"

#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "hv/base/format.h"

#define UART_BASE	    0x3F8
#define UART_THR	    (UART_BASE + 0) /* transmit holding; divisor's low byte while DLAB */
#define UART_IER	    (UART_BASE + 1) /* interrupt enable; divisor's high byte while DLAB */
#define UART_FCR	    (UART_BASE + 2)
#define UART_FCR_ON_CLEAR   0x07
#define UART_LCR	    (UART_BASE + 3)
#define UART_LCR_8N1	    0x03
#define UART_LCR_DLAB	    0x80
#define UART_MCR	    (UART_BASE + 4)
#define UART_MCR_DTR_RTS    0x03
#define UART_LSR	    (UART_BASE + 5)
#define UART_LSR_THRE	    BIT(5) /* room in the holding register */
#define UART_LSR_TEMT	    BIT(6) /* nothing left in the transmitter */
#define UART_DIVISOR	    1	   /* 115200 baud */
#define UART_POLLS_PER_BYTE 100000

#define PRINT_MAX 256

void console_init(void)
{
	port_out8(UART_IER, 0);
	port_out8(UART_LCR, UART_LCR_DLAB);
	port_out8(UART_THR, UART_DIVISOR);
	port_out8(UART_IER, 0);
	port_out8(UART_LCR, UART_LCR_8N1);
	port_out8(UART_FCR, UART_FCR_ON_CLEAR);
	port_out8(UART_MCR, UART_MCR_DTR_RTS);
}

/* False if the UART did not get there; the caller goes on all the same, losing text at worst. */
static bool wait_for(u64 lsr_bit)
{
	for (unsigned i = 0; i < UART_POLLS_PER_BYTE; i++)
		if (port_in8(UART_LSR) & lsr_bit)
			return true;
	return false;
}

static void put(char c)
{
	if (wait_for(UART_LSR_THRE))
		port_out8(UART_THR, (u8)c);
}

void print(const char *format, ...)
{
	char text[PRINT_MAX];
	va_list args;

	va_start(args, format);
	format_v(text, sizeof(text), format, args);
	va_end(args);
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			put('\r');
		put(*p);
	}
}

void console_flush(void)
{
	(void)wait_for(UART_LSR_TEMT);
}
