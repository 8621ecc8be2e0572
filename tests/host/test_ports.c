// sources: hv/vm/ports.c hv/vm/pm_timer.c
#include "tests/host/harness.h"

#include "arch/x86/clock.h"
#include "hv/vm/console.h"
#include "hv/vm/pm_timer.h"
#include "hv/vm/ports.h"
#include "hv/vm/vm.h"

static struct vm vm;
static u32 console_accesses, pci_accesses, bar_accesses, ends, last, end_code;

u8 console_read(struct vm *of, u8 reg)
{
	(void)of;
	assert_true(reg < 8);
	console_accesses++;
	last = reg;
	return (u8)(0x40 + reg);
}

void console_write(struct vm *of, u8 reg, u8 value)
{
	(void)of;
	assert_true(reg < 8);
	console_accesses++;
	last = reg << 8 | value;
}

u32 vpci_port_read(struct vm *of, u16 port, u8 width)
{
	(void)of;
	(void)width;
	assert_true(port >= 0xcf8 && port <= 0xcff);
	pci_accesses++;
	return port;
}

void vpci_port_write(struct vm *of, u16 port, u8 width, u32 value)
{
	(void)value;
	(void)vpci_port_read(of, port, width);
}

/* A guest may put an I/O BAR over anything. */
bool vpci_io_read(struct vm *of, u16 port, u8 width, u32 *value)
{
	(void)of;
	(void)width;
	bar_accesses++;
	*value = 0xba5;
	return port == 0xd000;
}

bool vpci_io_write(struct vm *of, u16 port, u8 width, u32 value)
{
	(void)value;
	return vpci_io_read(of, port, width, &(u32){0});
}

void vm_end(struct vm *of, enum vm_end_kind end, u32 code, const char *reason)
{
	assert_ptr_equal(of, &vm);
	assert_int_equal(end, VM_EXITED);
	assert_null(reason);
	ends++;
	end_code = code;
}

u32 clock_tsc_khz(void)
{
	return 1000000;
}

static int set_up(void **state)
{
	(void)state;
	console_accesses = pci_accesses = bar_accesses = ends = 0;
	vm.pci.io_size = 0x10000;
	return 0;
}

static bool is_own(u32 port)
{
	return port == 0xf4 || (port >= 0x3f8 && port <= 0x3ff) ||
	       (port >= 0x608 && port <= 0x60b) || (port >= 0xcf8 && port <= 0xcff) ||
	       port == 0xd000;
}

/* Of all 65536 ports by each width, those that are not the VM's are nothing. */
static void test_absent(void **state)
{
	static const u8 widths[] = {1, 2, 4};

	(void)state;
	for (u32 w = 0; w < 3; w++)
		for (u32 port = 0; port < 0x10000; port++)
			if (!is_own(port)) {
				assert_int_equal(ports_read(&vm, (u16)port, widths[w]), ~0u);
				ports_write(&vm, (u16)port, widths[w], 0);
			}
	assert_int_equal(console_accesses + pci_accesses + ends, 0);
}

static void test_console(void **state)
{
	(void)state;
	for (u16 port = 0x3f8; port <= 0x3ff; port++) {
		assert_int_equal(ports_read(&vm, port, 1), 0x40 + port - 0x3f8);
		ports_write(&vm, port, 1, 0x15a);
		assert_int_equal(last, (port - 0x3f8) << 8 | 0x5a);
	}
	assert_int_equal(console_accesses, 16);
	assert_int_equal(ports_read(&vm, 0x3f8, 4), ~0u);
	ports_write(&vm, 0x3f8, 2, 0x41);
	assert_int_equal(console_accesses, 16);
}

static void test_exit(void **state)
{
	(void)state;
	assert_int_equal(ports_read(&vm, 0xf4, 1), ~0u);
	assert_int_equal(ends, 0);
	ports_write(&vm, 0xf4, 1, 0x1ff);
	assert_int_equal(end_code, 0xff);
	ports_write(&vm, 0xf4, 2, 0x12345);
	assert_int_equal(end_code, 0x2345);
	ports_write(&vm, 0xf4, 4, 0xdeadbeef);
	assert_int_equal(end_code, 0xdeadbeef);
}

static void test_buses(void **state)
{
	(void)state;
	assert_int_equal(ports_read(&vm, 0xcfe, 2), 0xcfe);
	ports_write(&vm, 0xcf8, 4, 0);
	assert_int_equal(pci_accesses, 2);
	assert_int_equal(ports_read(&vm, 0xd000, 4), 0xba5);
	/* The hypervisor's own ports come before a BAR that was put over them. */
	bar_accesses = 0;
	(void)ports_read(&vm, 0x3f8, 1);
	(void)ports_read(&vm, 0xf4, 1);
	(void)ports_read(&vm, 0xcf8, 4);
	(void)ports_read(&vm, 0x608, 4);
	assert_int_equal(bar_accesses, 0);
}

static void test_pm_timer(void **state)
{
	(void)state;
	u32 first = ports_read(&vm, 0x608, 4);
	u32 second = ports_read(&vm, 0x608, 4);

	assert_true(second - first < PM_TIMER_HZ); /* it goes forwards, wrapping or not */
	assert_int_equal(ports_read(&vm, 0x608, 1), ~0u);
	ports_write(&vm, 0x608, 4, 0);
	/* 3.579545 MHz; without overflow after years. */
	assert_int_equal(pm_timer_value(1000000000, 1000000), PM_TIMER_HZ);
	assert_int_equal(pm_timer_value(500000000, 1000000), PM_TIMER_HZ / 2);
	assert_int_equal(pm_timer_value(1000000000ull * 86400 * 3650, 1000000),
			 (u32)(86400ull * 3650 * PM_TIMER_HZ));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_absent, set_up),
		cmocka_unit_test_setup(test_console, set_up),
		cmocka_unit_test_setup(test_exit, set_up),
		cmocka_unit_test_setup(test_buses, set_up),
		cmocka_unit_test_setup(test_pm_timer, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
