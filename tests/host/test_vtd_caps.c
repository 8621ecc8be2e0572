// sources: iommu/vtd/caps.c
#include "tests/host/harness.h"

#include "hv/base/pt.h"
#include "iommu/vtd/caps.h"
#include "iommu/vtd/entries.h"

/* QEMU 7.2's unit, and a client chipset's with its queue and no snoop control. */
static void capabilities_are_decoded(void **state)
{
	struct vtd_caps caps = vtd_caps_decode(0x00d2008c22260206, 0xf00f4a);

	(void)state;
	assert_int_equal(caps.domains, 65536);
	assert_int_equal(caps.depths, BIT(3));
	assert_int_equal(caps.leaf_sizes, PT_4K | PT_2M | PT_1G);
	assert_int_equal(caps.address_bits, 39);
	assert_true(caps.page_selective);
	assert_int_equal(caps.max_address_mask, 18);
	assert_true(caps.drain_writes && caps.drain_reads);
	assert_int_equal(caps.fault_records, 1);
	assert_int_equal(caps.fault_offset, 0x220);
	assert_int_equal(caps.iotlb_offset, 0xf0);
	assert_int_equal(caps.registers_size, 0x230);
	assert_false(caps.coherent || caps.caching_mode || caps.write_buffer_flush);
	assert_true(caps.queued_invalidation && caps.interrupt_remapping);
	assert_false(caps.wide_apic_ids || caps.snoop_control || caps.protected_memory);
	assert_int_equal(caps.max_index_mask, 15);

	caps = vtd_caps_decode(0x00d2008c20660462, 0xf010da);
	assert_int_equal(caps.domains, 256);
	assert_int_equal(caps.depths, BIT(4));
	assert_true(caps.protected_memory && caps.wide_apic_ids && caps.snoop_control);
	assert_false(caps.device_tlbs || caps.device_throttling);
	caps = vtd_caps_decode(0x00d2008c20660462, 0x20000f010de);
	assert_true(caps.device_tlbs && caps.device_throttling);
	caps = vtd_caps_decode(0x00d2008c20660462, 0xf010d4); /* DT needs QI */
	assert_false(caps.device_tlbs);
}

static void the_least_depth_that_covers_is_taken(void **state)
{
	(void)state;
	assert_int_equal(vtd_caps_levels(BIT(3) | BIT(4), 39), 3);
	assert_int_equal(vtd_caps_levels(BIT(3) | BIT(4), 40), 4);
	assert_int_equal(vtd_caps_levels(BIT(3), 40), 0);
	assert_int_equal(vtd_caps_levels(BIT(4), 32), 4);
	assert_int_equal(vtd_caps_levels(0, 32), 0);
	assert_int_equal(vtd_address_bits(GIB(4)), 32);
	assert_int_equal(vtd_address_bits(GIB(4) + 1), 33);
	assert_int_equal(vtd_address_bits(1ull << 39), 39);
}

static void the_first_unmet_need_is_named(void **state)
{
	struct vtd_caps caps = vtd_caps_decode(0x00d2008c22260206, 0xf00f4a);
	struct vtd_wanted wanted = {.address_bits = 39};

	(void)state;
	assert_null(vtd_caps_unmet(&caps, &wanted, VTD_TO_ASSIGN));
	wanted.address_bits = 40;
	assert_string_equal(vtd_caps_unmet(&caps, &wanted, VTD_TO_ASSIGN)->name, "CAP.SAGAW");
	wanted.address_bits = 39;
	caps.interrupt_remapping = false;
	assert_null(vtd_caps_unmet(&caps, &wanted, VTD_TO_BLOCK));
	assert_string_equal(vtd_caps_unmet(&caps, &wanted, VTD_TO_ASSIGN)->name, "ECAP.IR");
}

static void expect_entry(struct vtd_entry entry, u64 high, u64 low)
{
	assert_true(entry.high == high);
	assert_true(entry.low == low);
}

/* Bit for bit as the specification's figures have them. */
static void entries_are_made_as_specified(void **state)
{
	struct interrupt_target target = {
		.apic_id = 0x12, .vector = 0x34, .delivery = 1, .level = true};

	(void)state;
	expect_entry(vtd_root_make(hpa(0x123456000)), 0, 0x123456001);
	expect_entry(vtd_context_make(hpa(0x7000), 3, 0xabcd), 0xabcd01, 0x7001);
	expect_entry(vtd_context_make(hpa(0x7000), 4, 1), 0x102, 0x7001);
	assert_true(vtd_irte_low_make(&target, false) == 0x0000120000340031);
	assert_true(vtd_irte_low_make(&target, true) == 0x0000001200340031);
	assert_true(vtd_irte_high_make((struct iommu_source){.id = {1, 0xf0f8}}) == 0x4f0f8);
	assert_true(vtd_irte_high_make((struct iommu_source){{1, 0xf0f8}, false, 2}) == 0x6f0f8);
	assert_true(vtd_irte_high_make((struct iommu_source){{1, 0x1200}, true, 0}) == 0x81212);
	expect_entry(vtd_inv_context_make(VTD_SELECTIVE, 0x12, 0x34), 0, 0x3400120031);
	expect_entry(vtd_inv_context_make(VTD_GLOBAL, 0, 0), 0, 0x11);
	expect_entry(vtd_inv_iotlb_make(VTD_SELECTIVE, 5, 0x8000, 3, true, true), 0x8003, 0x500f2);
	expect_entry(vtd_inv_iotlb_make(VTD_DOMAIN, 5, 0, 0, false, false), 0, 0x50022);
	expect_entry(vtd_inv_device_tlb_make(0x18, 0x123, 4), 0x7ffffffffffff001,
		     0x0120001800043003);
	expect_entry(vtd_inv_device_tlb_make(0x1234, 0, 32), 0x7ffffffffffff001, 0x123400000003);
	expect_entry(vtd_inv_interrupts_all_make(), 0, 4);
	expect_entry(vtd_inv_interrupts_make(0x20, 5), 0, 0x2028000014);
	expect_entry(vtd_inv_wait_make(hpa(0x9040), 7), 0x9040, 0x700000025);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_decoded),
		cmocka_unit_test(the_least_depth_that_covers_is_taken),
		cmocka_unit_test(the_first_unmet_need_is_named),
		cmocka_unit_test(entries_are_made_as_specified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
