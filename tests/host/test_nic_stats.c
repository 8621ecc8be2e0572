// sources: drivers/nic_stats.c tests/host/fake_regs.c
#include "tests/host/fake_regs.h"

#include "drivers/nic_stats.h"

#define BAR 0xfebc0000ull

static u32 reads;
static u64 order[8];

static u64 read_counter(u64 address, u8 width)
{
	assert_int_equal(width, 4);
	order[reads++] = address - BAR;
	switch (address - BAR) {
	case 0x4074:
		return 11;
	case 0x4080:
		return 22;
	case 0x4088:
		return 0xfffffff0;
	case 0x408c:
		return 3;
	case 0x4090:
		return 0x44;
	case 0x4094:
		return 0x55;
	}
	fail_msg("no counter at 0x%lx", address - BAR);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	reads = 0;
	fake_regs = (struct fake_regs){.read = read_counter};
	return 0;
}

static const struct mmio registers = {(u8 *)BAR, KIB(128)};

static void counters_are_read_low_half_first(void **state)
{
	static const u16 device[] = {0x100e, 0x10d3};

	for (size_t i = 0; i < ARRAY_SIZE(device); i++) {
		struct pci_function nic = {.vendor_id = 0x8086, .device_id = device[i]};
		struct nic_stats stats;

		(void)set_up(state);
		assert_true(nic_stats_known(&nic));
		assert_true(nic_stats_read(&nic, &registers, &stats));
		assert_int_equal(stats.rx_packets, 11);
		assert_int_equal(stats.tx_packets, 22);
		assert_int_equal(stats.rx_bytes, 0x3fffffff0);
		assert_int_equal(stats.tx_bytes, 0x5500000044);
		assert_int_equal(reads, 6);
		for (u32 at = 1; at < reads; at++)
			if (order[at] == 0x408c || order[at] == 0x4094)
				assert_int_equal(order[at - 1], order[at] - 4);
	}
}

static void other_devices_are_not_touched(void **state)
{
	static const struct pci_function other[] = {
		{.vendor_id = 0x8086, .device_id = 0x29c0},
		{.vendor_id = 0x1af4, .device_id = 0x100e},
	};
	struct nic_stats stats;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		assert_false(nic_stats_known(&other[i]));
		assert_false(nic_stats_read(&other[i], &registers, &stats));
	}
	assert_int_equal(reads, 0);
}

static void a_small_register_range_is_refused(void **state)
{
	const struct pci_function nic = {.vendor_id = 0x8086, .device_id = 0x100e};
	const struct mmio small = {(u8 *)BAR, KIB(16)};
	struct nic_stats stats;

	(void)state;
	assert_false(nic_stats_read(&nic, &small, &stats));
	assert_int_equal(reads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(counters_are_read_low_half_first, set_up),
		cmocka_unit_test_setup(other_devices_are_not_touched, set_up),
		cmocka_unit_test_setup(a_small_register_range_is_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
