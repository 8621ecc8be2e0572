// sources: iommu/identity/identity.c
#include "tests/host/harness.h"

#include "drivers/ioapic.h"
#include "iommu/identity/identity.h"

#define ONLY(requester) ((struct iommu_source){.id = requester})

static struct iommu_domain domain;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(identity_ops.probe(NULL, NULL), OK);
	assert_int_equal(identity_ops.enable(&(struct interrupt_target){0}, true), OK);
	return identity_ops.domain_create(&domain, NULL) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return domain.live && identity_ops.domain_destroy(&domain) != OK ? -1 : 0;
}

static enum status map(u64 address, u64 to, u64 size, u32 prot)
{
	return identity_ops.map(&domain, iova(address), hpa(to), size, prot);
}

static void test_mappings(void **state)
{
	(void)state;
	assert_int_equal(map(MIB(1), MIB(1), MIB(16), PT_READ | PT_WRITE), OK);
	assert_int_equal(map(MIB(1), MIB(2), MIB(16), PT_READ | PT_WRITE), ERR_INVALID);
	assert_int_equal(map(0, GIB(1), MIB(1), PT_READ), ERR_INVALID);
	assert_int_equal(map(MIB(1), MIB(1), MIB(16), 0), ERR_INVALID);
	assert_int_equal(map(BIT(52), BIT(52), PAGE_SIZE, PT_READ), ERR_INVALID);
	assert_int_equal(map(BIT(52) - PAGE_SIZE, BIT(52) - PAGE_SIZE, 2 * PAGE_SIZE, PT_READ),
			 ERR_INVALID);
	assert_int_equal(identity_ops.unmap(&domain, iova(MIB(1)), MIB(16)), OK);
	assert_int_equal(identity_ops.domain_destroy(&domain), OK);
	assert_int_equal(map(MIB(1), MIB(1), MIB(16), PT_READ), ERR_INVALID);
	assert_int_equal(identity_ops.unmap(&domain, iova(MIB(1)), MIB(16)), ERR_INVALID);
}

static void test_one_domain(void **state)
{
	struct iommu_domain other = {0};
	struct sbdf nic = {0, 0x0018};

	(void)state;
	assert_true(identity_ops.identity);
	assert_false(identity_ops.has_reserved(nic));
	assert_int_equal(identity_ops.domain_create(&other, NULL), ERR_BUSY);
	assert_int_equal(identity_ops.attach(&other, nic), ERR_INVALID);
	assert_int_equal(identity_ops.domain_destroy(&other), ERR_INVALID);
	assert_int_equal(identity_ops.detach(&domain, nic), ERR_NOT_FOUND);
	assert_int_equal(identity_ops.attach(&domain, nic), OK);
	assert_int_equal(identity_ops.domain_destroy(&domain), ERR_BUSY);
	assert_int_equal(identity_ops.detach(&domain, nic), OK);
	assert_int_equal(identity_ops.usage().domains, 1);
	assert_int_equal(identity_ops.domain_destroy(&domain), OK);
	assert_int_equal(identity_ops.usage().domains, 0);
	assert_int_equal(identity_ops.domain_create(&domain, NULL), OK);
}

static void test_messages(void **state)
{
	struct iommu_interrupts interrupts;
	struct interrupt_target target = {.apic_id = 0x12, .vector = 0x40};
	struct msi_message message;

	(void)state;
	assert_int_equal(identity_ops.interrupts_alloc(ONLY(SBDF(0, 0, 3, 0)), 4, &interrupts), OK);
	for (u16 n = 0; n < 4; n++) {
		assert_int_equal(identity_ops.interrupt_set(&interrupts, n, &target), OK);
		target.vector++;
	}
	for (u16 n = 0; n < 4; n++) {
		message = identity_ops.msi_message(&interrupts, n);
		assert_int_equal(message.address, 0xfee12000);
		assert_int_equal(message.data, 0x40 + n);
	}
	target =
		(struct interrupt_target){.apic_id = 254, .vector = 0x20, .delivery = DELIVERY_NMI};
	assert_int_equal(identity_ops.interrupt_set(&interrupts, 3, &target), OK);
	message = identity_ops.msi_message(&interrupts, 3);
	assert_int_equal(message.address, 0xfeefe000);
	assert_int_equal(message.data, 0x420);
	assert_int_equal(identity_ops.interrupt_clear(&interrupts, 3), OK);

	assert_int_equal(identity_ops.interrupt_set(&interrupts, 4, &target), ERR_INVALID);
	assert_int_equal(identity_ops.interrupt_clear(&interrupts, 4), ERR_INVALID);
	/* All CPUs, and what the format would cut. */
	target.apic_id = 0xff;
	assert_int_equal(identity_ops.interrupt_set(&interrupts, 0, &target), ERR_UNSUPPORTED);
	target.apic_id = 0x112;
	assert_int_equal(identity_ops.interrupt_set(&interrupts, 0, &target), ERR_UNSUPPORTED);
	assert_int_equal(identity_ops.msi_message(&interrupts, 0).data, 0x40);
	assert_int_equal(identity_ops.interrupts_free(&interrupts), OK);
	assert_int_equal(interrupts.count, 0);
}

static void test_pins(void **state)
{
	struct iommu_interrupts interrupts;
	struct interrupt_target target = {.apic_id = 0x12, .vector = 0x40, .level = true};

	(void)state;
	assert_int_equal(identity_ops.interrupts_alloc_ioapic(0, 1, &interrupts), OK);
	assert_int_equal(identity_ops.interrupt_set(&interrupts, 0, &target), OK);
	assert_int_equal(identity_ops.ioapic_entry(&interrupts, 0, &target, true, false),
			 0x120000000000a040);
	target.level = false;
	assert_int_equal(identity_ops.ioapic_entry(&interrupts, 0, &target, false, true),
			 0x1200000000010040);
	target.delivery = DELIVERY_NMI;
	assert_int_equal(identity_ops.ioapic_entry(&interrupts, 0, &target, false, false),
			 0x1200000000000440);
	assert_int_equal(identity_ops.interrupts_free(&interrupts), OK);
}

/* What a translating unit could say, this one never says; a flush proves what needs no flush. */
static void test_nothing_is_translated(void **state)
{
	struct pt_flushed proof = {false};
	struct iommu_fault fault[4];

	(void)state;
	assert_int_equal(identity_ops.flush(&domain, iova(0), PAGE_SIZE, &proof), OK);
	assert_true(proof.done);
	assert_int_equal(identity_ops.faults(fault, ARRAY_SIZE(fault)), 0);
	assert_int_equal(identity_ops.address_bits(), 52);
	assert_true(identity_ops.x2apic_possible());
	assert_false(identity_ops.wide_apic_ids()); /* MSI addresses hold 8 bits */
	assert_int_equal(identity_ops.domain_destroy(&domain), OK);
	assert_int_equal(identity_ops.flush(&domain, iova(0), PAGE_SIZE, &proof), ERR_INVALID);
}

/* Blocks never overlap, and what was freed is there again. */
static void test_entries_run_out(void **state)
{
	struct iommu_interrupts block[64], more;
	u32 count = 0;

	(void)state;
	assert_int_equal(identity_ops.interrupts_alloc(ONLY(SBDF(0, 0, 3, 0)), 0, &more),
			 ERR_INVALID);
	while (count < ARRAY_SIZE(block) &&
	       identity_ops.interrupts_alloc(ONLY(SBDF(0, 0, 3, 0)), 64, &block[count]) == OK)
		count++;
	assert_in_range(count, 17, ARRAY_SIZE(block) - 1);
	for (u32 i = 0; i < count; i++)
		for (u32 j = 0; j < i; j++)
			assert_false(ranges_overlap(block[i].first, 64, block[j].first, 64));
	assert_int_equal(identity_ops.interrupts_alloc(ONLY(SBDF(0, 0, 3, 0)), 1, &more),
			 ERR_NO_MEMORY);
	more = block[5];
	assert_int_equal(identity_ops.interrupts_free(&block[5]), OK);
	assert_int_equal(identity_ops.interrupts_alloc(ONLY(SBDF(0, 0, 3, 0)), 64, &block[5]), OK);
	assert_int_equal(block[5].first, more.first);
	for (u32 i = 0; i < count; i++)
		assert_int_equal(identity_ops.interrupts_free(&block[i]), OK);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mappings),
		TEST(test_one_domain),
		TEST(test_messages),
		TEST(test_pins),
		TEST(test_nothing_is_translated),
		TEST(test_entries_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
