/* A vCPU's local APIC over a fake physical one, for the tests of both modes. */
#ifndef TESTS_HOST_VLAPIC_DESK_H
#define TESTS_HOST_VLAPIC_DESK_H

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
static inline u32 legal(u32 offset)
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
static inline void assert_harmless(u32 offset, u32 value)
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

/* What IPIs of the other kinds come to: see test_ipi.c. */
static u32 inits, startups, nmis;

void startup_send_init(struct vm *of, u32 target)
{
	assert_true(of == &vm && target == 0);
	inits++;
}

void startup_send_startup(struct vm *of, u32 target, u8 page)
{
	assert_true(of == &vm && target == 0);
	(void)page;
	startups++;
}

void startup_send_nmi(struct vm *of, u32 target)
{
	assert_true(of == &vm && target == 0);
	nmis++;
}

static struct {
	bool read, write;
} passes[0x1000];

static inline void pass(struct vcpu *of, u32 index, bool read, bool write)
{
	assert_ptr_equal(of, vcpu);
	assert_true(index >= 0x800 && index < 0x900);
	passes[index].read = read;
	passes[index].write = write;
}

static const struct vcpu_ops ops = {.msr_pass = pass};

static inline void begin(bool x2apic)
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
	writes = resets = eois = sent = inits = startups = nmis = 0;
	vlapic_reset(&vm, vcpu);
	assert_int_equal(resets, 1);
}

static inline int xapic(void **state)
{
	(void)state;
	begin(false);
	return 0;
}

static inline int x2apic(void **state)
{
	(void)state;
	begin(true);
	return 0;
}

static inline int in_x2apic_mode(void **state)
{
	begin(true);
	(void)state;
	assert_true(vlapic_msr_write(&vm, vcpu, 0x1b, 0xfee00d00));
	return 0;
}

static inline u32 get(u32 offset)
{
	u32 value = 0x5a5a5a5a;

	assert_true(vlapic_mmio_read(&vm, vcpu, offset, &value));
	return value;
}

static inline void set(u32 offset, u32 value)
{
	assert_true(vlapic_mmio_write(&vm, vcpu, offset, value));
}

static inline bool set_msr(u32 offset, u64 value)
{
	return vlapic_msr_write(&vm, vcpu, 0x800 + offset / 16, value);
}

static inline bool set_base(u64 value)
{
	return vlapic_msr_write(&vm, vcpu, 0x1b, value);
}

static inline u64 base(void)
{
	u64 value;

	assert_true(vlapic_msr_read(&vm, vcpu, 0x1b, &value));
	return value;
}

/* Whatever is written wherever: see apic_write() and apic_send_fixed() for what may come of it. */
static inline void every_register(void)
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

#endif
