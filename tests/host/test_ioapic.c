// sources: drivers/ioapic.c drivers/pic.c hv/platform/gsi.c tests/host/fake_regs.c
#include "tests/host/fake_regs.h"

#include "drivers/ioapic.h"
#include "drivers/pic.h"
#include "hv/platform/gsi.h"

#define READ_ONLY (IOAPIC_ENTRY_PENDING | IOAPIC_ENTRY_REMOTE_IRR)

struct fake_ioapic {
	u64 address;
	u32 version; /* the register */
	u32 select;
	u64 entry[120];
	u8 eois[256];
	/* An entry that would deliver while its halves came from different writes. */
	u64 torn;
};

static struct fake_ioapic fakes[2];

static struct fake_ioapic *find(u64 address)
{
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		if (fakes[i].version && (address & ~0xffull) == fakes[i].address)
			return &fakes[i];
	return NULL;
}

static u64 read_reg(u64 address, u8 width)
{
	const struct fake_ioapic *fake = find(address);

	assert_int_equal(width, 4);
	if (!fake)
		return 0xffffffff;
	if ((address & 0xff) == 0)
		return fake->select;
	assert_int_equal(address & 0xff, 0x10);
	if (fake->select == 1)
		return fake->version;
	assert_true(fake->select >= 0x10);

	u64 entry = fake->entry[(fake->select - 0x10) / 2];

	return (u32)(fake->select & 1 ? entry >> 32 : entry);
}

static void end_level_interrupts(struct fake_ioapic *fake, u8 vector)
{
	assert_true((fake->version & 0xff) >= 0x20);
	fake->eois[vector]++;
	for (size_t pin = 0; pin < ARRAY_SIZE(fake->entry); pin++)
		if ((u8)fake->entry[pin] == vector)
			fake->entry[pin] &= ~IOAPIC_ENTRY_REMOTE_IRR;
}

static void write_entry(struct fake_ioapic *fake, u32 value)
{
	u64 *entry = &fake->entry[(fake->select - 0x10) / 2];

	assert_true((fake->select - 0x10) / 2 <= (fake->version >> 16 & 0xff));
	if (fake->select & 1) {
		if (!(*entry & IOAPIC_ENTRY_MASKED))
			fake->torn++;
		*entry = (u32)*entry | (u64)value << 32;
		return;
	}
	*entry = (*entry & (READ_ONLY | BITS(63, 32))) | (value & ~READ_ONLY);
	if (!(*entry & IOAPIC_ENTRY_LEVEL))
		*entry &= ~IOAPIC_ENTRY_REMOTE_IRR;
}

static void write_reg(u64 address, u8 width, u64 value)
{
	struct fake_ioapic *fake = find(address);

	assert_int_equal(width, 4);
	if (!fake)
		return;
	switch (address & 0xff) {
	case 0x00:
		fake->select = (u8)value;
		break;
	case 0x10:
		write_entry(fake, (u32)value);
		break;
	default:
		assert_int_equal(address & 0xff, 0x40);
		end_level_interrupts(fake, (u8)value);
	}
}

/* The driver keeps what was added, so all tests share the two that the first one adds. */
static void pins_are_masked_and_freed_when_added(void **state)
{
	static const struct madt madt = {
		.ioapic_count = 3,
		.ioapic = {{0, {0xfec00000}, 0}, {7, {0xfec10000}, 0}, {9, {0xfec20000}, 24}},
	};

	(void)state;
	fake_regs = (struct fake_regs){.read = read_reg, .write = write_reg};
	fakes[0] = (struct fake_ioapic){.address = 0xfec00000, .version = 0x00170020};
	fakes[1] = (struct fake_ioapic){.address = 0xfec20000, .version = 0x00770011};
	for (size_t pin = 0; pin < 120; pin++)
		fakes[0].entry[pin] = fakes[1].entry[pin] =
			(0xff0000000000a930 + pin) | IOAPIC_ENTRY_REMOTE_IRR;

	captured_log_clear();
	gsi_init(&madt);
	assert_int_equal(ioapic_count(), 2);
	assert_non_null(strstr(captured_log(), "ID 7 at 0xfec10000 is left out: not found"));
	for (size_t pin = 0; pin < 24; pin++)
		assert_int_equal(fakes[0].entry[pin], IOAPIC_ENTRY_MASKED);
	for (size_t pin = 0; pin < 120; pin++)
		assert_int_equal(fakes[1].entry[pin], IOAPIC_ENTRY_MASKED);
	assert_int_equal(fakes[0].eois[0x30], 1);
	assert_int_equal(fakes[0].torn + fakes[1].torn, 0);
}

static void check_pin(u32 gsi, u8 id, u8 pin)
{
	struct gsi_pin found;

	assert_true(gsi_find(gsi, &found));
	assert_int_equal(found.ioapic_id, id);
	assert_int_equal(found.pin, pin);
}

static void gsis_are_found(void **state)
{
	struct gsi_pin pin;

	(void)state;
	check_pin(0, 0, 0);
	check_pin(23, 0, 23);
	check_pin(24, 9, 0);
	check_pin(143, 9, 119);
	assert_false(gsi_find(144, &pin));
	assert_false(gsi_find(0xffffffff, &pin));
}

static void entries_are_written_whole(void **state)
{
	const u64 first = 0x1200000000000041 | IOAPIC_ENTRY_LEVEL | IOAPIC_ENTRY_ACTIVE_LOW;
	const u64 second = 0x3400000000000052;

	(void)state;
	ioapic_write_entry(16, first);
	assert_int_equal(fakes[0].entry[16], first);
	assert_int_equal(ioapic_read_entry(16), first);
	ioapic_write_entry(16, second);
	assert_int_equal(fakes[0].entry[16], second);
	ioapic_write_entry(16, second | IOAPIC_ENTRY_MASKED);
	assert_int_equal(fakes[0].entry[16], second | IOAPIC_ENTRY_MASKED);
	ioapic_write_entry(24 + 5, first);
	assert_int_equal(fakes[1].entry[5], first);
	assert_int_equal(fakes[0].entry[5], IOAPIC_ENTRY_MASKED);
	assert_int_equal(fakes[0].torn + fakes[1].torn, 0);
	ioapic_write_entry(144, first);
	assert_int_equal(ioapic_read_entry(144), IOAPIC_ENTRY_MASKED);
}

/* The EOI register would end another VM's interrupt too, if it chose the same vector. */
static void eoi_is_for_one_pin_only(void **state)
{
	const u64 entry = 0x1200000000000093 | IOAPIC_ENTRY_LEVEL;

	(void)state;
	ioapic_write_entry(17, entry);
	ioapic_write_entry(18, entry);
	fakes[0].entry[17] |= IOAPIC_ENTRY_REMOTE_IRR;
	fakes[0].entry[18] |= IOAPIC_ENTRY_REMOTE_IRR;
	ioapic_eoi(17);
	assert_int_equal(fakes[0].entry[17], entry);
	assert_int_equal(fakes[0].entry[18], entry | IOAPIC_ENTRY_REMOTE_IRR);
	assert_int_equal(fakes[0].eois[0x93], 0);
	assert_int_equal(fakes[0].torn, 0);
}

static void eoi_keeps_the_entry(void **state)
{
	const u64 entry = 0x1200000000000044 | IOAPIC_ENTRY_LEVEL;

	(void)state;
	ioapic_write_entry(25, entry);
	fakes[1].entry[1] |= IOAPIC_ENTRY_REMOTE_IRR;
	ioapic_eoi(25);
	assert_int_equal(fakes[1].entry[1], entry);
	ioapic_write_entry(25, entry | IOAPIC_ENTRY_MASKED);
	fakes[1].entry[1] |= IOAPIC_ENTRY_REMOTE_IRR;
	ioapic_eoi(25);
	assert_int_equal(fakes[1].entry[1], entry | IOAPIC_ENTRY_MASKED);
	assert_int_equal(fakes[1].torn, 0);
	ioapic_eoi(1000);
}

static void overrides_rule_isa_interrupts(void **state)
{
	static const struct madt madt = {
		.override_count = 2,
		.override = {{.source = 0, .gsi = 2}, {.source = 10, .gsi = 10, .level = true}},
	};

	(void)state;
	assert_int_equal(gsi_of_isa(&madt, 0), 2);
	assert_int_equal(gsi_of_isa(&madt, 4), 4);
	assert_false(gsi_mode_isa(&madt, 4).level);
	assert_false(gsi_mode_isa(&madt, 4).active_low);
	assert_true(gsi_mode_isa(&madt, 10).level);
	assert_false(gsi_mode_pci(&madt, 10).active_low);
	assert_true(gsi_mode_pci(&madt, 10).level);
	assert_true(gsi_mode_pci(&madt, 16).level);
	assert_true(gsi_mode_pci(&madt, 16).active_low);
	assert_true(gsi_mode_pci(&madt, 11).active_low);
}

static u16 written_port[32];
static u8 written[32];
static u32 written_count;

static void port_out(u16 port, u8 width, u32 value)
{
	assert_int_equal(width, 1);
	written_port[written_count] = port;
	written[written_count++] = (u8)value;
}

static void the_pic_is_moved_and_masked(void **state)
{
	static const u16 ports[] = {0x21, 0xa1, 0x20, 0x21, 0x21, 0x21,
				    0x21, 0xa0, 0xa1, 0xa1, 0xa1, 0xa1};
	static const u8 values[] = {0xff, 0xff, 0x11, 0x20, 0x04, 0x01,
				    0xff, 0x11, 0x28, 0x02, 0x01, 0xff};

	(void)state;
	fake_regs.port_out = port_out;
	pic_disable();
	assert_int_equal(written_count, ARRAY_SIZE(ports));
	assert_memory_equal(written_port, ports, sizeof(ports));
	assert_memory_equal(written, values, sizeof(values));
}

static enum status no_map(u64 address, u64 size)
{
	(void)address;
	(void)size;
	return ERR_EXISTS;
}

static void what_cannot_be_used_is_refused(void **state)
{
	(void)state;
	fake_regs.map = no_map;
	assert_int_equal(ioapic_add(1, hpa(0xfec00000), 300), ERR_EXISTS);
	fake_regs.map = NULL;
	fakes[1].version = 0x00780020; /* more pins than there can be */
	assert_int_equal(ioapic_add(1, hpa(fakes[1].address), 300), ERR_NOT_FOUND);
	fakes[1].version = 0x00770011;
	assert_int_equal(ioapic_count(), 2);
	for (u32 i = 2; i < IOAPIC_MAX; i++)
		assert_int_equal(ioapic_add(1, hpa(0xfec00000), 1000 + 24 * i), OK);
	assert_int_equal(ioapic_add(1, hpa(0xfec00000), 3000), ERR_NO_MEMORY);
	assert_int_equal(ioapic_count(), IOAPIC_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pins_are_masked_and_freed_when_added),
		cmocka_unit_test(gsis_are_found),
		cmocka_unit_test(entries_are_written_whole),
		cmocka_unit_test(eoi_is_for_one_pin_only),
		cmocka_unit_test(eoi_keeps_the_entry),
		cmocka_unit_test(overrides_rule_isa_interrupts),
		cmocka_unit_test(the_pic_is_moved_and_masked),
		cmocka_unit_test(what_cannot_be_used_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
