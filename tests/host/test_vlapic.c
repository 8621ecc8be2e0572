// sources: hv/vm/vlapic.c
#include "tests/host/harness.h"

#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "hv/vm/services.h"
#include "hv/vm/vlapic.h"
#include "hv/vm/vm.h"
#include "tests/host/random.h"

#define ID 5

struct services services;
static struct vm vm;
static struct vcpu *const vcpu = &vm.vcpu[0];

/* --- The physical APIC: what it is told, and that it would not raise #GP at it --- */

static bool wide; /* it is in x2APIC mode */
static u32 registers[0x400 / 16];
static u32 writes, last_offset, last_value, resets, eois, sent, sent_to;
static u8 sent_vector;

/* Bits that a write may have (SDM 11.5, 11.8, 11.9; in x2APIC mode others are a #GP, 11.12.1.3). */
static u32 legal(u32 offset)
{
	switch (offset) {
	case APIC_TPR:
		return 0xff;
	case APIC_SVR:
		return 0x1ff;
	case APIC_LVT_TIMER:
		return 0x700ff;
	case APIC_LVT_THERMAL:
	case APIC_LVT_PMC:
		return 0x107ff;
	case APIC_LVT_LINT0:
	case APIC_LVT_LINT1:
		return 0x1a7ff;
	case APIC_LVT_ERROR:
		return 0x100ff;
	case APIC_TIMER_COUNT:
		return ~0u;
	case APIC_TIMER_DIV:
		return 0xb;
	case APIC_EOI:
	case APIC_ESR:
		return 0;
	default:
		fail_msg("a guest reached register %#x", offset);
		return 0;
	}
}

/* Nothing that a guest writes gets there but its own vectors, in fixed mode. */
static void assert_harmless(u32 offset, u32 value)
{
	assert_int_equal(value & ~legal(offset), 0);
	if (offset >= APIC_LVT_TIMER && offset <= APIC_LVT_ERROR) {
		assert_int_equal(value & 0x700, 0);
		assert_true(value & APIC_LVT_MASKED || (value & 0xff) >= 32);
		assert_int_not_equal(value & 0x60000, 0x60000);
	}
	if (offset == APIC_SVR)
		assert_true((value & 0xff) >= 32);
}

void apic_write(u32 offset, u32 value)
{
	assert_harmless(offset, value);
	writes++;
	last_offset = offset;
	last_value = value;
	registers[offset / 16] = value;
}

u32 apic_read(u32 offset)
{
	assert_true(offset % 16 == 0 && offset < 0x400);
	return registers[offset / 16];
}

bool apic_is_x2apic(void)
{
	return wide;
}

void apic_reset(void)
{
	resets++;
}

void apic_eoi(void)
{
	eois++;
}

void apic_send_fixed(u32 destination, u8 vector)
{
	sent++;
	sent_to = destination;
	sent_vector = vector;
	assert_int_equal(destination, ID);
	assert_true(vector >= 32);
}

static struct {
	bool read, write;
} passes[0x1000];

static void pass(struct vcpu *of, u32 index, bool read, bool write)
{
	assert_ptr_equal(of, vcpu);
	assert_true(index >= 0x800 && index < 0x900);
	passes[index].read = read;
	passes[index].write = write;
}

static const struct vcpu_ops ops = {.msr_pass = pass};

static void begin(bool x2apic)
{
	memset(&vm, 0, sizeof(vm));
	memset(registers, 0, sizeof(registers));
	memset(passes, 0, sizeof(passes));
	wide = x2apic;
	vm.x2apic = x2apic;
	vm.vcpu_count = 1;
	vcpu->apic_id = ID;
	registers[APIC_ID / 16] = x2apic ? ID : ID << 24;
	registers[APIC_VERSION / 16] = 0x01060015;
	services.cpu = &ops;
	writes = resets = eois = sent = 0;
	vlapic_reset(&vm, vcpu);
	assert_int_equal(resets, 1);
}

static int xapic(void **state)
{
	(void)state;
	begin(false);
	return 0;
}

static int x2apic(void **state)
{
	(void)state;
	begin(true);
	return 0;
}

static int in_x2apic_mode(void **state)
{
	begin(true);
	(void)state;
	assert_true(vlapic_msr_write(&vm, vcpu, 0x1b, 0xfee00d00));
	return 0;
}

static u32 get(u32 offset)
{
	u32 value = 0x5a5a5a5a;

	assert_true(vlapic_mmio_read(&vm, vcpu, offset, &value));
	return value;
}

static void set(u32 offset, u32 value)
{
	assert_true(vlapic_mmio_write(&vm, vcpu, offset, value));
}

static bool set_msr(u32 offset, u64 value)
{
	return vlapic_msr_write(&vm, vcpu, 0x800 + offset / 16, value);
}

static bool set_base(u64 value)
{
	return vlapic_msr_write(&vm, vcpu, 0x1b, value);
}

static u64 base(void)
{
	u64 value;

	assert_true(vlapic_msr_read(&vm, vcpu, 0x1b, &value));
	return value;
}

static const u32 lvts[] = {APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PMC,
			   APIC_LVT_LINT0, APIC_LVT_LINT1,   APIC_LVT_ERROR};

/* --- xAPIC mode --- */

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(get(APIC_ID), ID << 24);
	set(APIC_ID, 0x12000000);
	assert_int_equal(writes, 0);
	assert_int_equal(get(APIC_VERSION), 0x01060015);
}

/* Whatever is written wherever: see apic_write() and apic_send_fixed() for what may come of it. */
static void every_register(void)
{
	static const u32 values[] = {0,		 1,	     0xff,	 0x10,	     0x1f,
				     0x20,	 0x400,	     0x4500,	 0x700,	     0x8700,
				     0x10000,	 0x20030,    0x40030,	 0x60030,    0xc4041,
				     0x84041,	 0x44041,    0x440ff,	 0xffffffff, 0x7fffffff,
				     0x80000000, 0x00010fff, 0x0001ffff, 0xfffeffff};

	for (u32 offset = 0; offset < PAGE_SIZE; offset += 16) {
		for (u32 i = 0; i < ARRAY_SIZE(values); i++)
			set(offset, values[i]);
		for (u32 i = 0; i < 200; i++)
			set(offset, (u32)random_u64());
		(void)get(offset);
	}
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
		XAPIC(test_identity),
		XAPIC(test_every_register),
		XAPIC(test_lvt_delivery),
		XAPIC(test_plain_registers),
		XAPIC(test_commands),
		XAPIC(test_logical_destinations),
		XAPIC(test_no_registers_as_msrs),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
