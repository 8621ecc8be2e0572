// sources: drivers/uart.c tests/host/fake_regs.c
#include "tests/host/fake_regs.h"

#include "drivers/uart.h"

/* A 16550 at COM2, with a FIFO that holds what is sent until the test lets it go. */
static struct {
	bool present;
	bool no_loop; /* what is sent in loop-back mode doesn't come back */
	bool no_fifo;
	u8 register_of[8];
	u8 divisor[2];
	int received; /* -1: none */
	char sent[1024];
	u32 sent_count;
	u32 in_fifo;
	u32 polls;
	u32 polls_until_empty; /* looks at the line status until the FIFO is empty */
	bool never_empty;
	bool in_shifter; /* the FIFO's last byte is still on its way out */
} com;

static bool loops(void)
{
	return com.register_of[4] & 0x10;
}

static u8 line_status(void)
{
	com.polls++;
	com.in_shifter = false;
	if (com.in_fifo && !com.never_empty && com.polls_until_empty-- == 0) {
		com.in_fifo = 0;
		com.in_shifter = true;
		com.polls_until_empty = 3;
	}
	return (u8)((com.received >= 0 ? 0x01 : 0) | (com.in_fifo || com.never_empty ? 0 : 0x20) |
		    (com.in_fifo || com.never_empty || com.in_shifter ? 0 : 0x40));
}

static u32 port_in(u16 port, u8 width)
{
	assert_int_equal(width, 1);
	assert_true(port >= UART_COM2 && port < UART_COM2 + 8);
	if (!com.present)
		return 0xff;

	u8 data = (u8)com.received;

	switch (port - UART_COM2) {
	case 0:
		com.received = -1;
		return data;
	case 2:
		return com.no_fifo ? 0x01 : 0xc1;
	case 5:
		return line_status();
	default:
		return com.register_of[port - UART_COM2];
	}
}

static void send(u8 byte)
{
	if (loops()) {
		com.received = com.no_loop ? -1 : byte;
		return;
	}
	/* An overrun: what is in the FIFO would be lost. */
	assert_true(com.in_fifo < (com.no_fifo ? 1 : 16));
	com.in_fifo++;
	com.sent[com.sent_count++] = (char)byte;
}

static void port_out(u16 port, u8 width, u32 value)
{
	u16 offset = port - UART_COM2;

	assert_int_equal(width, 1);
	assert_true(offset < 8);
	if (offset < 2 && (com.register_of[3] & 0x80))
		com.divisor[offset] = (u8)value;
	else if (offset == 0)
		send((u8)value);
	else
		com.register_of[offset] = (u8)value;
}

static int set_up(void **state)
{
	(void)state;
	memset(&com, 0, sizeof(com));
	com.present = true;
	com.received = -1;
	com.polls_until_empty = 3;
	fake_regs = (struct fake_regs){.port_in = port_in, .port_out = port_out};
	return 0;
}

static void print(const char *text)
{
	uart_sink(text, strlen(text));
}

static void init_sets_115200_8n1(void **state)
{
	(void)state;
	assert_int_equal(uart_init(UART_COM2), OK);
	assert_int_equal(com.divisor[0], 1);
	assert_int_equal(com.divisor[1], 0);
	assert_int_equal(com.register_of[1], 0);
	assert_int_equal(com.register_of[2] & 1, 1);
	assert_int_equal(com.register_of[3], 0x03);
	assert_int_equal(com.register_of[4], 0x0b);
	assert_int_equal(com.sent_count, 0);
}

static void an_absent_uart_is_told_and_left_alone(void **state)
{
	(void)state;
	com.present = false;
	assert_int_equal(uart_init(UART_COM2), ERR_NOT_FOUND);
	print("text");
	assert_int_equal(uart_read(), -1);
	uart_rx_interrupt_enable();
	assert_int_equal(com.sent_count, 0);
	assert_int_equal(com.register_of[1], 0);
}

static void one_that_fails_the_loop_is_absent(void **state)
{
	(void)state;
	com.no_loop = true;
	assert_int_equal(uart_init(UART_COM2), ERR_NOT_FOUND);
	print("text");
	assert_int_equal(com.sent_count, 0);
}

static void newlines_get_a_carriage_return(void **state)
{
	(void)state;
	assert_int_equal(uart_init(UART_COM2), OK);
	print("one\ntwo\n");
	assert_string_equal(com.sent, "one\r\ntwo\r\n");
}

static void a_fifo_takes_16_bytes_at_a_look(void **state)
{
	(void)state;
	assert_int_equal(uart_init(UART_COM2), OK);
	com.polls = 0;
	com.polls_until_empty = 0;
	print("0123456789abcdef0123456789abcdef0123456789abcdef");
	assert_int_equal(com.sent_count, 48);
	assert_true(com.polls <= 12);
}

static void without_a_fifo_each_byte_waits(void **state)
{
	(void)state;
	com.no_fifo = true;
	assert_int_equal(uart_init(UART_COM2), OK);
	print("0123456789");
	assert_string_equal(com.sent, "0123456789");
}

static void a_stuck_uart_costs_one_bounded_wait(void **state)
{
	char text[200];

	(void)state;
	assert_int_equal(uart_init(UART_COM2), OK);
	com.never_empty = true;
	com.polls = 0;
	memset(text, 'x', sizeof(text));
	uart_sink(text, sizeof(text));
	assert_int_equal(com.sent_count, 0);
	assert_true(com.polls > 1000 && com.polls < 100000);
	com.polls = 0;
	uart_sink(text, sizeof(text));
	assert_int_equal(com.polls, sizeof(text));
	/* And it comes back. */
	com.never_empty = false;
	print("back");
	assert_string_equal(com.sent, "back");
}

static void draining_waits_for_the_last_byte(void **state)
{
	(void)state;
	assert_int_equal(uart_init(UART_COM2), OK);
	print("text");
	uart_drain();
	assert_int_equal(com.in_fifo, 0);
	assert_false(com.in_shifter);
	com.never_empty = true;
	com.polls = 0;
	uart_drain();
	assert_true(com.polls > 1000 && com.polls < 100000);
	assert_int_equal(uart_init(0), OK);
	uart_drain();
}

static void bytes_are_read_as_they_come(void **state)
{
	(void)state;
	assert_int_equal(uart_init(UART_COM2), OK);
	assert_int_equal(uart_read(), -1);
	com.received = 0xff;
	assert_int_equal(uart_read(), 0xff);
	assert_int_equal(uart_read(), -1);
	uart_rx_interrupt_enable();
	assert_int_equal(com.register_of[1], 0x01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(init_sets_115200_8n1, set_up),
		cmocka_unit_test_setup(an_absent_uart_is_told_and_left_alone, set_up),
		cmocka_unit_test_setup(one_that_fails_the_loop_is_absent, set_up),
		cmocka_unit_test_setup(newlines_get_a_carriage_return, set_up),
		cmocka_unit_test_setup(a_fifo_takes_16_bytes_at_a_look, set_up),
		cmocka_unit_test_setup(without_a_fifo_each_byte_waits, set_up),
		cmocka_unit_test_setup(a_stuck_uart_costs_one_bounded_wait, set_up),
		cmocka_unit_test_setup(draining_waits_for_the_last_byte, set_up),
		cmocka_unit_test_setup(bytes_are_read_as_they_come, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
