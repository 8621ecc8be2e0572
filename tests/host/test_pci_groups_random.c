// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_isolate.c
// sources: drivers/pci_alias.c drivers/pci_groups.c
// sources: tests/host/fake_pci.c
#include "tests/host/fake_pci.h"
#include "tests/host/random.h"

#include "drivers/pci_groups.h"

/*
 * Random machines, and a model of how requests travel in them that knows nothing of groups: from function
 * to function, asking at each port what its registers let it do. No request comes to a function of another
 * group, and no group holds endpoints that nothing binds.
 */

#define MAX	 64
#define MACHINES 1000

static struct pci_function function[MAX];
static struct pci_topology topology = {.function = function, .capacity = MAX};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

static u32 chance(u32 of)
{
	return random_u64() % of;
}

/* --- A random machine --- */

static u8 next_bus;

static void maybe_acs(struct fake_function *fake, u16 full)
{
	static u16 strange;

	strange = (u16)(random_u64() & 0x7f);
	if (chance(8) == 0)
		fake_pci_acs(fake, strange, (u16)(random_u64() & strange));
	else if (chance(3))
		fake_pci_acs(fake, full, 0);
	/* Some registers don't do as they are told. */
	if (chance(16) == 0)
		fake->writable[0x100 + PCI_ACS_CONTROL] = (u8)random_u64();
}

static void add_below(u8 bus, u8 type, u32 depth);

static struct fake_function *add_bridge(struct sbdf address, u8 type, u32 depth)
{
	u8 secondary = ++next_bus;
	struct fake_function *bridge = fake_pci_add_bridge(address, secondary, secondary, type);

	fake_pci_multifunction(bridge);
	if (type != PCI_PCIE_NONE && type != PCI_PCIE_TO_PCI)
		maybe_acs(bridge, 0x1f);
	add_below(secondary, type, depth + 1);
	fake_pci_put(bridge, PCI_SUBORDINATE_BUS, 1, next_bus);
	return bridge;
}

static void add_endpoint(struct sbdf address, u8 type)
{
	struct fake_function *fake = fake_pci_add(address, 0x808610d3, 0x020000);

	fake_pci_multifunction(fake);
	if (type == PCI_PCIE_NONE)
		return;
	fake_pci_express(fake, type);
	maybe_acs(fake, 0x0c);
	if (chance(16) == 0) {
		fake_pci_put(fake, 0x40 + PCI_PCIE_DEVICE, 4, (u32)chance(4) << 3);
		fake_pci_put(fake, 0x40 + PCI_PCIE_CONTROL, 2, PCI_PCIE_CONTROL_PHANTOM);
	}
}

static bool full(u32 depth)
{
	return depth > 6 || fake_pci_count > MAX - 20;
}

/* A device of one to three functions on an Express link, or on a root bus. */
static void add_device(u8 bus, u8 device, u8 endpoint, u8 bridge, u32 depth)
{
	u8 functions = chance(3) ? 1 : (u8)(2 + chance(2));

	for (u8 n = 0; n < functions && !(full(depth) && n); n++) {
		struct sbdf address = SBDF(0, bus, device, n);

		if (!full(depth) && chance(2))
			add_bridge(address, bridge, depth);
		else
			add_endpoint(address, endpoint);
	}
}

static void add_below(u8 bus, u8 type, u32 depth)
{
	u8 devices = (u8)(1 + chance(3));

	if (type == PCI_PCIE_ROOT_PORT || type == PCI_PCIE_DOWNSTREAM) {
		add_device(bus, 0, PCI_PCIE_ENDPOINT,
			   chance(3) ? PCI_PCIE_UPSTREAM : PCI_PCIE_TO_PCI, depth);
		return;
	}
	for (u8 n = 0; n < devices && !(full(depth) && n); n++) {
		if (type == PCI_PCIE_UPSTREAM && !full(depth) && chance(8))
			add_bridge(SBDF(0, bus, n, 0), PCI_PCIE_DOWNSTREAM, depth);
		else if (type == PCI_PCIE_UPSTREAM)
			add_endpoint(SBDF(0, bus, n, 0), PCI_PCIE_ENDPOINT);
		else
			add_device(bus, n, PCI_PCIE_NONE, PCI_PCIE_NONE, depth);
	}
}

static void make_machine(void)
{
	fake_pci_clear();
	next_bus = 0;
	for (u8 device = 0; device < 4; device++)
		add_device(0, device, chance(2) ? PCI_PCIE_NONE : PCI_PCIE_RC_ENDPOINT,
			   chance(4) ? PCI_PCIE_ROOT_PORT : PCI_PCIE_NONE, 0);
	pci_scan(&topology, &ecam, 1);
	assert_int_equal(topology.count, fake_pci_count);
	pci_isolate(&topology);
	pci_group(&topology);
}

/* --- How requests travel --- */

static u32 control(u32 n, bool *there)
{
	u16 at = pci_cap_find(&function[n], PCI_EXT_CAP_ACS, true);
	u32 capability = at ? pci_read(function[n].address, at + PCI_ACS_CAPABILITY, 2) : 0;
	u32 value = at ? pci_read(function[n].address, at + PCI_ACS_CONTROL, 2) : 0;

	*there = at;
	/* Bits that the capability does not have mean nothing; an exception is one all the same. */
	value &= capability | PCI_ACS_EGRESS | PCI_ACS_DIRECT;
	/* What a root port or an endpoint can't be told it does not do. */
	if (at && function[n].pcie_type != PCI_PCIE_DOWNSTREAM)
		value |= ~capability & 0x1c;
	return value;
}

/* Requests that the function makes, or that come to it from below, go up before anywhere else. */
static bool sends_up(u32 n)
{
	bool there;
	u32 value = control(n, &there);

	switch (function[n].pcie_type) {
	case PCI_PCIE_ROOT_PORT:
	case PCI_PCIE_DOWNSTREAM:
		return there && (value & 0x7d) == 0x1d;
	case PCI_PCIE_ENDPOINT:
	case PCI_PCIE_RC_ENDPOINT:
	case PCI_PCIE_UPSTREAM:
		return there && (value & 0x6c) == 0x0c;
	default:
		return false;
	}
}

/* Access control services are of ports, or between functions of a device: not of what else is in a switch. */
static bool is_port(u32 n)
{
	return function[n].pcie_type == PCI_PCIE_DOWNSTREAM;
}

static bool reached[MAX];

static void reach_down(u32 n)
{
	reached[n] = true;
	for (u32 i = n + 1; i < topology.count; i++)
		if (function[i].parent == n)
			reach_down(i);
}

/* A request leaves function n upwards, whose own it is or from below it. */
static void reach_from(u32 n)
{
	u16 parent = function[n].parent;
	bool inside_switch =
		parent != PCI_NO_PARENT && function[parent].pcie_type == PCI_PCIE_UPSTREAM;
	bool stays = inside_switch && !(is_port(n) && sends_up(n));
	bool conventional_bus =
		parent != PCI_NO_PARENT && (function[parent].pcie_type == PCI_PCIE_NONE ||
					    function[parent].pcie_type == PCI_PCIE_TO_PCI);

	for (u32 i = 0; i < topology.count; i++) {
		if (function[i].parent != parent)
			continue;
		/* On to the neighbours: in the device, in the switch, on the bus that all share. */
		if (conventional_bus || stays ||
		    (sbdf_device(function[i].address) == sbdf_device(function[n].address) &&
		     i != n && !sends_up(n)))
			reach_down(i);
	}
	if (parent == PCI_NO_PARENT)
		return;				      /* the IOMMU */
	reached[parent] |= conventional_bus || stays; /* its registers */
	/* A port that does not send up turns round what is addressed to below it. */
	if ((function[parent].pcie_type == PCI_PCIE_ROOT_PORT ||
	     function[parent].pcie_type == PCI_PCIE_DOWNSTREAM) &&
	    !sends_up(parent))
		reach_down(parent);
	reach_from(parent);
}

static bool one_id(u32 a, u32 b)
{
	struct pci_requesters x, y;

	pci_requesters(&topology, &function[a], &x);
	pci_requesters(&topology, &function[b], &y);
	for (u8 i = 0; i < x.count; i++)
		for (u8 j = 0; j < y.count; j++)
			if (sbdf_equal(x.id[i], y.id[j]))
				return true;
	return false;
}

static bool bound[MAX][MAX];

static void find_bounds(void)
{
	memset(bound, 0, sizeof(bound));
	for (u32 a = 0; a < topology.count; a++) {
		memset(reached, 0, sizeof(reached));
		reach_from(a);
		for (u32 b = 0; b < topology.count; b++)
			if (a == b || reached[b] || one_id(a, b))
				bound[a][b] = bound[b][a] = true;
	}
}

/* Everything that a chain of bonds connects. */
static void close_bounds(void)
{
	for (u32 k = 0; k < topology.count; k++)
		for (u32 a = 0; a < topology.count; a++)
			for (u32 b = 0; bound[a][k] && b < topology.count; b++)
				bound[a][b] |= bound[k][b];
}

static void groups_are_what_is_bound(void **state)
{
	u32 apart = 0, together = 0;

	(void)state;
	for (u32 machine = 0; machine < MACHINES; machine++) {
		make_machine();
		find_bounds();
		for (u32 a = 0; a < topology.count; a++)
			for (u32 b = 0; b < topology.count; b++)
				if (bound[a][b])
					assert_int_equal(function[a].group, function[b].group);
		close_bounds();
		for (u32 a = 0; a < topology.count; a++)
			for (u32 b = 0; b < a; b++) {
				if (function[a].header_type || function[b].header_type)
					continue;
				assert_int_equal(function[a].group == function[b].group,
						 bound[a][b]);
				apart += !bound[a][b];
				together += bound[a][b];
			}
	}
	/* The machines are of all kinds. */
	assert_true(apart > MACHINES && together > MACHINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_what_is_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
