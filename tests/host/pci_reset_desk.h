/*
 * A root port with a function or two below it, which reset themselves as the specifications say, or misbehave
 * in some manner; and a clock. For one test program each.
 */
#ifndef TESTS_HOST_PCI_RESET_DESK_H
#define TESTS_HOST_PCI_RESET_DESK_H

#include "tests/host/fake_pci.h"
#include "tests/host/fake_regs.h"

#include "arch/x86/delay.h"
#include "drivers/pci_reset.h"

#define PCIE  0x40 /* fake_pci_express() */
#define PM    0x80
#define AF    0x90
#define MSI   0xa0
#define REBAR 0x100

#define BAR 0xfebc0000u
#define MPS 0x2030u /* a Device Control that firmware set */

static struct pci_function function[8];
static struct pci_topology topology = {.function = function, .capacity = ARRAY_SIZE(function)};
static const struct pci_ecam ecam = {.base = {0xb0000000}, .last_bus = 255};

/* --- Time: each look costs ten microseconds --- */

static u64 now;

struct deadline deadline_in(u64 us)
{
	return (struct deadline){now + us};
}

static void tick(void);

/* How long nothing else was done at a stretch, at most. */
static u64 looked_at, longest;

static void meanwhile(void)
{
	longest = max_u64(longest, now - looked_at);
	looked_at = now;
}

bool deadline_passed(struct deadline deadline)
{
	now += 10;
	tick();
	return now > deadline.tsc;
}

/* --- What a function does with the resets that it has --- */

static struct {
	bool flr_kills; /* it never comes back */
	bool flr_ignored;
	bool stuck_in_d3;
	bool bus_kills;
	bool changes;	 /* it comes back as something else */
	bool loses_bars; /* for good: they can't be written any more */
	u64 slow_us;	 /* how long it does not answer */
	u64 ready_at;
	struct fake_function *waiting;
} manner;
static u32 flrs, afs, pms, buses;
static u64 flr_at; /* when it was begun */

static void clear(struct fake_function *fake)
{
	fake_pci_put(fake, PCI_COMMAND, 2, 0);
	for (u8 i = 0; i < 6; i++)
		fake_pci_put(fake, PCI_BAR0 + 4 * i, 4, 0);
	fake_pci_put(fake, PCI_INTERRUPT_LINE, 1, 0);
	fake_pci_put(fake, PCIE + 8, 2, 0x2810);
	if (manner.changes)
		fake_pci_put(fake, PCI_DEVICE_ID, 2, 0x1234);
	if (manner.loses_bars)
		memset(fake->writable + PCI_BAR0, 0, 4);
}

static void begin_wait(struct fake_function *fake)
{
	if (!manner.slow_us)
		return;
	manner.ready_at = now + manner.slow_us;
	fake->gone = true;
	manner.waiting = fake;
}

static void tick(void)
{
	if (manner.waiting && now >= manner.ready_at)
		manner.waiting->gone = false;
}

static void reset_below(struct fake_function *bridge)
{
	buses++;
	for (u32 i = 0; i < fake_pci_count; i++) {
		if (sbdf_bus(fake_pci[i].address) != bridge->space[PCI_SECONDARY_BUS])
			continue;
		clear(&fake_pci[i]);
		fake_pci[i].gone = manner.bus_kills;
	}
}

static void wrote(struct fake_function *fake, u16 offset, u8 width, u32 value)
{
	static u32 last_state;

	(void)width;
	if (fake->space[PCI_HEADER_TYPE] & 1) {
		if (offset == PCI_BRIDGE_CONTROL && value & 0x40)
			reset_below(fake);
		return;
	}
	if (offset == PCIE + 8 && value & 0x8000) {
		flrs++;
		flr_at = now;
		if (!manner.flr_ignored)
			clear(fake);
		fake->gone = manner.flr_kills;
		begin_wait(fake);
	}
	if (offset == AF + 4 && value & 1) {
		afs++;
		clear(fake);
	}
	if (offset == PM + 4 && !(fake_pci_get(fake, PM + 4, 2) & 8)) {
		if (last_state == 3 && (value & 3) == 0) {
			pms++;
			clear(fake);
			if (manner.stuck_in_d3)
				fake_pci_put(fake, PM + 4, 2, 3);
		}
		last_state = value & 3;
	}
}

/* --- The machine: a root port with one or two functions below it --- */

static u8 registers[0x20000];

static enum status map_registers(u64 address, u64 size)
{
	return range_within(address, size, BAR, sizeof(registers)) ? OK : ERR_INVALID;
}

static u64 read_register(u64 address, u8 width)
{
	u64 value = 0;

	memcpy(&value, registers + (address - BAR), width);
	return value;
}

static bool rst_sticks;

static void write_register(u64 address, u8 width, u64 value)
{
	u64 offset = address - BAR;

	if (offset == 0xd8) {
		memset(registers + 0xd0, 0, 4);
		return;
	}
	if (offset == 0 && !rst_sticks)
		value &= ~BIT(26);
	memcpy(registers + offset, &value, width);
}

static struct fake_function *add_endpoint(struct sbdf address, u32 id)
{
	struct fake_function *fake = fake_pci_add(address, id, 0x020000);

	memset(fake->writable + PCI_COMMAND, 0xff, 2);
	fake_pci_bar(fake, 0, BAR, 0xfffe0000);
	fake->writable[PCI_INTERRUPT_LINE] = 0xff;
	fake_pci_put(fake, PCI_INTERRUPT_LINE, 1, 11);
	fake_pci_express(fake, PCI_PCIE_ENDPOINT);
	memset(fake->writable + PCIE + 8, 0xff, 1);
	fake->writable[PCIE + 9] = 0x7f;
	fake_pci_put(fake, PCIE + 8, 2, MPS);
	fake_pci_cap(fake, PCI_CAP_MSI, MSI);
	fake_pci_put(fake, MSI + 2, 2, PCI_MSI_64 | PCI_MSI_ENABLE);
	memset(fake->writable + MSI + 2, 0xff, 2);
	return fake;
}

static struct fake_function *bridge, *endpoint, *neighbour;

static int set_up(void **state)
{
	(void)state;
	memset(&manner, 0, sizeof(manner));
	now = 1000;
	flrs = afs = pms = buses = 0;
	rst_sticks = false;
	memset(registers, 0, sizeof(registers));
	fake_regs = (struct fake_regs){
		.map = map_registers, .read = read_register, .write = write_register};
	fake_pci_clear();
	bridge = fake_pci_add_bridge(SBDF(0, 0, 1, 0), 1, 1, PCI_PCIE_ROOT_PORT);
	memset(bridge->writable + PCI_BRIDGE_CONTROL, 0xff, 2);
	fake_pci_put(bridge, PCI_BRIDGE_CONTROL, 2, 0x0003);
	endpoint = add_endpoint(SBDF(0, 1, 0, 0), 0xabcd0001);
	neighbour = NULL;
	return 0;
}

static void give_pm(u32 control)
{
	fake_pci_cap(endpoint, PCI_CAP_PM, PM);
	fake_pci_put(endpoint, PM + 4, 2, control);
	endpoint->writable[PM + 4] = 3;
}

/* Without a bridge above. */
static void on_the_root_bus(u32 id)
{
	fake_pci_clear();
	endpoint = add_endpoint(SBDF(0, 0, 5, 0), id);
}

static bool owned;

static bool may(const struct pci_function *other, const void *context)
{
	assert_ptr_equal(context, &owned);
	assert_int_equal(sbdf_bus(other->address), 1);
	return !owned;
}

static enum status reset(enum pci_reset_method *method)
{
	struct sbdf address = endpoint->address;
	const struct pci_function *found;

	pci_scan(&topology, &ecam, 1);
	found = pci_find(&topology, address);
	assert_non_null(found);
	fake_pci_wrote = wrote;
	*method = PCI_RESET_METHODS;
	looked_at = now;
	longest = 0;

	enum status status = pci_reset(&topology, found,
				       (struct pci_reset_with){may, &owned, meanwhile}, method);

	meanwhile();
	assert_true(longest <= 20);
	return status;
}

static void check_silent(struct fake_function *fake, u32 bar)
{
	assert_int_equal(fake_pci_get(fake, PCI_COMMAND, 2), PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(fake_pci_get(fake, PCI_BAR0, 4), bar);
	assert_int_equal(fake_pci_get(fake, PCI_INTERRUPT_LINE, 1), 11);
	assert_int_equal(fake_pci_get(fake, PCIE + 8, 2), MPS);
	assert_int_equal(fake_pci_get(fake, MSI + 2, 2), PCI_MSI_64);
}

static void expect(enum pci_reset_method wanted)
{
	enum pci_reset_method method;

	assert_int_equal(reset(&method), OK);
	assert_int_equal(method, wanted);
	check_silent(endpoint, BAR);
}

#endif
