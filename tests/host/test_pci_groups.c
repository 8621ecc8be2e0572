// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_isolate.c
// sources: drivers/pci_alias.c drivers/pci_groups.c drivers/pci_groups_print.c drivers/pci_print.c
// sources: tests/host/fake_pci.c
#include "tests/host/fake_pci.h"
#include "tests/host/group_rows.h"

#include "drivers/pci_groups.h"

static struct pci_function function[MAX_NODES];
static struct pci_topology topology = {.function = function, .capacity = MAX_NODES};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

static void build(const struct row *row)
{
	fake_pci_clear();
	for (size_t i = 0; i < MAX_NODES && row->node[i].bdf; i++) {
		const struct node *node = &row->node[i];
		struct sbdf address = {0, node->bdf};
		struct fake_function *fake;

		if (node->secondary) {
			fake = fake_pci_add_bridge(address, node->secondary, node->secondary + 3,
						   node->type);
		} else {
			fake = fake_pci_add(address, 0x808610d3, 0x020000);
			if (node->type != PCI_PCIE_NONE)
				fake_pci_express(fake, node->type);
		}
		if (node->acs != NO_ACS)
			fake_pci_acs(fake, node->acs, 0);
		if (node->phantom_bits) {
			fake_pci_put(fake, 0x40 + PCI_PCIE_DEVICE, 4, node->phantom_bits << 3);
			fake_pci_put(fake, 0x40 + PCI_PCIE_CONTROL, 2, PCI_PCIE_CONTROL_PHANTOM);
		}
		fake_pci_multifunction(fake);
	}
	pci_scan(&topology, &ecam, row->no_ecam ? 0 : 1);
	pci_isolate(&topology);
	pci_group(&topology);
}

/* The groups as a row has them, sorted as they are found by bus: by address. */
static const char *groups_text(void)
{
	static char text[1024];
	char name[SBDF_TEXT_MAX];
	size_t at = 0;

	text[0] = 0;
	for (u32 first = 0; first < topology.count; first++) {
		if (function[first].group != first)
			continue;
		at += snprintf(text + at, sizeof(text) - at, "%s%s", at ? "; " : "",
			       sbdf_text(function[first].address, name));
		for (u32 i = first + 1; i < topology.count; i++)
			if (function[i].group == first)
				at += snprintf(text + at, sizeof(text) - at, " %s",
					       sbdf_text(function[i].address, name));
		if (function[first].bonds)
			at += snprintf(text + at, sizeof(text) - at, ": ");
		for (size_t bit = 0; bit < 4; bit++)
			if (function[first].bonds & BIT(bit))
				at += snprintf(text + at, sizeof(text) - at, "%c", "ibpd"[bit]);
	}
	return text;
}

static void every_topology(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		build(&rows[i]);
		if (strcmp(groups_text(), rows[i].groups) != 0)
			print_message("%s:\n", rows[i].name);
		assert_string_equal(groups_text(), rows[i].groups);
	}
}

/* Before anybody looked, all is one group, so that what forgets to look gives away too little. */
static void nothing_known(void **state)
{
	(void)state;
	build(&rows[0]);
	pci_scan(&topology, &ecam, 1);
	assert_string_equal(groups_text(), "00:01.0 00:02.0 00:03.0");
}

static void again(void **state)
{
	(void)state;
	build(&rows[5]);
	pci_group(&topology);
	assert_string_equal(groups_text(), rows[5].groups);
}

static void table_in_the_log(void **state)
{
	(void)state;
	build(&rows[1]);
	captured_log_clear();
	pci_group_print(&topology);
	assert_non_null(strstr(captured_log(), "group: of 00:1e.0: 00:1e.0\n"));
	assert_non_null(strstr(captured_log(),
			       "group: of 00:1f.0: 00:1f.0 00:1f.2 00:1f.3: functions of one "
			       "device without full ACS\n"));

	/* A large group takes lines of its own, none of them cut. */
	for (u16 i = 0; i < MAX_NODES; i++)
		function[i] = (struct pci_function){.address = SBDF(1, 2, 3, i % 8), .bonds = 0xf};
	topology.count = MAX_NODES;
	captured_log_clear();
	pci_group_print(&topology);
	assert_non_null(
		strstr(captured_log(),
		       " 0001:02:03.2 0001:02:03.3: "
		       "requests with one ID, a bus of conventional PCI, ports above without "
		       "full ACS, functions of one device without full ACS\n"));
}

static const char *requesters_text(u32 index)
{
	static char text[256];
	struct pci_requesters requesters;
	char name[SBDF_TEXT_MAX];
	size_t at = 0;

	pci_requesters(&topology, &function[index], &requesters);
	for (u8 i = 0; i < requesters.count; i++)
		at += snprintf(text + at, sizeof(text) - at, "%s ",
			       sbdf_text(requesters.id[i], name));
	snprintf(text + at, sizeof(text) - at, "%u%s", requesters.phantom_bits,
		 requesters.whole_bus ? " bus" : "");
	return text;
}

/* All IDs that requests may carry, the first being that of messages. */
static void requesters_of_functions(void **state)
{
	static const struct row bridges = {
		"",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), TO_PCI(BDF(1, 0, 0), 2), BRIDGE(BDF(2, 1, 0), 3),
		 CONVENTIONAL(BDF(3, 2, 0))},
		"",
		false,
	};
	static const char *const phantoms[] = {
		"01:00.5 0",
		"01:00.5 01:00.1 1",
		"01:00.5 01:00.1 01:00.3 01:00.7 2",
		"01:00.5 01:00.0 01:00.1 01:00.2 01:00.3 01:00.4 01:00.6 01:00.7 3",
	};

	(void)state;
	build(&bridges);
	assert_string_equal(requesters_text(0), "00:01.0 0");
	assert_string_equal(requesters_text(1), "01:00.0 0");
	assert_string_equal(requesters_text(2), "02:00.0 02:01.0 0 bus");
	assert_string_equal(requesters_text(3), "02:00.0 03:02.0 02:01.0 0 bus");

	for (size_t bits = 0; bits < ARRAY_SIZE(phantoms); bits++) {
		function[0].address = SBDF(0, 1, 0, 5);
		function[0].parent = PCI_NO_PARENT;
		function[0].phantom_bits = (u8)bits;
		assert_string_equal(requesters_text(0), phantoms[bits]);
	}
}

/* However many bridges there are, the list holds what appears at the root. */
static void too_many_requesters(void **state)
{
	static struct pci_function chain[40];
	struct pci_topology deep = {.function = chain, .count = ARRAY_SIZE(chain)};
	struct pci_requesters requesters;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chain); i++)
		chain[i] = (struct pci_function){
			.address = SBDF(0, i, 1, 0),
			.header_type = 1,
			.pcie_type = PCI_PCIE_NONE,
			.parent = i ? (u16)(i - 1) : PCI_NO_PARENT,
		};
	pci_requesters(&deep, &chain[39], &requesters);
	assert_int_equal(requesters.count, PCI_MAX_REQUESTERS);
	assert_true(sbdf_equal(requesters.id[0], chain[0].address));
	assert_true(sbdf_equal(requesters.id[1], chain[39].address));
	assert_true(sbdf_equal(requesters.id[2], chain[38].address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_topology),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(again),
		cmocka_unit_test(table_in_the_log),
		cmocka_unit_test(requesters_of_functions),
		cmocka_unit_test(too_many_requesters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
