// sources: hv/vm/vlapic.c hv/vm/ipi.c
#include "tests/host/vlapic_desk.h"

static const u32 lvts[] = {APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PMC,
			   APIC_LVT_LINT0, APIC_LVT_LINT1,   APIC_LVT_ERROR};

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(get(APIC_ID), ID << 24);
	set(APIC_ID, 0x12000000);
	assert_int_equal(writes, 0);
	assert_int_equal(get(APIC_VERSION), 0x01060015);
}

static void test_every_register(void **state)
{
	(void)state;
	every_register();
	assert_true(writes > 0 && sent > 0);
}

static void test_lvt_delivery(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(lvts); i++) {
		for (u32 mode = 0; mode < 8; mode++) {
			set(lvts[i], mode << 8 | 0x41);
			if (mode == 0 || lvts[i] == APIC_LVT_TIMER || lvts[i] == APIC_LVT_ERROR)
				assert_int_equal(last_value, 0x41); /* those two have no modes */
			else
				assert_int_equal(last_value, APIC_LVT_MASKED | 0x41);
			assert_int_equal(last_offset, lvts[i]);
		}
		set(lvts[i], APIC_LVT_MASKED);
		assert_int_equal(last_value, APIC_LVT_MASKED);
		set(lvts[i], 0x1f);
		assert_int_equal(last_value, APIC_LVT_MASKED | 0x1f);
		set(lvts[i], 0x20);
		assert_int_equal(last_value, 0x20);
	}
	set(APIC_LVT_TIMER, 0x20041);
	assert_int_equal(last_value, 0x20041);
	set(APIC_LVT_LINT0, 0xf041);
	assert_int_equal(last_value,
			 0xa041); /* polarity and trigger mode; the others are read only */
	set(APIC_LVT_TIMER, 0x40041);
	assert_int_equal(last_value, cpuid(1, 0).ecx & BIT(24) ? 0x40041 : 0x10041);
}

static void test_plain_registers(void **state)
{
	(void)state;
	set(APIC_TPR, 0xfffffff5);
	assert_int_equal(last_value, 0xf5);
	set(APIC_SVR, 0xffffffff);
	assert_int_equal(last_value, 0x1ff);
	set(APIC_SVR, 0x110); /* a spurious vector that would be an exception's */
	assert_int_equal(last_value, 0x1ff);
	set(APIC_TIMER_COUNT, 0xdeadbeef);
	assert_int_equal(last_value, 0xdeadbeef);
	set(APIC_TIMER_DIV, 0xffffffff);
	assert_int_equal(last_value, 0xb);
	set(APIC_ESR, 0xffffffff);
	assert_int_equal(last_value, 0);
	set(APIC_EOI, 0x12345678);
	assert_int_equal(last_offset, APIC_EOI);
	assert_int_equal(last_value, 0);
	assert_int_equal(vm.counters.eois, 1);
}

/* Each command by destination, shorthand and delivery mode: reaches this VM's CPU or nobody. */
static void test_commands(void **state)
{
	(void)state;
	for (u32 shorthand = 0; shorthand < 4; shorthand++)
		for (u32 mode = 0; mode < 8; mode++)
			for (u32 destination = 0; destination < 256; destination++) {
				bool hits =
					shorthand == 1 || shorthand == 2 ||
					(!shorthand && (destination == ID || destination == 0xff));

				sent = 0;
				set(APIC_ICR_HIGH, destination << 24 | 0xabcdef);
				set(APIC_ICR, shorthand << 18 | 0x4000 | mode << 8 | 0x51);
				assert_int_equal(sent, hits && mode < 2);
				assert_int_equal(get(APIC_ICR_HIGH), destination << 24);
			}
	sent = 0;
	for (u32 vector = 0; vector < 256; vector++)
		set(APIC_ICR, 0x44000 | vector);
	assert_int_equal(sent, 256 - 32);
	set(APIC_ICR, 0x45061);
	assert_int_equal(get(APIC_ICR), 0x44061); /* it is never seen waiting */
	assert_int_equal(sent_vector, 0x61);
	assert_int_equal(writes, 0);
}

static void test_logical_destinations(void **state)
{
	(void)state;
	assert_int_equal(vm_destination(&vm, 1, true), -1); /* after reset it is in no set */
	set(APIC_LDR, 0x04ffffff);
	assert_int_equal(get(APIC_LDR), 0x04000000);
	assert_int_equal(vm_destination(&vm, 0x04, true), 0);
	assert_int_equal(vm_destination(&vm, 0x0f, true), 0);
	assert_int_equal(vm_destination(&vm, 0xfb, true), -1);
	assert_int_equal(vm_destination(&vm, 0xff, true), 0);
	set(APIC_DFR, 0x0fffffff); /* clusters of four */
	assert_int_equal(get(APIC_DFR), 0x0fffffff);
	set(APIC_LDR, 0x24000000);
	assert_int_equal(vm_destination(&vm, 0x24, true), 0);
	assert_int_equal(vm_destination(&vm, 0x2f, true), 0);
	assert_int_equal(vm_destination(&vm, 0x14, true), -1);
	assert_int_equal(vm_destination(&vm, 0x28, true), -1);
	assert_int_equal(writes, 0); /* interrupts go by physical IDs: the APIC is not told */
}

static void test_no_registers_as_msrs(void **state)
{
	u64 value;

	(void)state;
	for (u32 index = 0x800; index < 0x900; index++) {
		assert_false(vlapic_msr_read(&vm, vcpu, index, &value));
		assert_false(vlapic_msr_write(&vm, vcpu, index, 0));
		assert_false(passes[index].read || passes[index].write);
	}
	assert_int_equal(writes + sent + eois, 0);
}

#define XAPIC(function) cmocka_unit_test_setup(function, xapic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		XAPIC(test_identity),
		XAPIC(test_every_register),
		XAPIC(test_lvt_delivery),
		XAPIC(test_plain_registers),
		XAPIC(test_commands),
		XAPIC(test_logical_destinations),
		XAPIC(test_no_registers_as_msrs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
