// sources: hv/vm/vioapic.c hv/vm/route.c tests/host/fake_vm.c
// sources: tests/host/fake_vm_functions.c tests/host/fake_pci.c tests/host/fake_regs.c
// sources: hv/vm/vpci.c hv/vm/vpci_check.c hv/vm/vpci_config.c hv/vm/vpci_bar.c hv/vm/vpci_place.c
// sources: hv/vm/vpci_access.c hv/vm/vpci_msi.c hv/vm/vpci_msix.c drivers/pci_print.c drivers/pci_caps.c
#include "tests/host/fake_vm.h"

/* The virtual IOAPIC: its registers, physical pins that follow it, the console's virtual pin. */

#define VM	 (&machine.vm)
#define PIN	 9
#define GSI	 21
#define PHYSICAL (machine.pin[GSI])

#define MASKED	   0x10000u
#define LEVEL	   0x8000u
#define ACTIVE_LOW 0x2000u
#define REMOTE_IRR 0x4000u
#define LOGICAL	   0x0800u

static u32 get(u32 index)
{
	vioapic_write(VM, 0x00, index);
	assert_int_equal(vioapic_read(VM, 0x00), index & 0xff);
	return vioapic_read(VM, 0x10);
}

static void set(u32 index, u32 value)
{
	vioapic_write(VM, 0x00, index);
	vioapic_write(VM, 0x10, value);
}

static u32 low(void)
{
	return get(0x10 + 2 * PIN);
}

static void set_low(u32 value)
{
	set(0x10 + 2 * PIN, value);
}

static void set_high(u32 value)
{
	set(0x11 + 2 * PIN, value);
}

static const struct fake_entry *back(void)
{
	assert_int_equal(vioapic_back(VM, PIN, GSI, true), OK);
	return &machine.entry[VM->vioapic.pin[PIN].interrupts.first];
}

static void registers(void **state)
{
	(void)state;
	assert_int_equal(get(0x01), 0x00170020);
	assert_int_equal(get(0x00), 0);
	set(0x00, 0xffffffff);
	assert_int_equal(get(0x00), 0x0f000000);
	assert_int_equal(get(0x02), 0x0f000000);
	set(0x01, 0);
	assert_int_equal(get(0x01), 0x00170020);
	assert_int_equal(get(0x03), 0xffffffff);
	assert_int_equal(get(0x0f), 0xffffffff);
	assert_int_equal(get(0x40), 0xffffffff);
	assert_int_equal(get(0x3ff), 0xffffffff);
	set(0x40, 0);
	set(0xff, 0);
	assert_int_equal(vioapic_read(VM, 0x20), 0xffffffff);
	assert_int_equal(vioapic_read(VM, 0x14), 0xffffffff);
	vioapic_write(VM, 0xffc, 0);
}

static void entries_store_what_they_can(void **state)
{
	(void)state;
	for (u32 n = 0; n < 24; n++) {
		assert_int_equal(get(0x10 + 2 * n), MASKED);
		assert_int_equal(get(0x11 + 2 * n), 0);
		set(0x11 + 2 * n, 0xffffffff);
		set(0x10 + 2 * n, 0xffffffff);
		assert_int_equal(get(0x10 + 2 * n), 0x1afff);
		assert_int_equal(get(0x11 + 2 * n), 0xff000000);
		set(0x10 + 2 * n, 0x10000 + n);
		assert_int_equal(get(0x10 + 2 * n), 0x10000 + n);
		assert_int_equal(get(0x11 + 2 * n), 0xff000000);
	}
}

static void backing(void **state)
{
	(void)state;
	assert_int_equal(vioapic_back(VM, 24, GSI, true), ERR_INVALID);
	assert_int_equal(vioapic_back(VM, 255, GSI, true), ERR_INVALID);
	assert_int_equal(vioapic_back(VM, VUART_IRQ, GSI, true), ERR_BUSY);
	assert_int_equal(vioapic_back(VM, PIN, FAKE_GSIS, true), ERR_NOT_FOUND);
	machine.refuse_alloc = true;
	assert_int_equal(vioapic_back(VM, PIN, GSI, true), ERR_NO_MEMORY);
	machine.refuse_alloc = false;
	back();
	assert_int_equal(vioapic_back(VM, PIN, 20, true), ERR_BUSY);
	assert_true(PHYSICAL & MASKED);
	assert_true(machine.entry[0].ioapic);
}

/* Two pins would take turns at rewriting the one physical entry. */
static void one_line_one_pin(void **state)
{
	u8 pin = 99;

	(void)state;
	assert_false(vioapic_find(VM, GSI, &pin));
	back();
	assert_int_equal(vioapic_back(VM, PIN + 1, GSI, true), ERR_EXISTS);
	assert_true(vioapic_find(VM, GSI, &pin));
	assert_int_equal(pin, PIN);
	vioapic_release(VM);
	assert_false(vioapic_find(VM, GSI, &pin));
}

/* A guest may have programmed the pin before a line was there. */
static void backing_takes_up_the_entry(void **state)
{
	(void)state;
	set_low(LEVEL | 0x31);
	assert_int_equal(PHYSICAL, 0);
	back();
	assert_int_equal(PHYSICAL & 0xff, 0x31);
	assert_false(PHYSICAL & MASKED);
}

static void physical_pin_follows(void **state)
{
	const struct fake_entry *entry = back();

	(void)state;
	set_high(0);
	set_low(LEVEL | ACTIVE_LOW | 0x31);
	assert_true(entry->set);
	assert_int_equal(entry->target.vector, 0x31);
	assert_int_equal(entry->target.apic_id, FAKE_APIC_ID);
	assert_true(entry->target.level);
	/* The remappable format, with the vector and the trigger mode that the entry has. */
	assert_int_equal(PHYSICAL, BIT(48) | LEVEL | ACTIVE_LOW | 0x31);
	set_low(LEVEL | ACTIVE_LOW | MASKED | 0x31);
	assert_int_equal(PHYSICAL, BIT(48) | LEVEL | ACTIVE_LOW | MASKED | 0x31);
	assert_int_equal(machine.sets, 1);
	set_low(0x42);
	assert_false(entry->target.level);
	/* Polarity is the platform's, whatever the guest says. */
	assert_int_equal(PHYSICAL, BIT(48) | ACTIVE_LOW | 0x42);
	assert_int_equal(low(), 0x42);
}

static void polarity_of_an_active_high_line(void **state)
{
	(void)state;
	assert_int_equal(vioapic_back(VM, PIN, GSI, false), OK);
	set_low(LEVEL | ACTIVE_LOW | 0x31);
	assert_int_equal(PHYSICAL, BIT(48) | LEVEL | 0x31);
}

static void hostile_entries_are_masked(void **state)
{
	static const u32 bad[] = {
		0x00, /* vectors below 32 */
		0x0f,
		0x10,
		0x1f | LEVEL,
		0x0231,			  /* SMI */
		0x0131 | LOGICAL | LEVEL, /* lowest priority is fine, but not to nobody */
		0x0331,			  /* reserved */
		0x0400,			  /* NMI */
		0x0431,
		0x0531, /* INIT */
		0x0631,
		0x0731, /* ExtINT */
	};
	const struct fake_entry *entry = back();

	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
		set_low(LEVEL | 0x31);
		assert_false(PHYSICAL & MASKED);
		set_low(bad[n]);
		assert_int_equal(low(), bad[n]);
		assert_int_equal(PHYSICAL, MASKED);
		assert_false(entry->set);
	}
	set_low(LEVEL | 0x20);
	assert_false(PHYSICAL & MASKED);
	assert_int_equal(entry->target.vector, 0x20);
}

static void foreign_destinations_are_masked(void **state)
{
	(void)state;
	back();
	set_low(LEVEL | 0x31);
	for (u32 id = 1; id < 0xff; id++) {
		set_high(id << 24);
		assert_int_equal(PHYSICAL, MASKED);
	}
	set_high(0xff000000);
	assert_false(PHYSICAL & MASKED);
	set_high(0x01000000);
	set_low(LEVEL | LOGICAL | 0x0131);
	assert_false(PHYSICAL & MASKED);
	assert_int_equal(machine.entry[0].target.delivery, DELIVERY_FIXED);
}

/* Linux masks a level pin while it is in service; the EOI must still find it. */
static void masking_keeps_remote_irr(void **state)
{
	(void)state;
	back();
	set_low(LEVEL | 0x31);
	PHYSICAL |= REMOTE_IRR;
	assert_int_equal(low(), LEVEL | REMOTE_IRR | 0x31);
	set_low(LEVEL | MASKED | 0x31);
	assert_true(PHYSICAL & REMOTE_IRR);
	assert_true(PHYSICAL & LEVEL);
	assert_int_equal(low(), LEVEL | MASKED | REMOTE_IRR | 0x31);
	set_low(LEVEL | 0x31);
	assert_true(PHYSICAL & REMOTE_IRR);
	PHYSICAL &= ~(u64)REMOTE_IRR;
	assert_int_equal(low(), LEVEL | 0x31);
}

/* Another vector while it is in service: the EOI will be for the old one, so remote IRR must go now. */
static void new_vector_does_not_wedge(void **state)
{
	(void)state;
	back();
	set_low(LEVEL | 0x31);
	PHYSICAL |= REMOTE_IRR;
	set_low(LEVEL | 0x42);
	assert_int_equal(PHYSICAL, BIT(48) | LEVEL | ACTIVE_LOW | 0x42);
	PHYSICAL |= REMOTE_IRR;
	set_low(MASKED);
	assert_int_equal(PHYSICAL, MASKED);
	assert_int_equal(low(), MASKED);
	set_low(LEVEL | 0x42);
	assert_int_equal(PHYSICAL, BIT(48) | LEVEL | ACTIVE_LOW | 0x42);
}

static void eoi_register(void **state)
{
	(void)state;
	back();
	assert_int_equal(vioapic_back(VM, PIN + 1, 5, true), OK);
	set_low(LEVEL | 0x31);
	set(0x10 + 2 * (PIN + 1), 0x31); /* edge */
	PHYSICAL |= REMOTE_IRR;
	vioapic_write(VM, 0x40, 0x32);
	assert_true(PHYSICAL & REMOTE_IRR);
	vioapic_write(VM, 0x40, 0x31);
	assert_false(PHYSICAL & REMOTE_IRR);
	assert_int_equal(machine.eois[GSI], 1);
	assert_int_equal(machine.eois[5], 0);
	/* Not for a vector that is no longer the pin's. */
	set_low(MASKED);
	vioapic_write(VM, 0x40, 0);
	assert_int_equal(machine.eois[GSI], 1);
}

static void entry_that_fails_is_masked(void **state)
{
	(void)state;
	back();
	machine.refuse_set = true;
	set_low(LEVEL | 0x31);
	assert_int_equal(PHYSICAL, MASKED);
	machine.refuse_set = false;
	set_low(LEVEL | 0x31);
	assert_false(PHYSICAL & MASKED);
}

/* A guest can have a broken unit fail for ever, and must not fill the log with it. */
static void errors_are_told_a_few_times(void **state)
{
	unsigned told = 0;

	(void)state;
	back();
	machine.refuse_set = true;
	for (unsigned n = 0; n < 1000; n++)
		set_low(LEVEL | (0x20 + n % 0xe0));
	for (const char *at = captured_log(); (at = strstr(at, "can't be set")); at++)
		told++;
	assert_in_range(told, 1, 16);
}

static void virtual_pin(void **state)
{
	(void)state;
	vioapic_raise(VM, VUART_IRQ);
	assert_int_equal(machine.ipis, 0);
	set(0x10 + 2 * VUART_IRQ, 0x34);
	/* The edge that came while it was masked is lost. */
	assert_int_equal(machine.ipis, 0);
	vioapic_raise(VM, VUART_IRQ);
	assert_int_equal(machine.ipis, 1);
	assert_int_equal(machine.ipi_apic_id, FAKE_APIC_ID);
	assert_int_equal(machine.ipi_vector, 0x34);
	set(0x10 + 2 * VUART_IRQ, MASKED | 0x34);
	vioapic_raise(VM, VUART_IRQ);
	set(0x10 + 2 * VUART_IRQ, 0x0434);
	vioapic_raise(VM, VUART_IRQ);
	set(0x10 + 2 * VUART_IRQ, 0x0f);
	vioapic_raise(VM, VUART_IRQ);
	set(0x10 + 2 * VUART_IRQ, 0x34);
	set(0x11 + 2 * VUART_IRQ, 0x05000000);
	vioapic_raise(VM, VUART_IRQ);
	vioapic_raise(VM, 24);
	vioapic_raise(VM, 5);
	assert_int_equal(machine.ipis, 1);
	/* No physical pin was touched by it. */
	assert_int_equal(machine.pin[VUART_IRQ], 0);
}

static void physical_pins_are_not_raised(void **state)
{
	(void)state;
	back();
	set_low(0x34);
	vioapic_raise(VM, PIN);
	assert_int_equal(machine.ipis, 0);
}

static void release(void **state)
{
	(void)state;
	back();
	set_low(LEVEL | 0x31);
	PHYSICAL |= REMOTE_IRR;
	set(0x10 + 2 * VUART_IRQ, 0x34);
	vioapic_release(VM);
	assert_int_equal(PHYSICAL, MASKED);
	assert_true(low() & MASKED);
	for (unsigned n = 0; n < FAKE_ENTRIES; n++)
		assert_false(machine.entry[n].allocated);
	/* The guest's registers no longer reach it. */
	set_low(LEVEL | 0x31);
	assert_int_equal(PHYSICAL, MASKED);
	/* Input for the console of a VM that ended. */
	vioapic_raise(VM, VUART_IRQ);
	assert_int_equal(machine.ipis, 0);
	assert_int_equal(get(0x10 + 2 * VUART_IRQ), MASKED | 0x34);
}

#define TEST(name) cmocka_unit_test_setup(name, fake_vm_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers),
		TEST(entries_store_what_they_can),
		TEST(backing),
		TEST(one_line_one_pin),
		TEST(backing_takes_up_the_entry),
		TEST(physical_pin_follows),
		TEST(polarity_of_an_active_high_line),
		TEST(hostile_entries_are_masked),
		TEST(foreign_destinations_are_masked),
		TEST(masking_keeps_remote_irr),
		TEST(new_vector_does_not_wedge),
		TEST(eoi_register),
		TEST(entry_that_fails_is_masked),
		TEST(errors_are_told_a_few_times),
		TEST(virtual_pin),
		TEST(physical_pins_are_not_raised),
		TEST(release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
