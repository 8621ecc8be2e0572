// sources: hv/vm/vlapic.c hv/vm/ipi.c
#include "tests/host/vlapic_desk.h"

/* --- APIC_BASE --- */

static void test_base_without_x2apic(void **state)
{
	(void)state;
	assert_int_equal(base(), 0xfee00900);
	assert_false(set_base(0xfee00d00));
	assert_false(set_base(0xfee00500));
	assert_true(set_base(0xfee00100)); /* off */
	assert_int_equal(base(), 0xfee00100);
	set(APIC_TPR, 0x20);
	assert_int_equal(writes, 0);
	assert_int_equal(get(APIC_ID), 0xffffffff);
	assert_true(set_base(0xfee00900));
	assert_int_equal(get(APIC_ID), ID << 24);
}

static void test_base_moves(void **state)
{
	(void)state;
	assert_false(set_base(0xfed00900));
	assert_false(set_base(0x200900));
	assert_false(set_base(0x10fee00900ull));
	for (unsigned bit = 0; bit < 64; bit++)
		if (bit != 8 && bit != 10 && bit != 11)
			assert_false(set_base(0xfee00900ull ^ BIT(bit)));
	assert_int_equal(base(), 0xfee00900);
	assert_true(set_base(0xfee00800)); /* the boot processor's bit is what it is */
	assert_int_equal(base(), 0xfee00900);
}

/* Figure 11-27: from each state to each. */
static void test_transitions(void **state)
{
	static const u64 states[] = {0xfee00100, 0xfee00900, 0xfee00d00, 0xfee00500};
	static const bool allowed[3][4] = {
		{true, true, false, false},
		{true, true, true, false},
		{true, false, true, false},
	};

	(void)state;
	for (unsigned from = 0; from < 3; from++)
		for (unsigned to = 0; to < 4; to++) {
			begin(true);
			assert_true(from != 0 || set_base(states[0]));
			assert_true(from != 2 || set_base(states[2]));
			assert_int_equal(set_base(states[to]), allowed[from][to]);
			assert_int_equal(base(), states[allowed[from][to] ? to : from]);
			/* Registers without exits are the guest's only while it is in that mode. */
			assert_int_equal(passes[0x808].write, base() == states[2]);
			assert_int_equal(passes[0x80b].write, base() == states[2]);
		}
	assert_int_equal(writes, 0);
}

/* A guest in xAPIC mode on an APIC that is in x2APIC mode: values that the MSRs would refuse. */
static void test_every_register_on_x2apic(void **state)
{
	(void)state;
	assert_int_equal(get(APIC_ID), ID << 24);
	every_register();
}

/* --- x2APIC mode --- */

static void test_passed_registers(void **state)
{
	(void)state;
	for (u32 index = 0x800; index < 0x900; index++) {
		/* Nothing by which a guest reaches out, or that takes a vector, goes unseen. */
		bool may_write =
			index == 0x808 || index == 0x80b || index == 0x838 || index == 0x83e;

		assert_int_equal(passes[index].write, may_write);
	}
	assert_true(passes[0x802].read && passes[0x810].read && passes[0x827].read);
	assert_false(passes[0x830].read || passes[0x80e].read);
}

static void test_every_msr(void **state)
{
	(void)state;
	for (u32 index = 0x800; index < 0x900; index++) {
		u32 offset = (index - 0x800) * 16;

		for (u32 i = 0; i < 500; i++) {
			u64 value = i < 64 ? BIT(i) : random_u64() >> (i % 3 ? 32 : 0);
			bool done = vlapic_msr_write(&vm, vcpu, index, value);

			/* Reserved bits are the guest's #GP, not the hypervisor's. */
			if (done && offset != APIC_ICR)
				assert_int_equal(value >> 32, 0);
		}
	}
	assert_false(set_msr(APIC_ID, 0));
	assert_false(set_msr(APIC_DFR, 0));
	assert_false(set_msr(APIC_LDR, 0));
	assert_false(set_msr(APIC_ICR_HIGH, 0));
}

static void test_reserved_bits(void **state)
{
	(void)state;
	assert_true(set_msr(APIC_SVR, 0x1ff));
	assert_true(set_msr(APIC_SVR, 0x11ff)); /* no EOI broadcasts: taken, and not done */
	assert_int_equal(last_value, 0x1ff);
	assert_false(set_msr(APIC_SVR, 0x5ff));
	assert_false(set_msr(APIC_SVR, 0x21ff));
	assert_false(set_msr(APIC_LVT_TIMER, 0x2041));
	assert_false(set_msr(APIC_LVT_TIMER, 0x100041));
	assert_false(set_msr(APIC_LVT_ERROR, 0x20041));
	assert_true(set_msr(APIC_LVT_LINT0, 0x1a700)); /* ExtINT, masked */
	assert_int_equal(last_value, 0x1a000);
	assert_false(set_msr(APIC_EOI, 1));
	assert_true(set_msr(APIC_EOI, 0));
	assert_int_equal(eois, 1);
	assert_false(set_msr(APIC_ESR, 1));
	assert_true(set_msr(APIC_ESR, 0));
}

static void test_x2apic_commands(void **state)
{
	(void)state;
	assert_true(set_msr(APIC_ICR, (u64)ID << 32 | 0x4051));
	assert_int_equal(sent, 1);
	assert_true(set_msr(APIC_ICR, (u64)(ID + 1) << 32 | 0x4051));
	assert_true(set_msr(APIC_ICR, 0x0000010500004051ull));
	assert_true(set_msr(APIC_ICR, 0xc4051));
	assert_int_equal(sent, 1);
	for (u32 mode = 2; mode < 8; mode++)
		assert_true(set_msr(APIC_ICR, (u64)ID << 32 | 0x4051 | mode << 8));
	assert_int_equal(sent, 1);
	assert_true(set_msr(APIC_ICR, ~0ull << 32 | 0x4051));
	assert_int_equal(sent, 2);
	/* 11.12.10.2: logical ID of APIC ID 5 is bit 5 of cluster 0. */
	assert_true(set_msr(APIC_ICR, BIT(32 + 5) | 0x4851));
	assert_int_equal(sent, 3);
	assert_true(set_msr(APIC_ICR, BIT(32 + 6) | 0x4851));
	assert_true(set_msr(APIC_ICR, BIT(32 + 5) | BIT(48) | 0x4851));
	assert_int_equal(sent, 3);
	assert_true(set_msr(APIC_SELF_IPI, 0x71));
	assert_int_equal(sent, 4);
	assert_int_equal(sent_vector, 0x71);
	assert_true(set_msr(APIC_SELF_IPI, 0x1f));
	assert_int_equal(sent, 4);
	assert_false(set_msr(APIC_SELF_IPI, 0x171));
	assert_int_equal(writes, 0);
}

static void test_reads(void **state)
{
	u64 value;

	(void)state;
	for (u32 index = 0x800; index < 0x900; index++) {
		u32 offset = (index - 0x800) * 16;
		bool there = index == 0x802 || index == 0x803 || index == 0x808 || index == 0x80a ||
			     index == 0x80d || (index >= 0x80f && index <= 0x828) ||
			     index == 0x830 || (index >= 0x832 && index <= 0x839) || index == 0x83e;

		if (offset < 0x400 && offset != APIC_ICR)
			registers[offset / 16] = index;
		assert_int_equal(vlapic_msr_read(&vm, vcpu, index, &value), there);
		if (there && offset != APIC_ICR)
			assert_int_equal(value, index);
	}
	assert_true(set_msr(APIC_ICR, 0x1234567800005051ull));
	assert_true(vlapic_msr_read(&vm, vcpu, 0x830, &value));
	assert_int_equal(value, 0x1234567800004051ull);
}

/* 11.12.5.1: INIT leaves the mode as it is, and nothing else. */
static void test_init(void **state)
{
	(void)state;
	assert_true(set_msr(APIC_ICR, 0x1234567800004051ull));
	vlapic_reset(&vm, vcpu);
	assert_int_equal(resets, 2);
	assert_int_equal(base(), 0xfee00d00);
	assert_true(passes[0x808].write && passes[0x80b].write);
	assert_int_equal(vm.vlapic[0].icr | vm.vlapic[0].icr_high | vm.vlapic[0].ldr, 0);
	begin(true);
	assert_true(set_base(0xfee00100));
	vlapic_reset(&vm, vcpu);
	assert_int_equal(base(), 0xfee00900); /* one that is off could not be started */
}

/* Only the first CPU is the one that boots. */
static void test_boot_cpu(void **state)
{
	u64 value;

	(void)state;
	vm.vcpu_count = 2;
	vm.vlapic[1].mode = VLAPIC_XAPIC;
	assert_true(vlapic_msr_read(&vm, &vm.vcpu[1], 0x1b, &value));
	assert_int_equal(value, 0xfee00800);
	assert_int_equal(base(), 0xfee00d00);
}

static void test_no_page(void **state)
{
	(void)state;
	assert_int_equal(get(APIC_ID), 0xffffffff);
	set(APIC_ICR, 0x44051);
	set(APIC_EOI, 0);
	assert_int_equal(sent + writes + eois, 0);
}

#define XAPIC(function)	 cmocka_unit_test_setup(function, xapic)
#define X2APIC(function) cmocka_unit_test_setup(function, in_x2apic_mode)

int main(void)
{
	const struct CMUnitTest tests[] = {
		XAPIC(test_base_without_x2apic),
		cmocka_unit_test_setup(test_base_moves, x2apic),
		cmocka_unit_test_setup(test_transitions, x2apic),
		cmocka_unit_test_setup(test_every_register_on_x2apic, x2apic),
		X2APIC(test_passed_registers),
		X2APIC(test_every_msr),
		X2APIC(test_reserved_bits),
		X2APIC(test_x2apic_commands),
		X2APIC(test_reads),
		X2APIC(test_no_page),
		X2APIC(test_init),
		X2APIC(test_boot_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
