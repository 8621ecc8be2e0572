// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_alias.c
// sources: drivers/pci_print.c tests/host/fake_pci.c
#include "tests/host/fake_pci.h"

static struct pci_function function[64];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};

#define HOST_BRIDGE 0x060000
#define ETHERNET    0x020000
#define NIC	    0x808610d3u

static void add_nic(u8 bus, u8 device, u8 number)
{
	fake_pci_add(SBDF(0, bus, device, number), NIC, ETHERNET);
}

/* Index in the topology of what must be there. */
static u16 index_of(u8 bus, u8 device, u8 number)
{
	const struct pci_function *found = pci_find(&topology, SBDF(0, bus, device, number));

	assert_non_null(found);
	return (u16)(found - function);
}

static u16 parent_of(u8 bus, u8 device, u8 number)
{
	return function[index_of(bus, device, number)].parent;
}

static void check_requester(u8 bus, u8 device, u16 bdf)
{
	struct sbdf id = pci_requester_id(&topology, &function[index_of(bus, device, 0)]);

	assert_int_equal(id.segment, 0);
	assert_int_equal(id.bdf, bdf);
}

static void an_empty_machine_has_nothing(void **state)
{
	(void)state;
	fake_pci_clear();
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 0);
	assert_int_equal(topology.dropped, 0);
	assert_null(pci_find(&topology, SBDF(0, 0, 0, 0)));
	/* A look at each device of 256 buses, and no more. */
	assert_int_equal(fake_pci_accesses, 256 * 32);
}

static void header_fields_are_read(void **state)
{
	struct fake_function *nic;

	(void)state;
	fake_pci_clear();
	fake_pci_add(SBDF(0, 0, 0, 0), 0x808629c0, HOST_BRIDGE);
	nic = fake_pci_add(SBDF(0, 0, 3, 0), 0x8086100e, 0x020001);
	fake_pci_put(nic, PCI_REVISION, 1, 3);
	fake_pci_put(nic, PCI_INTERRUPT_PIN, 1, 2);
	fake_pci_put(nic, PCI_INTERRUPT_LINE, 1, 11);
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 2);

	const struct pci_function *f = pci_find(&topology, SBDF(0, 0, 3, 0));

	assert_non_null(f);
	assert_int_equal(f->vendor_id, 0x8086);
	assert_int_equal(f->device_id, 0x100e);
	assert_int_equal(f->class_code, 0x020001);
	assert_int_equal(f->revision, 3);
	assert_int_equal(f->header_type, 0);
	assert_int_equal(f->interrupt_pin, 2);
	assert_int_equal(f->interrupt_line, 11);
	assert_int_equal(f->parent, PCI_NO_PARENT);
	assert_int_equal(f->pcie_type, PCI_PCIE_NONE);
	assert_false(f->ecam);
	assert_false(f->multifunction);
}

static void functions_need_function_0_and_its_bit(void **state)
{
	(void)state;
	fake_pci_clear();
	add_nic(0, 1, 0);
	add_nic(0, 1, 1); /* function 0 says it is alone */
	add_nic(0, 2, 0);
	fake_pci_multifunction(&fake_pci[fake_pci_count - 1]);
	add_nic(0, 2, 3);
	add_nic(0, 2, 7);
	add_nic(0, 4, 1); /* no function 0 */
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 4);
	assert_true(function[index_of(0, 2, 0)].multifunction);
	assert_int_equal(index_of(0, 2, 7), 3);
	assert_null(pci_find(&topology, SBDF(0, 0, 1, 1)));
	assert_null(pci_find(&topology, SBDF(0, 0, 4, 1)));
}

static void ghosts_are_no_functions(void **state)
{
	(void)state;
	fake_pci_clear();
	fake_pci_add(SBDF(0, 0, 1, 0), 0x00000000, ETHERNET);
	fake_pci_add(SBDF(0, 0, 2, 0), 0x0000ffff, ETHERNET);
	fake_pci_add(SBDF(0, 0, 3, 0), 0xffff0000, ETHERNET);
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 0);
}

/* Root port, switch, endpoint; and a second root port with a conventional bus. */
static void add_tree(void)
{
	fake_pci_clear();
	fake_pci_add(SBDF(0, 0, 0, 0), 0x808629c0, HOST_BRIDGE);
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 4, PCI_PCIE_ROOT_PORT);
	fake_pci_add_bridge(SBDF(0, 1, 0, 0), 2, 4, PCI_PCIE_UPSTREAM);
	fake_pci_add_bridge(SBDF(0, 2, 0, 0), 3, 3, PCI_PCIE_DOWNSTREAM);
	fake_pci_add_bridge(SBDF(0, 2, 1, 0), 4, 4, PCI_PCIE_DOWNSTREAM);
	add_nic(4, 0, 0);
	fake_pci_add_bridge(SBDF(0, 0, 2, 0), 5, 7, PCI_PCIE_ROOT_PORT);
	fake_pci_add_bridge(SBDF(0, 5, 0, 0), 6, 7, PCI_PCIE_TO_PCI);
	add_nic(6, 1, 0);
	fake_pci_add_bridge(SBDF(0, 6, 2, 0), 7, 7, PCI_PCIE_NONE);
	add_nic(7, 3, 0);
	fake_pci_add_bridge(SBDF(0, 0, 30, 0), 8, 9, PCI_PCIE_NONE);
	add_nic(8, 4, 0);
	fake_pci_add_bridge(SBDF(0, 8, 5, 0), 9, 9, PCI_PCIE_NONE);
	add_nic(9, 6, 0);
}

static void bridges_are_followed_over_levels(void **state)
{
	(void)state;
	add_tree();
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, fake_pci_count);
	assert_int_equal(parent_of(0, 1, 0), PCI_NO_PARENT);
	assert_int_equal(parent_of(4, 0, 0), index_of(2, 1, 0));
	assert_int_equal(parent_of(2, 1, 0), index_of(1, 0, 0));
	assert_int_equal(parent_of(1, 0, 0), index_of(0, 1, 0));
	assert_int_equal(parent_of(9, 6, 0), index_of(8, 5, 0));
	assert_int_equal(function[index_of(0, 2, 0)].secondary_bus, 5);
	assert_int_equal(function[index_of(0, 2, 0)].subordinate_bus, 7);
	assert_int_equal(function[index_of(5, 0, 0)].pcie_type, PCI_PCIE_TO_PCI);
	for (u32 i = 0; i < topology.count; i++)
		assert_true(function[i].parent == PCI_NO_PARENT || function[i].parent < i);
}

static void bridges_to_conventional_pci_change_the_requester(void **state)
{
	(void)state;
	add_tree();
	pci_scan(&topology, NULL, 0);
	check_requester(4, 0, 0x0400);
	check_requester(6, 1, 0x0600);
	/* Below the nested bridge too it is the topmost one that counts. */
	check_requester(7, 3, 0x0600);
	check_requester(6, 2, 0x0600);
	check_requester(5, 0, 0x0500);
	check_requester(8, 4, 30 << 3);
	check_requester(9, 6, 30 << 3);
	check_requester(0, 30, 30 << 3);
}

static void below_a_port_is_device_0_only(void **state)
{
	(void)state;
	fake_pci_clear();
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 1, PCI_PCIE_ROOT_PORT);
	for (u8 device = 0; device < 32; device++)
		add_nic(1, device, 0);
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 2);
}

static void further_root_buses_are_found(void **state)
{
	(void)state;
	fake_pci_clear();
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 1, PCI_PCIE_ROOT_PORT);
	add_nic(1, 0, 0);
	fake_pci_add_bridge(SBDF(0, 0x40, 0, 0), 0x41, 0x41, PCI_PCIE_ROOT_PORT);
	add_nic(0x41, 0, 0);
	add_nic(0xff, 31, 0);
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 5);
	assert_int_equal(parent_of(0x40, 0, 0), PCI_NO_PARENT);
	assert_int_equal(parent_of(0x41, 0, 0), index_of(0x40, 0, 0));
	assert_int_equal(parent_of(0xff, 31, 0), PCI_NO_PARENT);
}

static void bridges_that_lead_nowhere_or_back_end_the_walk(void **state)
{
	static const struct {
		u8 secondary, subordinate;
	} cases[] = {{0, 0}, {0, 255}, {1, 255}, {2, 1}, {2, 255}, {255, 255}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_pci_clear();
		fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 2, PCI_PCIE_ROOT_PORT);
		fake_pci_add_bridge(SBDF(0, 1, 0, 0), cases[i].secondary, cases[i].subordinate,
				    PCI_PCIE_UPSTREAM);
		add_nic(2, 0, 0);
		pci_scan(&topology, NULL, 0);
		assert_int_equal(topology.count, 3);
		assert_int_equal(parent_of(1, 0, 0), index_of(0, 1, 0));
		assert_int_equal(parent_of(2, 0, 0),
				 cases[i].secondary == 2 && cases[i].subordinate >= 2
					 ? index_of(1, 0, 0)
					 : PCI_NO_PARENT);
	}
}

static void a_bridge_to_lower_buses_is_not_followed(void **state)
{
	(void)state;
	fake_pci_clear();
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 9, 9, PCI_PCIE_ROOT_PORT);
	fake_pci_add_bridge(SBDF(0, 9, 0, 0), 5, 9, PCI_PCIE_UPSTREAM);
	add_nic(5, 0, 0);
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 3);
	assert_int_equal(parent_of(5, 0, 0), PCI_NO_PARENT);
}

static void two_bridges_to_one_bus_scan_it_once(void **state)
{
	(void)state;
	fake_pci_clear();
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 1, PCI_PCIE_ROOT_PORT);
	fake_pci_add_bridge(SBDF(0, 0, 2, 0), 1, 1, PCI_PCIE_ROOT_PORT);
	add_nic(1, 0, 0);
	pci_scan(&topology, NULL, 0);
	assert_int_equal(topology.count, 3);
	assert_int_equal(parent_of(1, 0, 0), index_of(0, 1, 0));
}

static void what_does_not_fit_is_counted(void **state)
{
	struct pci_topology small = {.function = function, .capacity = 3};

	(void)state;
	fake_pci_clear();
	for (u8 device = 0; device < 8; device++)
		add_nic(0, device, 0);
	pci_scan(&small, NULL, 0);
	assert_int_equal(small.count, 3);
	assert_int_equal(small.dropped, 5);
	captured_log_clear();
	pci_print(&small);
	assert_non_null(strstr(captured_log(), "5 more functions did not fit"));
}

static void segments_and_buses_come_from_ecam(void **state)
{
	static const struct pci_ecam ecam[] = {
		{.base = {0xe0000000}, .segment = 2, .first_bus = 8, .last_bus = 9},
		{.base = {0xb0000000}, .segment = 0, .first_bus = 0, .last_bus = 3},
		{.base = {0xc0000000}, .segment = 2, .first_bus = 0, .last_bus = 0},
	};

	(void)state;
	fake_pci_clear();
	fake_pci_add(SBDF(2, 8, 1, 0), NIC, ETHERNET);
	fake_pci_add(SBDF(2, 0, 1, 0), NIC, ETHERNET);
	fake_pci_add(SBDF(2, 1, 1, 0), NIC, ETHERNET); /* in no window */
	fake_pci_add(SBDF(1, 0, 1, 0), NIC, ETHERNET); /* in no segment */
	fake_pci_add_bridge(SBDF(0, 0, 1, 0), 4, 4, PCI_PCIE_ROOT_PORT);
	add_nic(4, 0, 0); /* its bus is in no window */
	add_nic(3, 0, 0);
	pci_scan(&topology, ecam, ARRAY_SIZE(ecam));
	assert_int_equal(topology.count, 4);
	assert_true(sbdf_equal(function[0].address, SBDF(0, 0, 1, 0)));
	assert_true(sbdf_equal(function[1].address, SBDF(0, 3, 0, 0)));
	assert_true(sbdf_equal(function[2].address, SBDF(2, 0, 1, 0)));
	assert_true(sbdf_equal(function[3].address, SBDF(2, 8, 1, 0)));
	assert_true(function[3].ecam);
}

static void addresses_have_a_text(void **state)
{
	char text[SBDF_TEXT_MAX];

	(void)state;
	assert_string_equal(sbdf_text(SBDF(0, 0, 2, 0), text), "00:02.0");
	assert_string_equal(sbdf_text(SBDF(0, 0xff, 31, 7), text), "ff:1f.7");
	assert_string_equal(sbdf_text(SBDF(1, 0, 2, 0), text), "0001:00:02.0");
	assert_string_equal(sbdf_text(SBDF(0xffff, 0xff, 31, 7), text), "ffff:ff:1f.7");
}

static void print_tells_of_all(void **state)
{
	struct fake_function *nic;

	(void)state;
	fake_pci_clear();
	nic = fake_pci_add(SBDF(0, 0, 3, 0), 0x8086100e, ETHERNET);
	fake_pci_put(nic, PCI_INTERRUPT_PIN, 1, 1);
	fake_pci_bar(nic, 0, 0xfebc0000, 0xfffe0000);
	fake_pci_bar(nic, 1, 0x0000c001, 0xffffffc0);
	fake_pci_express(nic, PCI_PCIE_ENDPOINT);
	fake_pci_add_bridge(SBDF(0, 0, 4, 0), 1, 2, PCI_PCIE_ROOT_PORT);
	pci_scan(&topology, NULL, 0);
	captured_log_clear();
	pci_print(&topology);
	assert_non_null(strstr(captured_log(), "00:03.0 8086:100e class 020000 rev 00 Ethernet, "
					       "INTA\n"));
	assert_non_null(strstr(captured_log(), "BAR 0: 32-bit memory at 0xfebc0000, 128 KiB\n"));
	assert_non_null(strstr(captured_log(), "BAR 1: I/O at 0xc000, 64 bytes\n"));
	assert_non_null(strstr(captured_log(), "capabilities 10@40\n"));
	assert_non_null(strstr(captured_log(), "PCI bridge, buses 01-02\n"));
	assert_non_null(strstr(captured_log(), "pci: 2 functions\n"));
}

static void print_tells_how_a_function_interrupts(void **state)
{
	struct pci_function odd = {
		.address = SBDF(0, 0, 5, 0),
		.class_code = 0x118000, /* signal processing: one without a name */
		.bar_count = 1,
		.bar = {{.kind = PCI_BAR_MEM64,
			 .address = GIB(8),
			 .size = MIB(16),
			 .prefetchable = true}},
		.msi = 0x50,
		.msi_vectors = 8,
		.msi_64 = true,
		.msi_maskable = true,
		.msix = 0x70,
		.msix_vectors = 5,
		.msix_table_bar = 3,
		.msix_table_offset = 0x800,
	};
	const struct pci_topology one = {.function = &odd, .count = 1, .capacity = 1};

	(void)state;
	captured_log_clear();
	pci_print(&one);
	assert_non_null(strstr(captured_log(), "class 118000 rev 00 device\n"));
	assert_non_null(strstr(captured_log(),
			       "BAR 0: 64-bit memory at 0x200000000, 16 MiB, prefetchable\n"));
	assert_non_null(strstr(captured_log(), "MSI: 8 vectors, 64-bit, maskable\n"));
	assert_non_null(strstr(captured_log(), "MSI-X: 5 vectors, table in BAR 3 at 0x800\n"));
	assert_null(strstr(captured_log(), "INT"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_machine_has_nothing),
		cmocka_unit_test(header_fields_are_read),
		cmocka_unit_test(functions_need_function_0_and_its_bit),
		cmocka_unit_test(ghosts_are_no_functions),
		cmocka_unit_test(bridges_are_followed_over_levels),
		cmocka_unit_test(bridges_to_conventional_pci_change_the_requester),
		cmocka_unit_test(below_a_port_is_device_0_only),
		cmocka_unit_test(further_root_buses_are_found),
		cmocka_unit_test(bridges_that_lead_nowhere_or_back_end_the_walk),
		cmocka_unit_test(a_bridge_to_lower_buses_is_not_followed),
		cmocka_unit_test(two_bridges_to_one_bus_scan_it_once),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(segments_and_buses_come_from_ecam),
		cmocka_unit_test(addresses_have_a_text),
		cmocka_unit_test(print_tells_of_all),
		cmocka_unit_test(print_tells_how_a_function_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
