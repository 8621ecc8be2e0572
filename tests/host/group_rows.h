/* Topologies, and the isolation groups that they have. */
#ifndef TESTS_HOST_GROUP_ROWS_H
#define TESTS_HOST_GROUP_ROWS_H

#include "drivers/pci_regs.h"
#include "hv/base/types.h"

#define MAX_NODES 12

#define ACS    0x1f /* of a port */
#define MF_ACS 0x0c /* of a function of several */
#define NO_ACS 0xffff

/* A function; a bridge if it has a secondary bus: as far as three buses further all are below it. */
struct node {
	u16 bdf;
	u8 type;
	u8 secondary;
	u16 acs;
	u8 phantom_bits; /* stuck on */
};

#define BDF(bus, device, function) ((bus) << 8 | (device) << 3 | (function))

#define ROOT_PORT(bdf, bus, acs)                                                                   \
	{                                                                                          \
		bdf, PCI_PCIE_ROOT_PORT, bus, acs, 0                                               \
	}
#define UP(bdf, bus)                                                                               \
	{                                                                                          \
		bdf, PCI_PCIE_UPSTREAM, bus, NO_ACS, 0                                             \
	}
#define DOWN(bdf, bus, acs)                                                                        \
	{                                                                                          \
		bdf, PCI_PCIE_DOWNSTREAM, bus, acs, 0                                              \
	}
#define TO_PCI(bdf, bus)                                                                           \
	{                                                                                          \
		bdf, PCI_PCIE_TO_PCI, bus, NO_ACS, 0                                               \
	}
#define BRIDGE(bdf, bus)                                                                           \
	{                                                                                          \
		bdf, PCI_PCIE_NONE, bus, NO_ACS, 0                                                 \
	}
#define ENDPOINT(bdf, acs)                                                                         \
	{                                                                                          \
		bdf, PCI_PCIE_ENDPOINT, 0, acs, 0                                                  \
	}
#define CONVENTIONAL(bdf)                                                                          \
	{                                                                                          \
		bdf, PCI_PCIE_NONE, 0, NO_ACS, 0                                                   \
	}
#define INTEGRATED(bdf)                                                                            \
	{                                                                                          \
		bdf, PCI_PCIE_RC_ENDPOINT, 0, NO_ACS, 0                                            \
	}

static const struct row {
	const char *name;
	struct node node[MAX_NODES];
	const char *groups; /* each as "FIRST[ FUNCTION]...[: BONDS]", separated by "; " */
	bool no_ecam;
} rows[] = {
	{
		"the root bus",
		{CONVENTIONAL(BDF(0, 1, 0)), INTEGRATED(BDF(0, 2, 0)), CONVENTIONAL(BDF(0, 3, 0))},
		"00:01.0; 00:02.0; 00:03.0",
		false,
	},
	{
		"functions of a device on the root bus",
		{CONVENTIONAL(BDF(0, 31, 0)), CONVENTIONAL(BDF(0, 31, 2)),
		 CONVENTIONAL(BDF(0, 31, 3)), CONVENTIONAL(BDF(0, 30, 0))},
		"00:1e.0; 00:1f.0 00:1f.2 00:1f.3: d",
		false,
	},
	{
		"root ports with ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ROOT_PORT(BDF(0, 2, 0), 2, ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(2, 0, 0), NO_ACS)},
		"00:01.0; 00:02.0; 01:00.0; 02:00.0",
		false,
	},
	{
		"root ports with ACS, which can't be seen",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ROOT_PORT(BDF(0, 2, 0), 2, ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(2, 0, 0), NO_ACS)},
		"00:01.0 01:00.0: p; 00:02.0 02:00.0: p",
		true,
	},
	{
		"root ports without ACS, on their own",
		{ROOT_PORT(BDF(0, 1, 0), 1, NO_ACS), ROOT_PORT(BDF(0, 2, 0), 2, NO_ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(2, 0, 0), NO_ACS)},
		"00:01.0 01:00.0: p; 00:02.0 02:00.0: p",
		false,
	},
	{
		"root ports without ACS, of one device",
		{ROOT_PORT(BDF(0, 1, 0), 1, NO_ACS), ROOT_PORT(BDF(0, 1, 1), 2, NO_ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(2, 0, 0), NO_ACS)},
		"00:01.0 00:01.1 01:00.0 02:00.0: pd",
		false,
	},
	{
		"root ports of one device, one without ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ROOT_PORT(BDF(0, 1, 1), 2, NO_ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(2, 0, 0), NO_ACS)},
		"00:01.0 00:01.1 01:00.0 02:00.0: pd",
		false,
	},
	{
		"root ports of one device with ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ROOT_PORT(BDF(0, 1, 1), 2, ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(2, 0, 0), NO_ACS)},
		"00:01.0; 00:01.1; 01:00.0; 02:00.0",
		false,
	},
	{
		"a root port without source validation",
		{ROOT_PORT(BDF(0, 1, 0), 1, 0x1e), ENDPOINT(BDF(1, 0, 0), NO_ACS)},
		"00:01.0 01:00.0: p",
		false,
	},
	{
		"a switch with ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), UP(BDF(1, 0, 0), 2), DOWN(BDF(2, 0, 0), 3, ACS),
		 DOWN(BDF(2, 1, 0), 4, ACS), ENDPOINT(BDF(3, 0, 0), NO_ACS),
		 ENDPOINT(BDF(4, 0, 0), NO_ACS)},
		"00:01.0; 01:00.0; 02:00.0; 02:01.0; 03:00.0; 04:00.0",
		false,
	},
	{
		"a switch without ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), UP(BDF(1, 0, 0), 2),
		 DOWN(BDF(2, 0, 0), 3, NO_ACS), DOWN(BDF(2, 1, 0), 4, NO_ACS),
		 ENDPOINT(BDF(3, 0, 0), NO_ACS), ENDPOINT(BDF(4, 0, 0), NO_ACS)},
		"00:01.0; 01:00.0 02:00.0 02:01.0 03:00.0 04:00.0: p",
		false,
	},
	{
		"a switch with one port without ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), UP(BDF(1, 0, 0), 2), DOWN(BDF(2, 0, 0), 3, ACS),
		 DOWN(BDF(2, 1, 0), 4, NO_ACS), ENDPOINT(BDF(3, 0, 0), NO_ACS),
		 ENDPOINT(BDF(4, 0, 0), NO_ACS)},
		"00:01.0; 01:00.0 02:00.0 02:01.0 03:00.0 04:00.0: p",
		false,
	},
	{
		"a switch whose ports lack one control",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), UP(BDF(1, 0, 0), 2), DOWN(BDF(2, 0, 0), 3, 0x0f),
		 ENDPOINT(BDF(3, 0, 0), NO_ACS)},
		"00:01.0; 01:00.0 02:00.0 03:00.0: p",
		false,
	},
	{
		"a switch with ACS below a root port without",
		{ROOT_PORT(BDF(0, 1, 0), 1, NO_ACS), UP(BDF(1, 0, 0), 2),
		 DOWN(BDF(2, 0, 0), 3, ACS), DOWN(BDF(2, 1, 0), 4, ACS),
		 ENDPOINT(BDF(3, 0, 0), NO_ACS), ENDPOINT(BDF(4, 0, 0), NO_ACS)},
		"00:01.0 01:00.0 02:00.0 02:01.0 03:00.0 04:00.0: p",
		false,
	},
	{
		"a switch with an endpoint inside, and one beside it",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), UP(BDF(1, 0, 0), 2), DOWN(BDF(2, 0, 0), 3, ACS),
		 ENDPOINT(BDF(2, 1, 0), NO_ACS), ENDPOINT(BDF(3, 0, 0), NO_ACS)},
		"00:01.0; 01:00.0 02:00.0 02:01.0 03:00.0: p",
		false,
	},
	{
		"a switch that shares its device with an endpoint",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), UP(BDF(1, 0, 0), 2),
		 ENDPOINT(BDF(1, 0, 1), NO_ACS), DOWN(BDF(2, 0, 0), 3, ACS),
		 ENDPOINT(BDF(3, 0, 0), NO_ACS)},
		"00:01.0; 01:00.0 01:00.1 02:00.0 03:00.0: pd",
		false,
	},
	{
		"a device with two functions",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ENDPOINT(BDF(1, 0, 0), NO_ACS),
		 ENDPOINT(BDF(1, 0, 1), NO_ACS)},
		"00:01.0; 01:00.0 01:00.1: d",
		false,
	},
	{
		"a device with ACS in both functions",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ENDPOINT(BDF(1, 0, 0), MF_ACS),
		 ENDPOINT(BDF(1, 0, 1), MF_ACS)},
		"00:01.0; 01:00.0; 01:00.1",
		false,
	},
	{
		"a device with ACS in one function",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), ENDPOINT(BDF(1, 0, 0), MF_ACS),
		 ENDPOINT(BDF(1, 0, 1), NO_ACS)},
		"00:01.0; 01:00.0 01:00.1: d",
		false,
	},
	{
		"phantom functions that are another's ID",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS),
		 {BDF(1, 0, 0), PCI_PCIE_ENDPOINT, 0, MF_ACS, 1},
		 ENDPOINT(BDF(1, 0, 2), MF_ACS),
		 ENDPOINT(BDF(1, 0, 4), MF_ACS)},
		"00:01.0; 01:00.0 01:00.4: i; 01:00.2",
		false,
	},
	{
		"a PCIe-to-PCI bridge below a root port with ACS",
		{ROOT_PORT(BDF(0, 1, 0), 1, ACS), TO_PCI(BDF(1, 0, 0), 2),
		 CONVENTIONAL(BDF(2, 1, 0)), CONVENTIONAL(BDF(2, 2, 0)),
		 CONVENTIONAL(BDF(0, 2, 0))},
		"00:01.0; 00:02.0; 01:00.0 02:01.0 02:02.0: ib",
		false,
	},
	{
		"conventional bridges one below the other",
		{BRIDGE(BDF(0, 3, 0), 1), CONVENTIONAL(BDF(1, 1, 0)), BRIDGE(BDF(1, 2, 0), 2),
		 CONVENTIONAL(BDF(2, 3, 0)), CONVENTIONAL(BDF(0, 4, 0))},
		"00:03.0 01:01.0 01:02.0 02:03.0: ib; 00:04.0",
		false,
	},
	{
		"a bridge that says it is an endpoint",
		{{BDF(0, 1, 0), PCI_PCIE_ENDPOINT, 1, ACS, 0}, ENDPOINT(BDF(1, 0, 0), NO_ACS)},
		"00:01.0 01:00.0: b",
		false,
	},
	{
		"a second root bus",
		{ROOT_PORT(BDF(0, 1, 0), 1, NO_ACS), ROOT_PORT(BDF(0x40, 1, 0), 0x41, NO_ACS),
		 ENDPOINT(BDF(1, 0, 0), NO_ACS), ENDPOINT(BDF(0x41, 0, 0), NO_ACS)},
		"00:01.0 01:00.0: p; 40:01.0 41:00.0: p",
		false,
	},
};

#endif
