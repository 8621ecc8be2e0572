// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c tests/host/fake_pci.c
#include "tests/host/fake_pci.h"

static struct pci_function function[8];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

/* One endpoint at 00:03.0, to be furnished. */
static struct fake_function *endpoint(void)
{
	fake_pci_clear();
	return fake_pci_add(SBDF(0, 0, 3, 0), 0x808610d3, 0x020000);
}

/* Scans and checks that the function is as it was before, all bytes of it. */
static const struct pci_function *scan(const struct fake_function *fake)
{
	struct fake_function before = *fake;

	pci_scan(&topology, &ecam, 1);
	assert_memory_equal(before.space, fake->space, sizeof(before.space));
	assert_int_equal(topology.count, fake_pci_count);
	return &function[fake - fake_pci];
}

static void check_bar(const struct pci_function *f, u8 index, enum pci_bar_kind kind, u64 address,
		      u64 size)
{
	assert_int_equal(f->bar[index].kind, kind);
	assert_int_equal(f->bar[index].address, address);
	assert_int_equal(f->bar[index].size, size);
}

static void all_kinds_of_bars_are_sized(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_bar(fake, 0, 0xfebc0000, 0xfffe0000);
	fake_pci_bar(fake, 1, 0x0000c041, 0xffffffc0);
	fake_pci_bar(fake, 2, 0x0000000c, 0xffff0000);
	fake_pci_bar(fake, 3, 0x00000008, 0xffffffff);
	fake_pci_bar(fake, 5, 0xfebff008, 0xfffffff0);
	fake_pci_bar(fake, 8, 0xfeb00001, 0xffff0001); /* the ROM's register, enabled */

	const struct pci_function *f = scan(fake);

	assert_int_equal(f->bar_count, 6);
	check_bar(f, 0, PCI_BAR_MEM32, 0xfebc0000, KIB(128));
	assert_false(f->bar[0].prefetchable);
	check_bar(f, 1, PCI_BAR_IO, 0xc040, 64);
	check_bar(f, 2, PCI_BAR_MEM64, 0x800000000, KIB(64));
	assert_true(f->bar[2].prefetchable);
	check_bar(f, 3, PCI_BAR_NONE, 0, 0);
	check_bar(f, 4, PCI_BAR_NONE, 0, 0);
	check_bar(f, 5, PCI_BAR_MEM32, 0xfebff000, 16);
	assert_int_equal(f->rom_size, KIB(64));
}

static void io_decoders_of_16_bits_are_sized(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_bar(fake, 0, 0x0000c001, 0x0000ff00);
	check_bar(scan(fake), 0, PCI_BAR_IO, 0xc000, 256);
}

static void bars_of_4_gib_and_more_are_sized(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_bar(fake, 0, 0x00000004, 0);
	fake_pci_bar(fake, 1, 0x00000020, 0xfffffff8);
	check_bar(scan(fake), 0, PCI_BAR_MEM64, 0x2000000000, GIB(32));
}

static void a_64_bit_bar_without_upper_half_is_none(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_bar(fake, 5, 0xfebc0004, 0xffff0000);
	check_bar(scan(fake), 5, PCI_BAR_NONE, 0, 0);
}

/* Bit 2 alone does not make it a 64-bit BAR: type 6 is reserved, and the next register a BAR of its own. */
static void a_bar_of_reserved_type_takes_one_register(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_bar(fake, 0, 0xfebc0006, 0xffff0000);
	fake_pci_bar(fake, 1, 0xfebd0000, 0xffff0000);
	fake_pci_bar(fake, 5, 0xfebe0006, 0xffff0000);
	check_bar(scan(fake), 0, PCI_BAR_MEM32, 0xfebc0000, KIB(64));
	check_bar(scan(fake), 1, PCI_BAR_MEM32, 0xfebd0000, KIB(64));
	check_bar(scan(fake), 5, PCI_BAR_MEM32, 0xfebe0000, KIB(64));
}

static void bridges_have_two_bars_and_keep_their_windows(void **state)
{
	struct fake_function *fake;

	(void)state;
	fake_pci_clear();
	fake = fake_pci_add_bridge(SBDF(0, 0, 3, 0), 1, 1, PCI_PCIE_ROOT_PORT);
	fake_pci_bar(fake, 0, 0xfebc0000, 0xfffff000);
	fake_pci_bar(fake, 1, 0xfebd0000, 0xfffff000);
	memset(fake->writable + PCI_PRIMARY_BUS, 0xff, 0x20);
	fake_pci_put(fake, 0x20, 4, 0xfdf0fdf0); /* memory window, where BAR 4 would be */
	fake_pci_put(fake, PCI_BRIDGE_ROM, 4, 0);

	const struct pci_function *f = scan(fake);

	assert_int_equal(f->bar_count, 2);
	check_bar(f, 1, PCI_BAR_MEM32, 0xfebd0000, KIB(4));
	check_bar(f, 2, PCI_BAR_NONE, 0, 0);
}

static void host_bridges_are_not_probed(void **state)
{
	struct fake_function *fake;

	(void)state;
	fake_pci_clear();
	fake = fake_pci_add(SBDF(0, 0, 0, 0), 0x808629c0, 0x060000);
	fake_pci_bar(fake, 0, 0xfed00000, 0xfffff000);
	assert_int_equal(scan(fake)->bar_count, 0);
}

static void capabilities_are_listed_in_order(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_cap(fake, PCI_CAP_PM, 0xc8);
	fake_pci_cap(fake, PCI_CAP_MSI, 0xd0);
	fake_pci_cap(fake, PCI_CAP_PCIE, 0xe0);
	fake_pci_put(fake, 0xe2, 2, PCI_PCIE_RC_ENDPOINT << 4 | 1);
	fake_pci_put(fake, 0xd2, 2, PCI_MSI_64 | PCI_MSI_MASKABLE | 3 << 1);
	fake_pci_put(fake, 0x100, 4, 0x14020001);
	fake_pci_put(fake, 0x140, 4, 0x00010003);

	const struct pci_function *f = scan(fake);

	assert_int_equal(f->cap_count, 5);
	assert_int_equal(f->cap[0].id, PCI_CAP_PM);
	assert_int_equal(f->cap[0].offset, 0xc8);
	assert_int_equal(f->pcie_type, PCI_PCIE_RC_ENDPOINT);
	assert_int_equal(pci_cap_find(f, PCI_CAP_PCIE, false), 0xe0);
	assert_int_equal(pci_cap_find(f, 1, true), 0x100);
	assert_int_equal(pci_cap_find(f, 3, true), 0x140);
	assert_int_equal(pci_cap_find(f, 3, false), 0);
	assert_int_equal(pci_cap_find(f, PCI_CAP_MSIX, false), 0);
	assert_int_equal(f->msi, 0xd0);
	assert_int_equal(f->msi_vectors, 8);
	assert_true(f->msi_64);
	assert_true(f->msi_maskable);
	assert_int_equal(f->msix, 0);
	assert_true(f->ecam);
}

static void there_is_no_list_without_the_status_bit(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_cap(fake, PCI_CAP_PM, 0xc8);
	fake->space[PCI_STATUS] &= (u8)~PCI_STATUS_CAP_LIST;
	assert_int_equal(scan(fake)->cap_count, 0);
}

static void extended_lists_belong_to_express_functions(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_put(fake, 0x100, 4, 0x00010001);
	assert_int_equal(scan(fake)->cap_count, 0);

	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	assert_int_equal(scan(fake)->cap_count, 2);
	/* Through the ports there is nothing at 0x100. */
	pci_scan(&topology, NULL, 0);
	assert_int_equal(function[0].cap_count, 1);

	fake->conventional = true;
	assert_int_equal(scan(fake)->cap_count, 1);
}

static void looping_lists_end(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	fake_pci_cap(fake, PCI_CAP_PM, 0x80);
	fake->space[0x81] = 0x40;
	fake_pci_put(fake, 0x100, 4, 0x20010001);
	fake_pci_put(fake, 0x200, 4, 0x10010002);
	assert_int_equal(scan(fake)->cap_count, 4);

	fake->space[0x41] = 0x40;
	fake_pci_put(fake, 0x100, 4, 0x10010001);
	assert_int_equal(scan(fake)->cap_count, 2);
}

static void lists_that_point_astray_end(void **state)
{
	static const u8 pointer[] = {0x00, 0x03, 0x3c, 0x3f};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pointer); i++) {
		struct fake_function *fake = endpoint();

		fake_pci_express(fake, PCI_PCIE_ENDPOINT);
		fake->space[0x41] = pointer[i];
		fake_pci_put(fake, 0x100, 4, 0x0ff10001);
		assert_int_equal(scan(fake)->cap_count, 2);
		fake->space[PCI_CAP_POINTER] = pointer[i];
		assert_int_equal(scan(fake)->cap_count, 0);
	}

	struct fake_function *fake = endpoint();

	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	fake->space[0x41] = 0x83; /* the lower bits don't count */
	fake->space[0x80] = PCI_CAP_PM;
	assert_int_equal(scan(fake)->cap[1].offset, 0x80);
	fake_pci_put(fake, 0x80, 2, 0xffff);
	assert_int_equal(scan(fake)->cap_count, 1);
}

static void a_list_longer_than_the_table_is_cut(void **state)
{
	struct fake_function *fake = endpoint();

	(void)state;
	for (u32 offset = 0x40; offset < 0x100; offset += 4)
		fake_pci_cap(fake, 9, (u8)offset);
	assert_int_equal(scan(fake)->cap_count, PCI_MAX_CAPS);
}

static void any_list_whatsoever_ends(void **state)
{
	u32 seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct fake_function *fake = endpoint();

		for (u32 at = PCI_CAP_POINTER; at < 4096; at++) {
			seed = seed * 1664525 + 1013904223;
			fake->space[at] = (u8)(seed >> 24);
		}
		fake->space[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		assert_true(scan(fake)->cap_count <= PCI_MAX_CAPS);
	}
}

static struct fake_function *endpoint_with_msix(u32 bar, u32 vectors, u32 table, u32 pba)
{
	struct fake_function *fake = endpoint();

	fake_pci_bar(fake, 3, bar, 0xffffc000);
	fake_pci_cap(fake, PCI_CAP_MSIX, 0xa0);
	fake_pci_put(fake, 0xa0 + PCI_MSIX_CONTROL, 2, vectors - 1);
	fake_pci_put(fake, 0xa0 + PCI_MSIX_TABLE, 4, table);
	fake_pci_put(fake, 0xa0 + PCI_MSIX_PBA, 4, pba);
	return fake;
}

static void msix_is_decoded(void **state)
{
	const struct pci_function *f = scan(endpoint_with_msix(0xfebc0000, 5, 0x3, 0x2003));

	(void)state;
	assert_int_equal(f->msix, 0xa0);
	assert_int_equal(f->msix_vectors, 5);
	assert_int_equal(f->msix_table_bar, 3);
	assert_int_equal(f->msix_table_offset, 0);
	assert_int_equal(f->msix_pba_bar, 3);
	assert_int_equal(f->msix_pba_offset, 0x2000);
}

static void msix_outside_a_memory_bar_is_none(void **state)
{
	static const struct {
		u32 bar, vectors, table, pba;
		bool good;
	} cases[] = {
		{0xfebc0000, 1024, 0x0003, 0x0003, true}, /* 16 KiB of table in 16 KiB */
		{0xfebc0000, 1025, 0x0003, 0x0003, false},
		{0xfebc0000, 1, 0x3ff3, 0x0003, true},
		{0xfebc0000, 1, 0x3ffb, 0x0003, false},
		{0xfebc0000, 1, 0x4003, 0x0003, false},
		{0xfebc0000, 1, 0xfffffffb, 0x0003, false},
		{0xfebc0000, 64, 0x0003, 0x3ffb, true},
		{0xfebc0000, 65, 0x0003, 0x3ffb, false},
		{0xfebc0000, 1, 0x0000, 0x0003, false}, /* BAR 0 isn't there */
		{0xfebc0000, 1, 0x0003, 0x0006, false}, /* nor is 6, nor 7 */
		{0xfebc0000, 1, 0x0007, 0x0003, false},
		{0x0000c001, 1, 0x0003, 0x0003, false}, /* an I/O BAR */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pci_function *f = scan(endpoint_with_msix(
			cases[i].bar, cases[i].vectors, cases[i].table, cases[i].pba));

		assert_int_equal(f->msix != 0, cases[i].good);
		assert_int_equal(f->msix_vectors != 0, cases[i].good);
	}
}

static void msi_must_fit_and_has_at_most_32_vectors(void **state)
{
	static const struct {
		u8 offset;
		u16 control;
		u8 vectors;
	} cases[] = {
		{0xf4, 0, 1},	       {0xf8, 0, 0},	 {0xf0, PCI_MSI_64, 1},
		{0xf4, PCI_MSI_64, 0}, {0xe8, 0x180, 1}, {0xec, 0x180, 0},
		{0x50, 0xa, 32},       {0x50, 0xc, 32},	 {0x50, 0xe, 32},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake_function *fake = endpoint();

		fake_pci_cap(fake, PCI_CAP_MSI, cases[i].offset);
		fake_pci_put(fake, cases[i].offset + PCI_MSI_CONTROL, 2, cases[i].control);

		const struct pci_function *f = scan(fake);

		assert_int_equal(f->msi_vectors, cases[i].vectors);
		assert_int_equal(f->msi, cases[i].vectors ? cases[i].offset : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_of_bars_are_sized),
		cmocka_unit_test(io_decoders_of_16_bits_are_sized),
		cmocka_unit_test(bars_of_4_gib_and_more_are_sized),
		cmocka_unit_test(a_64_bit_bar_without_upper_half_is_none),
		cmocka_unit_test(a_bar_of_reserved_type_takes_one_register),
		cmocka_unit_test(bridges_have_two_bars_and_keep_their_windows),
		cmocka_unit_test(host_bridges_are_not_probed),
		cmocka_unit_test(capabilities_are_listed_in_order),
		cmocka_unit_test(there_is_no_list_without_the_status_bit),
		cmocka_unit_test(extended_lists_belong_to_express_functions),
		cmocka_unit_test(looping_lists_end),
		cmocka_unit_test(lists_that_point_astray_end),
		cmocka_unit_test(a_list_longer_than_the_table_is_cut),
		cmocka_unit_test(any_list_whatsoever_ends),
		cmocka_unit_test(msix_is_decoded),
		cmocka_unit_test(msix_outside_a_memory_bar_is_none),
		cmocka_unit_test(msi_must_fit_and_has_at_most_32_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
