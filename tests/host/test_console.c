// sources: hv/vm/console.c hv/vm/vuart.c
#include "tests/host/harness.h"

#include "hv/vm/console.h"
#include "hv/vm/vm.h"
#include "hv/vm/vuart_regs.h"

static struct vm vm;
static u32 raised;

/* It may come back to the console, and goes out to another CPU: never under the lock. */
void vioapic_raise(struct vm *of, u8 pin)
{
	assert_ptr_equal(of, &vm);
	assert_int_equal(pin, 4);
	assert_int_equal(vm.console_lock.held, 0);
	raised++;
}

static int set_up(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	strcpy(vm.name, "net");
	console_init(&vm);
	captured_log_clear();
	raised = 0;
	return 0;
}

static void say(const char *text)
{
	for (; *text; text++)
		console_write(&vm, VUART_THR, (u8)*text);
}

static void test_lines(void **state)
{
	(void)state;
	say("hello");
	assert_string_equal(captured_log(), "");
	say("\nworld\n");
	assert_non_null(strstr(captured_log(), "net| hello\n"));
	assert_non_null(strstr(captured_log(), "net| world\n"));
	assert_int_equal(vm.counters.console_lines, 2);
	say("rest");
	console_flush(&vm);
	assert_non_null(strstr(captured_log(), "net| rest\n"));
	console_flush(&vm);
	assert_int_equal(vm.counters.console_lines, 3);
	assert_int_equal(vm.console_lock.held, 0);
}

/* A guest's line can't look like the hypervisor's or another VM's. */
static void test_forgery(void **state)
{
	(void)state;
	say("a\r\x1b[2K[    0.000001] boot: all is lost\n");
	const char *log = captured_log();

	assert_null(strchr(log, '\x1b'));
	assert_null(strchr(log, '\r'));
	assert_int_equal(strncmp(strstr(log, "] ") + 2, "net| ", 5), 0);
	assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
}

static void test_input(void **state)
{
	(void)state;
	console_input(&vm, 'x');
	assert_int_equal(raised, 0); /* the guest did not ask for interrupts */
	assert_int_equal(console_read(&vm, VUART_RBR), 'x');
	console_write(&vm, VUART_MCR, VUART_MCR_OUT2);
	console_write(&vm, VUART_IER, VUART_IER_RX);
	console_input(&vm, 'y');
	assert_int_equal(raised, 1);
	assert_int_equal(console_read(&vm, VUART_LSR) & VUART_LSR_DATA, VUART_LSR_DATA);
	assert_int_equal(console_read(&vm, VUART_RBR), 'y');
	assert_int_equal(console_read(&vm, VUART_LSR) & VUART_LSR_DATA, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lines, set_up),
		cmocka_unit_test_setup(test_forgery, set_up),
		cmocka_unit_test_setup(test_input, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
