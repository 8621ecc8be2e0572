// sources: hv/vm/vuart.c
#include "tests/host/harness.h"

#include "hv/vm/vuart.h"
#include "hv/vm/vuart_regs.h"

static struct vuart uart;
static struct vuart_effect effect;

/* The lines that a caller would have printed, each with a newline. */
static char printed[4096];

static int set_up(void **state)
{
	(void)state;
	memset(&uart, 0xa5, sizeof(uart));
	vuart_init(&uart);
	printed[0] = 0;
	return 0;
}

static u8 in(u8 reg)
{
	return vuart_read(&uart, reg, &effect);
}

/* Returns whether the interrupt line rose. */
static bool out(u8 reg, u8 value)
{
	memset(&effect, 0xff, sizeof(effect));
	vuart_write(&uart, reg, value, &effect);
	assert_true(uart.length <= VUART_LINE_MAX);
	if (effect.line_ready) {
		strncat(printed, uart.line, uart.length);
		strcat(printed, "\n");
		uart.length = 0;
	}
	return effect.raise_irq;
}

static bool receive(u8 byte)
{
	vuart_receive(&uart, byte, &effect);
	return effect.raise_irq;
}

static void send(const char *text)
{
	for (; *text; text++)
		out(VUART_THR, (u8)*text);
}

static void test_reset_values(void **state)
{
	(void)state;
	assert_int_equal(in(VUART_IER), 0);
	assert_int_equal(in(VUART_IIR), 0x01);
	assert_int_equal(in(VUART_LCR), 0);
	assert_int_equal(in(VUART_MCR), 0);
	assert_int_equal(in(VUART_LSR), 0x60);
	assert_int_equal(in(VUART_MSR), 0xb0);
	assert_int_equal(in(VUART_RBR), 0);
}

static void test_plain_registers(void **state)
{
	(void)state;
	out(VUART_SCR, 0x5a);
	assert_int_equal(in(VUART_SCR), 0x5a);
	out(VUART_IER, 0xff);
	assert_int_equal(in(VUART_IER), 0x0f);
	out(VUART_MCR, 0xff);
	assert_int_equal(in(VUART_MCR), 0x1f);
	out(VUART_LSR, 0xff);
	out(VUART_MCR, 0);
	assert_int_equal(in(VUART_LSR), 0x60);
}

static void test_divisor_latch(void **state)
{
	(void)state;
	out(VUART_IER, VUART_IER_RX);
	out(VUART_LCR, VUART_LCR_DLAB | 3);
	out(VUART_DLL, 0x34);
	out(VUART_DLM, 0x12);
	assert_int_equal(in(VUART_DLL), 0x34);
	assert_int_equal(in(VUART_DLM), 0x12);
	out(VUART_LCR, 3);
	assert_int_equal(in(VUART_IER), VUART_IER_RX);
	assert_int_equal(uart.divisor, 0x1234);
	assert_int_equal(uart.length, 0);
}

static void test_lines(void **state)
{
	(void)state;
	send("one\r\ntwo\n\n\tx");
	assert_string_equal(printed, "one\ntwo\n\n");
	assert_int_equal(uart.length, 2);
	assert_memory_equal(uart.line, "\tx", 2);
}

static void test_lines_are_clean(void **state)
{
	(void)state;
	send("a\x1b[1;31mred\x1b[0m b\x1b(Bc\x1b"
	     "cd\n");
	send("\x07\x80\x7f\xff\x08\n");
	send("x\ry\n");
	send("\x1b[1\nin\x1b\nout\x1b\x1b[2Jclean\n");
	assert_string_equal(printed, "ared bcd\n\\x07\\x80\\x7f\\xff\\x08\nxy\n\nin\nout"
				     "clean\n");
	printed[0] = 0;
	out(VUART_THR, 0);
	send("\n");
	assert_string_equal(printed, "\\x00\n");
}

static void test_long_lines(void **state)
{
	size_t full = VUART_LINE_MAX - 3;
	char expected[400] = "";

	(void)state;
	for (size_t i = 0; i < full; i++)
		out(VUART_THR, 'a');
	assert_int_equal(uart.length, 0);
	memset(expected, 'a', full);
	strcat(expected, "\n");
	assert_string_equal(printed, expected);

	/* The newline that follows makes no empty line, the next one does. */
	send("\n");
	assert_string_equal(printed, expected);
	send("\nb\n");
	strcat(expected, "\nb\n");
	assert_string_equal(printed, expected);

	/* Whatever the bytes, and even if the caller does not take the line, the buffer holds. */
	for (size_t i = 0; i < 10 * VUART_LINE_MAX; i++) {
		vuart_write(&uart, VUART_THR, 0x80, &effect);
		assert_true(uart.length <= VUART_LINE_MAX);
	}
	assert_true(effect.line_ready);
}

static void test_receiving(void **state)
{
	(void)state;
	out(VUART_FCR, 0x01);
	assert_int_equal(in(VUART_IIR), 0xc1);
	assert_false(receive('a'));
	assert_int_equal(in(VUART_LSR), 0x61);
	out(VUART_MCR, VUART_MCR_OUT2);
	assert_true(out(VUART_IER, VUART_IER_RX));
	assert_int_equal(in(VUART_IIR), 0xc4);
	assert_true(receive('b'));
	assert_int_equal(in(VUART_RBR), 'a');
	assert_int_equal(in(VUART_IIR), 0xc4);
	assert_int_equal(in(VUART_RBR), 'b');
	assert_int_equal(in(VUART_IIR), 0xc1);
	assert_int_equal(in(VUART_LSR), 0x60);
	assert_int_equal(in(VUART_RBR), 0);
	assert_int_equal(in(VUART_LSR), 0x60);
}

static void test_trigger_level(void **state)
{
	(void)state;
	out(VUART_FCR, 0x81); /* 8 bytes */
	out(VUART_IER, VUART_IER_RX);
	for (int i = 0; i < 7; i++) {
		receive((u8)i);
		assert_int_equal(in(VUART_IIR), 0xcc);
	}
	receive(7);
	assert_int_equal(in(VUART_IIR), 0xc4);
}

static void test_overrun_with_fifo(void **state)
{
	(void)state;
	out(VUART_FCR, 0x01);
	out(VUART_MCR, VUART_MCR_OUT2);
	out(VUART_IER, VUART_IER_LINE | VUART_IER_RX);
	for (int i = 0; i < 5; i++)
		receive(0);
	for (int i = 0; i < 5; i++)
		in(VUART_RBR);
	for (int i = 0; i < VUART_FIFO; i++)
		receive((u8)i);
	assert_int_equal(in(VUART_IIR), 0xc4);
	assert_true(receive(0xee));
	assert_int_equal(in(VUART_IIR), 0xc6);
	assert_int_equal(in(VUART_LSR), 0x63);
	assert_int_equal(in(VUART_LSR), 0x61);
	assert_int_equal(in(VUART_IIR), 0xc4);
	for (int i = 0; i < VUART_FIFO; i++)
		assert_int_equal(in(VUART_RBR), i);
	assert_int_equal(in(VUART_LSR), 0x60);
}

static void test_overrun_without_fifo(void **state)
{
	(void)state;
	receive('a');
	receive('b');
	assert_int_equal(in(VUART_LSR), 0x63);
	assert_int_equal(in(VUART_RBR), 'b');
	assert_int_equal(in(VUART_LSR), 0x60);
}

static void test_fifo_control(void **state)
{
	(void)state;
	out(VUART_FCR, 0xc0); /* not programmed without bit 0 */
	assert_int_equal(in(VUART_IIR), 0x01);
	assert_int_equal(uart.fcr, 0);
	receive('a');
	out(VUART_FCR, 0x01); /* turning the FIFOs on empties them */
	assert_int_equal(in(VUART_LSR), 0x60);
	receive('a');
	out(VUART_FCR, 0x41);
	assert_int_equal(in(VUART_LSR), 0x61);
	out(VUART_FCR, 0x05); /* the transmitter's reset alone */
	assert_int_equal(in(VUART_LSR), 0x61);
	out(VUART_FCR, 0x03);
	assert_int_equal(in(VUART_LSR), 0x60);
	receive('a');
	out(VUART_FCR, 0x00);
	assert_int_equal(in(VUART_LSR), 0x60);
	assert_int_equal(in(VUART_IIR), 0x01);
}

/* As Linux's 8250 driver looks for UARTs that lose this interrupt. */
static void test_thre_interrupt(void **state)
{
	(void)state;
	out(VUART_MCR, VUART_MCR_OUT2);
	for (int i = 0; i < 2; i++) {
		assert_true(out(VUART_IER, VUART_IER_THRE));
		assert_false(out(VUART_IER, VUART_IER_THRE));
		assert_int_equal(in(VUART_IIR), 0x02);
		assert_int_equal(in(VUART_IIR), 0x01);
		assert_false(out(VUART_IER, 0));
	}
	assert_false(out(VUART_THR, 'x'));
	assert_int_equal(in(VUART_IIR), 0x01);
	out(VUART_IER, VUART_IER_THRE);
	in(VUART_IIR);
	assert_true(out(VUART_THR, 'x'));
	assert_true(out(VUART_THR, 'y')); /* not acknowledged yet: it happened once more */
	assert_int_equal(in(VUART_IIR), 0x02);
	assert_int_equal(in(VUART_IIR), 0x01);
	out(VUART_THR, 'z');
	out(VUART_IER, 0);
	assert_int_equal(in(VUART_IIR), 0x01);
}

static void test_priorities(void **state)
{
	(void)state;
	out(VUART_FCR, 0x01);
	out(VUART_MCR, VUART_MCR_LOOP | VUART_MCR_OUT2); /* CTS and DSR change */
	out(VUART_MCR, VUART_MCR_OUT2);
	out(VUART_IER, 0x0f);
	for (int i = 0; i <= VUART_FIFO; i++)
		receive('a');
	assert_int_equal(in(VUART_IIR), 0xc6);
	in(VUART_LSR);
	assert_int_equal(in(VUART_IIR), 0xc4);
	out(VUART_FCR, 0x03);
	assert_int_equal(in(VUART_IIR), 0xc2);
	assert_int_equal(in(VUART_IIR), 0xc0);
	assert_int_equal(in(VUART_MSR), 0xb3);
	assert_int_equal(in(VUART_IIR), 0xc1);
}

static void test_gate(void **state)
{
	(void)state;
	assert_false(out(VUART_IER, VUART_IER_RX));
	assert_false(receive('a'));
	assert_int_equal(in(VUART_IIR), 0x04);
	assert_true(out(VUART_MCR, VUART_MCR_OUT2));
	assert_false(out(VUART_MCR, VUART_MCR_OUT2 | VUART_MCR_RTS));
}

/* As Linux's 8250 driver looks whether there is a UART at all. */
static void test_loopback(void **state)
{
	(void)state;
	out(VUART_FCR, 0x01);
	out(VUART_MCR, VUART_MCR_LOOP | VUART_MCR_OUT2 | VUART_MCR_RTS);
	assert_int_equal(in(VUART_MSR)&0xf0, 0x90);
	out(VUART_MCR, VUART_MCR_LOOP | VUART_MCR_OUT1 | VUART_MCR_DTR);
	assert_int_equal(in(VUART_MSR)&0xf0, 0x60);
	in(VUART_MSR);
	out(VUART_MCR, VUART_MCR_LOOP | VUART_MCR_DTR);
	assert_int_equal(in(VUART_MSR), 0x24);

	assert_false(out(VUART_IER, VUART_IER_RX));
	assert_false(out(VUART_THR, 0xa7));
	assert_int_equal(in(VUART_IIR), 0xc4);
	assert_int_equal(in(VUART_RBR), 0xa7);
	assert_int_equal(uart.length, 0);
	assert_false(receive('x'));
	assert_int_equal(in(VUART_LSR), 0x60);
	out(VUART_MCR, 0);
	assert_int_equal(in(VUART_MSR)&0xf0, 0xb0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_reset_values, set_up),
		cmocka_unit_test_setup(test_plain_registers, set_up),
		cmocka_unit_test_setup(test_divisor_latch, set_up),
		cmocka_unit_test_setup(test_lines, set_up),
		cmocka_unit_test_setup(test_lines_are_clean, set_up),
		cmocka_unit_test_setup(test_long_lines, set_up),
		cmocka_unit_test_setup(test_receiving, set_up),
		cmocka_unit_test_setup(test_trigger_level, set_up),
		cmocka_unit_test_setup(test_overrun_with_fifo, set_up),
		cmocka_unit_test_setup(test_overrun_without_fifo, set_up),
		cmocka_unit_test_setup(test_fifo_control, set_up),
		cmocka_unit_test_setup(test_thre_interrupt, set_up),
		cmocka_unit_test_setup(test_priorities, set_up),
		cmocka_unit_test_setup(test_gate, set_up),
		cmocka_unit_test_setup(test_loopback, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
