// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_silence.c
// sources: drivers/pci_reset.c drivers/pci_saved.c drivers/device_reset.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
/* Functions that reset themselves as the specifications say, and such that misbehave. */
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

static void add_neighbour(void)
{
	fake_pci_multifunction(endpoint);
	neighbour = add_endpoint(SBDF(0, 1, 0, 1), 0xabcd0002);
	fake_pci_put(neighbour, PCI_BAR0, 4, BAR + 0x20000);
}

static void give_flr(void)
{
	fake_pci_put(endpoint, PCIE + 4, 4, (u32)BIT(28));
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
	return pci_reset(&topology, found, (struct pci_reset_with){may, &owned}, method);
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

static void test_flr(void **state)
{
	(void)state;
	give_flr();
	give_pm(0);
	expect(PCI_RESET_FLR);
	assert_int_equal(flrs, 1);
	assert_int_equal(pms + buses, 0);
	assert_true(now - flr_at >= 100000);
}

/* What is under way is waited for, but not for ever. */
static void test_flr_with_pending_transactions(void **state)
{
	(void)state;
	give_flr();
	fake_pci_put(endpoint, PCIE + 10, 2, 0x20);
	expect(PCI_RESET_FLR);
	assert_true(flr_at >= 101000 && flr_at < 110000);
}

/* 6.6.2 and 2.3.2: a function may need more than the first 100 ms, but not more than a second. */
static void test_flr_of_a_slow_function(void **state)
{
	(void)state;
	give_flr();
	manner.slow_us = 900000;
	expect(PCI_RESET_FLR);
	assert_true(now - flr_at >= 900000);
	set_up(NULL);
	give_flr();
	manner.slow_us = 2000000;
	expect(PCI_RESET_BUS);
}

static void test_flr_that_kills(void **state)
{
	enum pci_reset_method method;

	(void)state;
	give_flr();
	manner.flr_kills = manner.bus_kills = true;
	assert_int_equal(reset(&method), ERR_TIMEOUT);
	assert_int_equal(method, PCI_RESET_METHODS);
	assert_int_equal(flrs, 1);
	assert_int_equal(buses, 1);
	assert_true(now < 3000000);
}

static void test_flr_that_kills_until_the_bus_is_reset(void **state)
{
	(void)state;
	give_flr();
	manner.flr_kills = true;
	expect(PCI_RESET_BUS);
}

/* It says that it has one, and does nothing. */
static void test_flr_that_is_none(void **state)
{
	enum pci_reset_method method;

	(void)state;
	give_flr();
	manner.flr_ignored = true;
	expect(PCI_RESET_BUS);
	assert_int_equal(flrs, 1);
	on_the_root_bus(0x123411e8);
	give_flr();
	assert_int_equal(reset(&method), ERR_UNSUPPORTED);
	assert_int_equal(flrs, 2);
}

static void test_comes_back_as_another(void **state)
{
	enum pci_reset_method method;

	(void)state;
	give_flr();
	manner.changes = true;
	assert_int_equal(reset(&method), ERR_TIMEOUT);
}

static void test_does_not_take_its_bars(void **state)
{
	enum pci_reset_method method;

	(void)state;
	give_flr();
	manner.loses_bars = true;
	assert_int_equal(reset(&method), ERR_TIMEOUT);
	assert_int_equal(fake_pci_get(endpoint, PCI_COMMAND, 2), PCI_COMMAND_INTX_DISABLE);
}

static void test_af(void **state)
{
	(void)state;
	fake_pci_cap(endpoint, PCI_CAP_AF, AF);
	fake_pci_put(endpoint, AF + 2, 2, 0x0306);
	give_pm(0);
	expect(PCI_RESET_AF);
	assert_int_equal(afs, 1);
}

static void test_af_without_flr(void **state)
{
	(void)state;
	fake_pci_cap(endpoint, PCI_CAP_AF, AF);
	fake_pci_put(endpoint, AF + 2, 2, 0x0106);
	give_pm(0);
	expect(PCI_RESET_PM);
	assert_int_equal(afs, 0);
}

static void test_pm(void **state)
{
	(void)state;
	give_pm(0);
	expect(PCI_RESET_PM);
	assert_int_equal(pms, 1);
	assert_int_equal(buses, 0);
	assert_true(now >= 21000);
}

static void test_pm_that_resets_nothing(void **state)
{
	(void)state;
	give_pm(8);
	expect(PCI_RESET_BUS);
	assert_int_equal(pms, 0);
}

static void test_pm_that_stays_in_d3(void **state)
{
	(void)state;
	give_pm(0);
	manner.stuck_in_d3 = true;
	expect(PCI_RESET_BUS);
	assert_int_equal(pms, 1);
}

static void test_bus(void **state)
{
	(void)state;
	expect(PCI_RESET_BUS);
	assert_int_equal(buses, 1);
	assert_int_equal(fake_pci_get(bridge, PCI_BRIDGE_CONTROL, 2), 0x0003);
	assert_true(now >= 103000);
}

static void test_bus_with_a_neighbour(void **state)
{
	(void)state;
	add_neighbour();
	expect(PCI_RESET_BUS);
	check_silent(neighbour, BAR + 0x20000);
}

static void test_bus_with_anothers_neighbour(void **state)
{
	enum pci_reset_method method;

	(void)state;
	add_neighbour();
	owned = true;
	assert_int_equal(reset(&method), ERR_UNSUPPORTED);
	owned = false;
	assert_int_equal(buses, 0);
	assert_int_equal(fake_pci_get(neighbour, MSI + 2, 2), PCI_MSI_64 | PCI_MSI_ENABLE);
}

/* It would lose its bus numbers. */
static void test_bus_with_a_bridge_below(void **state)
{
	enum pci_reset_method method;

	(void)state;
	fake_pci_put(bridge, PCI_SUBORDINATE_BUS, 1, 2);
	fake_pci_multifunction(endpoint);
	fake_pci_add_bridge(SBDF(0, 1, 0, 1), 2, 2, PCI_PCIE_TO_PCI);
	assert_int_equal(reset(&method), ERR_UNSUPPORTED);
	assert_int_equal(buses, 0);
}

/* Silent, and that is all. */
static void test_no_way(void **state)
{
	enum pci_reset_method method;

	(void)state;
	on_the_root_bus(0x123411e8);
	assert_int_equal(reset(&method), ERR_UNSUPPORTED);
	assert_int_equal(fake_pci_get(endpoint, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_int_equal(fake_pci_get(endpoint, MSI + 2, 2), PCI_MSI_64);
}

static void fill_e1000(void)
{
	on_the_root_bus(0x8086100e);
	for (u32 at = 0x100; at < 0x4000; at += 4)
		memcpy(registers + at, "\x5a\x5a\x5a\x5a", 4);
	memcpy(registers + 0xd0, "\xff", 1);
}

static void test_e1000(void **state)
{
	static const u16 cleared[] = {0xd0, 0x100, 0x400, 0x2800, 0x2810, 0x3800, 0x3818};

	(void)state;
	fill_e1000();
	expect(PCI_RESET_DEVICE);
	for (u32 i = 0; i < ARRAY_SIZE(cleared); i++)
		assert_int_equal(read_register(BAR + cleared[i], 4), 0);
}

static void test_e1000_that_stays_in_reset(void **state)
{
	enum pci_reset_method method;

	(void)state;
	fill_e1000();
	rst_sticks = true;
	assert_int_equal(reset(&method), ERR_TIMEOUT);
	check_silent(endpoint, BAR);
}

/* A size that a reset changes back decides which address bits there are: it is restored first. */
static void rebar_wrote(struct fake_function *fake, u16 offset, u8 width, u32 value)
{
	wrote(fake, offset, width, value);
	if (offset == PCIE + 8 && value & 0x8000) {
		fake_pci_put(fake, REBAR + 8, 4, 0x20);
		fake->writable[PCI_BAR0 + 2] = 0;
	}
	if (offset == REBAR + 8 && value == 0x120)
		fake->writable[PCI_BAR0 + 2] = 0xfe;
}

static void test_resized_bar(void **state)
{
	enum pci_reset_method method;

	(void)state;
	give_flr();
	fake_pci_put(endpoint, REBAR, 4, 1 << 16 | 0x15);
	fake_pci_put(endpoint, REBAR + 8, 4, 0x120);
	endpoint->writable[REBAR + 9] = 0x3f;
	pci_scan(&topology, &ecam, 1);
	fake_pci_wrote = rebar_wrote;
	assert_int_equal(pci_reset(&topology, pci_find(&topology, endpoint->address),
				   (struct pci_reset_with){may, &owned}, &method),
			 OK);
	assert_int_equal(method, PCI_RESET_FLR);
	check_silent(endpoint, BAR);
}

static void test_found_in_d3(void **state)
{
	(void)state;
	give_flr();
	give_pm(8);
	fake_pci_put(endpoint, PM + 4, 2, 8 | 3);
	expect(PCI_RESET_FLR);
	assert_int_equal(fake_pci_get(endpoint, PM + 4, 2), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_flr, set_up),
		cmocka_unit_test_setup(test_flr_with_pending_transactions, set_up),
		cmocka_unit_test_setup(test_flr_of_a_slow_function, set_up),
		cmocka_unit_test_setup(test_flr_that_kills, set_up),
		cmocka_unit_test_setup(test_flr_that_kills_until_the_bus_is_reset, set_up),
		cmocka_unit_test_setup(test_flr_that_is_none, set_up),
		cmocka_unit_test_setup(test_comes_back_as_another, set_up),
		cmocka_unit_test_setup(test_does_not_take_its_bars, set_up),
		cmocka_unit_test_setup(test_af, set_up),
		cmocka_unit_test_setup(test_af_without_flr, set_up),
		cmocka_unit_test_setup(test_pm, set_up),
		cmocka_unit_test_setup(test_pm_that_resets_nothing, set_up),
		cmocka_unit_test_setup(test_pm_that_stays_in_d3, set_up),
		cmocka_unit_test_setup(test_bus, set_up),
		cmocka_unit_test_setup(test_bus_with_a_neighbour, set_up),
		cmocka_unit_test_setup(test_bus_with_anothers_neighbour, set_up),
		cmocka_unit_test_setup(test_bus_with_a_bridge_below, set_up),
		cmocka_unit_test_setup(test_no_way, set_up),
		cmocka_unit_test_setup(test_e1000, set_up),
		cmocka_unit_test_setup(test_e1000_that_stays_in_reset, set_up),
		cmocka_unit_test_setup(test_resized_bar, set_up),
		cmocka_unit_test_setup(test_found_in_d3, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
