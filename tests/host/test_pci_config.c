// sources: drivers/pci_config.c tests/host/fake_regs.c
#include "tests/host/fake_regs.h"

#include "drivers/pci.h"

/* The last access that arrived, and what was mapped. */
static struct {
	u64 address;
	u64 value;
	u8 width;
	u32 mmio_accesses;
	u32 port_accesses;
	u32 selected; /* what port 0xcf8 holds */
	u16 port;
	u64 mapped[64];
	u64 mapped_size[64];
	u32 mapped_count;
} seen;

static u64 read_mmio(u64 address, u8 width)
{
	seen.mmio_accesses++;
	seen.address = address;
	seen.width = width;
	return 0x8877665544332211;
}

static void write_mmio(u64 address, u8 width, u64 value)
{
	seen.mmio_accesses++;
	seen.address = address;
	seen.width = width;
	seen.value = value;
}

static u32 read_port(u16 port, u8 width)
{
	seen.port_accesses++;
	seen.port = port;
	seen.width = width;
	return 0x44332211;
}

static void write_port(u16 port, u8 width, u32 value)
{
	if (port == 0xcf8) {
		assert_int_equal(width, 4);
		seen.selected = value;
		return;
	}
	seen.port_accesses++;
	seen.port = port;
	seen.width = width;
	seen.value = value;
}

static enum status map(u64 address, u64 size)
{
	if (address == 0xbad00000)
		return ERR_EXISTS;
	seen.mapped[seen.mapped_count] = address;
	seen.mapped_size[seen.mapped_count++] = size;
	return OK;
}

static int set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	fake_regs = (struct fake_regs){map, read_mmio, write_mmio, read_port, write_port};
	return pci_config_init(NULL, 0);
}

static const struct pci_ecam q35 = {.base = {0xb0000000}, .last_bus = 255};

static void ports_serve_segment_0(void **state)
{
	(void)state;
	assert_int_equal(pci_read(SBDF(0, 0x12, 0x1f, 7), 0x3d, 1), 0x11);
	assert_int_equal(seen.selected, 0x8012ff3c);
	assert_int_equal(seen.port, 0xcfd);
	assert_int_equal(seen.width, 1);
	assert_int_equal(pci_read(SBDF(0, 0, 2, 0), 0x06, 2), 0x2211);
	assert_int_equal(seen.selected, 0x80001004);
	assert_int_equal(seen.port, 0xcfe);
	assert_int_equal(seen.width, 2);
	assert_int_equal(pci_read(SBDF(0, 0, 0, 0), 0xfc, 4), 0x44332211);
	assert_int_equal(seen.selected, 0x800000fc);
	assert_int_equal(seen.port, 0xcfc);

	pci_write(SBDF(0, 1, 0, 1), 0x0d, 1, 0xabcd);
	assert_int_equal(seen.selected, 0x8001010c);
	assert_int_equal(seen.port, 0xcfd);
	assert_int_equal(seen.value, 0xcd);
	pci_write(SBDF(0, 1, 0, 1), 0x04, 2, 0x12345678);
	assert_int_equal(seen.width, 2);
	assert_int_equal(seen.value, 0x5678);
	pci_write(SBDF(0, 1, 0, 1), 0x10, 4, 0x12345678);
	assert_int_equal(seen.width, 4);
	assert_int_equal(seen.value, 0x12345678);
	assert_int_equal(seen.port_accesses, 6);
	assert_int_equal(seen.mmio_accesses, 0);
}

static void ecam_has_all_4096_bytes(void **state)
{
	(void)state;
	assert_int_equal(pci_config_init(&q35, 1), OK);
	assert_int_equal(seen.mapped_count, 1);
	assert_int_equal(seen.mapped[0], 0xb0000000);
	assert_int_equal(seen.mapped_size[0], MIB(256));

	assert_int_equal(pci_read(SBDF(0, 0x12, 0x1f, 7), 0xffc, 4), 0x44332211);
	assert_int_equal(seen.address, 0xb12ffffc);
	assert_int_equal(pci_read(SBDF(0, 0xff, 0x1f, 7), 0xfff, 1), 0x11);
	assert_int_equal(seen.address, 0xbfffffff);
	assert_int_equal(pci_read(SBDF(0, 0, 1, 0), 2, 2), 0x2211);
	assert_int_equal(seen.address, 0xb0008002);
	assert_int_equal(seen.width, 2);
	pci_write(SBDF(0, 0, 1, 0), 0x104, 4, 0xdeadbeef);
	assert_int_equal(seen.address, 0xb0008104);
	assert_int_equal(seen.value, 0xdeadbeef);
	pci_write(SBDF(0, 0, 1, 0), 0x104, 2, 0xdeadbeef);
	assert_int_equal(seen.value, 0xbeef);
	pci_write(SBDF(0, 0, 1, 0), 0x105, 1, 0xdeadbeef);
	assert_int_equal(seen.value, 0xef);
	assert_int_equal(seen.port_accesses, 0);
}

static void windows_start_at_their_first_bus(void **state)
{
	static const struct pci_ecam ecam[] = {
		{.base = {0x4000000000}, .segment = 1, .first_bus = 0x10, .last_bus = 0x1f},
		{.base = {0xb0000000}, .segment = 0, .first_bus = 0, .last_bus = 0x3f},
	};

	(void)state;
	assert_int_equal(pci_config_init(ecam, 2), OK);
	assert_int_equal(seen.mapped[0], 0x4001000000);
	assert_int_equal(seen.mapped_size[0], MIB(16));
	assert_int_equal(seen.mapped_size[1], MIB(64));

	(void)pci_read(SBDF(1, 0x10, 0, 0), 0, 4);
	assert_int_equal(seen.address, 0x4001000000);
	(void)pci_read(SBDF(1, 0x1f, 1, 0), 4, 4);
	assert_int_equal(seen.address, 0x4001f08004);
	assert_int_equal(seen.mmio_accesses, 2);
	/* Outside the windows: nothing in segment 1, the ports in segment 0. */
	assert_int_equal(pci_read(SBDF(1, 0x0f, 0, 0), 0, 4), 0xffffffff);
	assert_int_equal(pci_read(SBDF(1, 0x20, 0, 0), 0, 2), 0xffff);
	assert_int_equal(pci_read(SBDF(2, 0x10, 0, 0), 0, 1), 0xff);
	pci_write(SBDF(1, 0x20, 0, 0), 0, 4, 1);
	assert_int_equal(seen.mmio_accesses, 2);
	assert_int_equal(seen.port_accesses, 0);
	(void)pci_read(SBDF(0, 0x40, 0, 0), 0, 4);
	assert_int_equal(seen.selected, 0x80400000);
	assert_int_equal(seen.port_accesses, 1);
}

static void wrong_accesses_reach_nothing(void **state)
{
	static const struct {
		u16 offset;
		u8 width;
	} cases[] = {{256, 4}, {0xfff, 1}, {1, 2}, {3, 2}, {2, 4}, {0, 3}, {0, 8}, {0, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)pci_read(SBDF(0, 0, 0, 0), cases[i].offset, cases[i].width);
		pci_write(SBDF(0, 0, 0, 0), cases[i].offset, cases[i].width, 0);
	}
	assert_int_equal(pci_read(SBDF(0, 0, 0, 0), 256, 4), 0xffffffff);
	assert_int_equal(pci_read(SBDF(0, 0, 0, 0), 256, 1), 0xff);
	assert_int_equal(seen.port_accesses, 0);

	assert_int_equal(pci_config_init(&q35, 1), OK);
	assert_int_equal(pci_read(SBDF(0, 0, 0, 0), 0x1000, 4), 0xffffffff);
	assert_int_equal(pci_read(SBDF(0, 0, 0, 0), 0x101, 2), 0xffff);
	pci_write(SBDF(0, 0, 0, 0), 0x1000, 4, 0);
	assert_int_equal(seen.mmio_accesses, 0);
}

static void wrong_windows_are_left_out(void **state)
{
	static const struct pci_ecam ecam[] = {
		{.base = {0xbad00000}, .segment = 5, .last_bus = 1},
		{.base = {0xc0000000}, .segment = 6, .first_bus = 2, .last_bus = 1},
		{.base = {~0ull - MIB(255)}, .segment = 7, .last_bus = 255},
		{.base = {0xc0001000}, .segment = 8, .last_bus = 1},
		{.base = {0xb0000000}, .segment = 9, .last_bus = 1},
	};

	(void)state;
	assert_int_equal(pci_config_init(ecam, ARRAY_SIZE(ecam)), ERR_EXISTS);
	assert_int_equal(seen.mapped_count, 1);
	for (u16 segment = 5; segment < 9; segment++)
		assert_int_equal(pci_read(SBDF(segment, 0, 0, 0), 0, 4), 0xffffffff);
	assert_int_equal(seen.mmio_accesses, 0);
	(void)pci_read(SBDF(9, 0, 0, 0), 0, 4);
	assert_int_equal(seen.address, 0xb0000000);
}

static void too_many_windows_are_an_error(void **state)
{
	struct pci_ecam ecam[PCI_MAX_ECAM + 1];

	(void)state;
	for (u16 i = 0; i <= PCI_MAX_ECAM; i++)
		ecam[i] = (struct pci_ecam){hpa(0xb0000000), i, 0, 0};
	assert_int_equal(pci_config_init(ecam, PCI_MAX_ECAM), OK);
	assert_int_equal(pci_config_init(ecam, PCI_MAX_ECAM + 1), ERR_NO_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ports_serve_segment_0, set_up),
		cmocka_unit_test_setup(ecam_has_all_4096_bytes, set_up),
		cmocka_unit_test_setup(windows_start_at_their_first_bus, set_up),
		cmocka_unit_test_setup(wrong_accesses_reach_nothing, set_up),
		cmocka_unit_test_setup(wrong_windows_are_left_out, set_up),
		cmocka_unit_test_setup(too_many_windows_are_an_error, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
