// sources: drivers/pci_scan.c drivers/pci_bars.c drivers/pci_caps.c drivers/pci_silence.c
// sources: drivers/pci_reset.c drivers/pci_saved.c drivers/device_reset.c
// sources: tests/host/fake_pci.c tests/host/fake_regs.c
/* Function level resets, and what a function is like after any reset. */
#include "tests/host/pci_reset_desk.h"

static void give_flr(void)
{
	fake_pci_put(endpoint, PCIE + 4, 4, (u32)BIT(28));
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
				   (struct pci_reset_with){may, &owned, meanwhile}, &method),
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
		cmocka_unit_test_setup(test_no_way, set_up),
		cmocka_unit_test_setup(test_resized_bar, set_up),
		cmocka_unit_test_setup(test_found_in_d3, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
