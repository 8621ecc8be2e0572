// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c hv/vm/route.c hv/vm/vioapic.c
// sources: drivers/pci_print.c drivers/pci_caps.c tests/host/fake_vm.c tests/host/fake_vm_functions.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
#include "tests/host/fake_vm.h"

/* BARs: sizing, moving, what they may not cover, and the accesses to their trapped parts. */

#define VM (&machine.vm)

static u64 mmio_get(u64 address, u8 width)
{
	u64 value = 0x1234;

	assert_true(vpci_mmio_read(VM, gpa(address), width, &value));
	return value;
}

static bool is_trapped(u64 address)
{
	u64 value;

	return vpci_mmio_read(VM, gpa(address), 4, &value);
}

static void sizing(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	config_set(1, 0x10, 4, ~0u);
	assert_int_equal(config_get(1, 0x10, 4), 0xfffe0000);
	assert_null(region_at(0xc0000000));
	assert_null(region_at(0xfffe0000));
	config_set(1, 0x10, 4, 0xc0000000);
	assert_non_null(region_at(0xc0000000));
	config_set(1, 0x14, 4, ~0u);
	assert_int_equal(config_get(1, 0x14, 4), 0xffc1);
	/* One that isn't there. */
	config_set(1, 0x18, 4, ~0u);
	assert_int_equal(config_get(1, 0x18, 4), 0);

	config_set(2, 0x10, 4, ~0u);
	assert_int_equal(config_get(2, 0x10, 4), 0xffffc00c);
	config_set(2, 0x14, 4, ~0u);
	assert_int_equal(config_get(2, 0x14, 4), 0xffffffff);
	/* Nothing of all that was worth a line. */
	assert_null(strstr(captured_log(), "can't be"));
	/* The physical registers saw none of it. */
	assert_int_equal(fake_pci_get(&fake_pci[FAKE_E1000], 0x10, 4), FAKE_REGISTERS);
}

static void mapping_follows(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, 0x10, 4, 0xd0000000);
	assert_null(region_at(0xc0000000));
	assert_int_equal(region_at(0xd001ffff)->host.v, FAKE_REGISTERS);
	assert_null(region_at(0xd0020000));
	config_set(1, PCI_COMMAND, 1, PCI_COMMAND_IO);
	assert_null(region_at(0xd0000000));
	config_set(1, 0x10, 4, 0xd0100000);
	assert_null(region_at(0xd0100000));
	config_set(1, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	assert_non_null(region_at(0xd0100000));
	assert_int_equal(VM->region_count, 2);
}

/* By the byte, as nobody does it. */
static void partial_writes(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, 0x13, 1, 0xd1);
	assert_int_equal(config_get(1, 0x10, 4), 0xd1000000);
	config_set(1, 0x11, 2, 0x2240);
	assert_int_equal(config_get(1, 0x10, 4), 0xd1220000);
	config_set(1, 0x10, 1, 0xff);
	assert_int_equal(config_get(1, 0x10, 4), 0xd1220000);
	assert_non_null(region_at(0xd1220000));
}

static void wide_bar_by_halves(void **state)
{
	(void)state;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	config_set(1, 0x14, 4, 0x20);
	assert_int_equal(region_at(0x20c0000000)->host.v, FAKE_REGISTERS + 0x50000);
	config_set(1, 0x10, 4, 0xd0000000);
	assert_null(region_at(0x20c0000000));
	assert_non_null(region_at(0x20d0000000));
	assert_int_equal(config_get(1, 0x10, 4), 0xd000000c);
	/* A place that no address has. */
	config_set(1, 0x14, 4, 0x7fffffff);
	assert_int_equal(VM->region_count, 1);
	assert_false(is_trapped(0x20d0002000));
	config_set(1, 0x14, 4, 0xfffffffe);
	assert_int_equal(VM->region_count, 1);
	config_set(1, 0x14, 4, 0);
	assert_non_null(region_at(0xd0000000));
}

static void not_over_ram(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	captured_log_clear();
	for (unsigned n = 0; n < 100; n++)
		config_set(1, 0x10, 4, n % 2 ? 0x00100000 : FAKE_RAM - 0x20000);
	assert_int_equal(VM->region_count, 1);
	assert_int_equal(region_at(0x00100000)->host.v, GIB(1));
	assert_int_equal(VM->end, VM_RUNNING);
	/* Told, but not a hundred times. */
	assert_non_null(strstr(captured_log(), "can't be at 0xffe0000: the VM's memory"));
	assert_true(strlen(captured_log()) < 1500);
	config_set(1, 0x10, 4, FAKE_RAM);
	assert_non_null(region_at(FAKE_RAM));
}

/* A BAR of 64 bits over the RAM beyond 4 GiB, by each of its halves, and at the last place before it. */
static void not_over_high_ram(void **state)
{
	(void)state;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	VM->region[VM->region_count++] = (struct vm_region){
		.start = gpa(GIB(4)), .size = MIB(64), .host = hpa(GIB(8)), .ram = true};
	config_set(1, 0x10, 4, 0);
	for (u32 at = 0; at < MIB(64); at += MIB(16)) {
		config_set(1, 0x14, 4, 1);
		config_set(1, 0x10, 4, at);
		assert_int_equal(region_at(GIB(4) + at)->host.v, GIB(8));
		assert_false(is_trapped(GIB(4) + at + 0x2000));
		config_set(1, 0x14, 4, 0);
	}
	assert_non_null(strstr(captured_log(), "can't be at 0x100000000: the VM's memory"));
	config_set(1, 0x14, 4, 1);
	config_set(1, 0x10, 4, MIB(64));
	assert_int_equal(region_at(GIB(4) + MIB(64))->host.v, FAKE_REGISTERS + 0x50000);
	assert_int_equal(region_at(GIB(4) + MIB(64) - 1)->host.v, GIB(8));
}

/* What stays refused is told once, though it is tried again at each change. */
static void refusal_is_told_once(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, 0x10, 4, 0x00100000);
	captured_log_clear();
	config_set(1, PCI_COMMAND, 2, 0x0003);
	config_set(1, PCI_COMMAND, 2, 0x0007);
	assert_string_equal(captured_log(), "");
}

static void not_over_the_apics(void **state)
{
	static const u32 place[] = {0xfec00000, 0xfee00000, 0xfeee0000, 0xfed80000};

	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	for (unsigned n = 0; n < ARRAY_SIZE(place); n++) {
		config_set(1, 0x10, 4, place[n]);
		assert_int_equal(VM->region_count, 1);
	}
	config_set(1, 0x10, 4, 0xfebe0000);
	assert_int_equal(VM->region_count, 2);
	config_set(1, 0x10, 4, 0xfef00000);
	assert_int_equal(VM->region_count, 2);
}

/* The first to come stays; the second gets the place once it is free. */
static void not_over_another(void **state)
{
	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	fake_vm_add(FAKE_E1000E, 4);
	fake_vm_add(FAKE_SMALL, VPCI_NO_PIN);
	config_set(2, 0x10, 4, 0xc0000000);
	assert_int_equal(region_at(0xc0000000)->host.v, FAKE_REGISTERS);
	/* A small one, which is in no region, over both kinds and under them. */
	config_set(3, 0x10, 4, 0xc0000100);
	assert_false(is_trapped(0xc0000100));
	config_set(3, 0x10, 4, 0xd0001000);
	assert_true(is_trapped(0xd0001000));
	config_set(1, 0x10, 4, 0xd0000000);
	assert_null(region_at(0xd0000000));
	assert_int_equal(region_at(0xc0000000)->host.v, FAKE_REGISTERS + 0x20000);
	config_set(3, 0x10, 4, 0xd8000000);
	assert_int_equal(region_at(0xd0000000)->host.v, FAKE_REGISTERS);
}

/* Over the trapped MSI-X page of another device, which is in no region. */
static void not_over_an_msix_table(void **state)
{
	(void)state;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	fake_vm_add(FAKE_E1000, 3);
	config_set(1, 0x10, 4, 0xd0000000);
	config_set(2, 0x10, 4, 0xd0000000);
	assert_int_equal(region_at(0xd0000000)->host.v, FAKE_REGISTERS + 0x50000);
	assert_null(region_at(0xd0002000));
	assert_true(is_trapped(0xd0002000));
}

static void failed_mapping_leaves_nothing(void **state)
{
	(void)state;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	machine.refuse_map = 2;
	config_set(1, 0x10, 4, 0xd0000000);
	assert_int_equal(VM->region_count, 1);
	assert_false(is_trapped(0xd0002000));
	assert_int_equal(VM->end, VM_RUNNING);
	config_set(1, 0x10, 4, 0xd0010000);
	assert_int_equal(VM->region_count, 3);
}

/* Pages beside the table are direct, its own are not; the table has 200 entries whatever is shown. */
static void table_pages_are_trapped(void **state)
{
	(void)state;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	assert_int_equal(region_at(0xc0001fff)->host.v, FAKE_REGISTERS + 0x50000);
	assert_null(region_at(0xc0002000));
	assert_null(region_at(0xc0002fff));
	assert_int_equal(region_at(0xc0003000)->host.v, FAKE_REGISTERS + 0x53000);
	assert_false(is_trapped(0xc0001ffc));
	assert_false(is_trapped(0xc0003000));
	assert_true(is_trapped(0xc0002ffc));
	config_set(1, PCI_COMMAND, 2, 0);
	assert_false(is_trapped(0xc0002ffc));
}

/* Registers that share the table's page are forwarded; pending bits only for reading. */
static void neighbours_of_a_table_are_forwarded(void **state)
{
	u8 *page = machine.registers + 0x52000;

	(void)state;
	fake_vm_add(FAKE_NVME, VPCI_NO_PIN);
	memcpy(page + 0xd00, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	assert_int_equal(mmio_get(0xc0002d00, 8), 0x8877665544332211);
	assert_int_equal(mmio_get(0xc0002d02, 2), 0x4433);
	assert_true(vpci_mmio_write(VM, gpa(0xc0002d00), 4, 0));
	assert_int_equal(page[0xd00], 0x11);
	assert_true(vpci_mmio_write(VM, gpa(0xc0002e04), 4, 0xdeadbeef));
	assert_int_equal(register_get(FAKE_REGISTERS + 0x52e04), 0xdeadbeef);
	assert_true(vpci_mmio_write(VM, gpa(0xc0002e01), 1, 0x77));
	assert_int_equal(mmio_get(0xc0002e00, 4), 0x7700);
	/* Not aligned, or over the page's end: all ones, and nothing happens. */
	assert_int_equal(mmio_get(0xc0002e02, 4), 0xffffffff);
	assert_true(vpci_mmio_write(VM, gpa(0xc0002ffe), 4, 0xffffffff));
	assert_int_equal(mmio_get(0xc0002ffe, 4), 0xffffffff);
	assert_int_equal(register_get(FAKE_REGISTERS + 0x52ffc), 0);
}

static void small_bars_are_forwarded_in_bounds(void **state)
{
	u64 value;

	(void)state;
	fake_vm_add(FAKE_SMALL, VPCI_NO_PIN);
	memset(machine.registers + 0x60000, 0xee, 0x1000);
	memset(machine.registers + 0x60020, 0x5a, 0x10);
	config_set(1, 0x24, 4, 0xd0000ff0);
	assert_int_equal(mmio_get(0xd0000ff0, 8), 0x5a5a5a5a5a5a5a5a);
	assert_int_equal(mmio_get(0xd0000fff, 1), 0x5a);
	assert_false(vpci_mmio_read(VM, gpa(0xd0000fef), 1, &value));
	assert_false(vpci_mmio_read(VM, gpa(0xd0001000), 1, &value));
	assert_int_equal(mmio_get(0xd0000ffe, 4), 0xffffffff);
	assert_true(vpci_mmio_write(VM, gpa(0xd0000ffc), 4, 0x01020304));
	assert_int_equal(register_get(FAKE_REGISTERS + 0x6002c), 0x01020304);
	assert_int_equal(register_get(FAKE_REGISTERS + 0x60030), 0xeeeeeeee);
}

/* --- I/O BARs ----------------------------------------------------------------------------------- */

static u16 last_port;
static u8 last_width;
static u32 last_value;

static u32 port_in(u16 port, u8 width)
{
	last_port = port;
	last_width = width;
	return 0x5a;
}

static void port_out(u16 port, u8 width, u32 value)
{
	last_port = port;
	last_width = width;
	last_value = value;
}

static void io_bar_is_forwarded_in_bounds(void **state)
{
	u32 value;

	(void)state;
	fake_vm_add(FAKE_E1000, 3);
	fake_regs.port_in = port_in;
	fake_regs.port_out = port_out;
	assert_true(vpci_io_read(VM, 0xc004, 4, &value));
	assert_int_equal(value, 0x5a);
	assert_int_equal(last_port, 0xd004);
	config_set(1, 0x14, 4, 0x2001);
	assert_false(vpci_io_read(VM, 0xc004, 4, &value));
	assert_true(vpci_io_write(VM, 0x203e, 2, 0xabcd));
	assert_int_equal(last_port, 0xd03e);
	assert_int_equal(last_width, 2);
	assert_int_equal(last_value, 0xabcd);
	/* Over the end: another device's ports are there. */
	last_port = 0;
	assert_true(vpci_io_write(VM, 0x203e, 4, 0));
	assert_true(vpci_io_read(VM, 0x203f, 2, &value));
	assert_int_equal(value, 0xffff);
	assert_int_equal(last_port, 0);
	assert_false(vpci_io_read(VM, 0x2040, 1, &value));
	config_set(1, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	assert_false(vpci_io_read(VM, 0x2000, 1, &value));
}

#define TEST(name) cmocka_unit_test_setup(name, fake_vm_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizing),
		TEST(mapping_follows),
		TEST(partial_writes),
		TEST(wide_bar_by_halves),
		TEST(not_over_ram),
		TEST(not_over_high_ram),
		TEST(refusal_is_told_once),
		TEST(not_over_the_apics),
		TEST(not_over_another),
		TEST(not_over_an_msix_table),
		TEST(failed_mapping_leaves_nothing),
		TEST(table_pages_are_trapped),
		TEST(neighbours_of_a_table_are_forwarded),
		TEST(small_bars_are_forwarded_in_bounds),
		TEST(io_bar_is_forwarded_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
