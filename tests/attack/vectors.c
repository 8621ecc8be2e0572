/* Vector registers: XCR0 is the guest's own, and what is in them survives all that comes between. */
#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"
#include "tests/attack/vectors.h"

struct vectors {
	u64 ymm[16][4];
};

/* vectors.asm */
void vectors_load(const struct vectors *from);
void vectors_store(struct vectors *to);
void vectors_add(const u64 add[4]); /* as doubles */

#define CR4_OSFXSR  BIT(9)
#define CR4_OSXSAVE BIT(18)
#define XCR0_AVX    7 /* and x87 and SSE, without which it can't be */

#define UART_LSR 0x3FD
#define TICKS	 100
#define COUNTS	 2000 /* of the timer, a tick */

static volatile unsigned ticks;

static void tick(void)
{
	ticks++;
}

static void allow_xsetbv(void)
{
	u64 cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR | CR4_OSXSAVE));
}

static void try_value(u32 index, u64 value)
{
	bool taken = vectors_set(index, value);

	print("vectors: %#llx to %u %s, xcr0 %#llx\n", (unsigned long long)value, index,
	      taken ? "taken" : "refused", (unsigned long long)vectors_get());
}

/* What an earlier guest left in this CPU's registers. */
static void look_for_remains(void)
{
	struct vectors found;
	unsigned remains = 0;

	vectors_store(&found);
	for (unsigned n = 0; n < 16; n++)
		for (unsigned part = 0; part < 4; part++)
			remains += found.ymm[n][part] != 0;
	print("vectors: %u parts of registers are not zero\n", remains);
}

/* A number that a double holds: its sign, exponent and fraction as IEEE 754 has them. */
static u64 as_double(unsigned number)
{
	unsigned exponent = 31u - (unsigned)__builtin_clz(number);

	return (u64)(1023 + exponent) << 52 | ((u64)number << (52 - exponent) & BITS(51, 0));
}

static unsigned mark(unsigned n, unsigned part)
{
	return 16 * part + n + 1;
}

/* Exits of two kinds, until there were so many interrupts too. */
static void disturb(void)
{
	const char *problem = apic_init(APIC_ANY);

	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	traps_set_handler(VECTOR_TIMER, tick);
	ticks = 0;
	cpu_interrupts_on();
	apic_timer_periodic(COUNTS);
	while (ticks < TICKS) {
		(void)cpu_id(0);
		(void)port_in8(UART_LSR);
	}
	cpu_interrupts_off();
}

/* Adds before and after all that, in all registers. */
static void add(void)
{
	const u64 added[4] = {as_double(1), as_double(100), as_double(1000), as_double(100000)};
	const unsigned twice[4] = {2, 200, 2000, 200000};
	struct vectors vectors;
	unsigned wrong = 0;

	for (unsigned n = 0; n < 16; n++)
		for (unsigned part = 0; part < 4; part++)
			vectors.ymm[n][part] = as_double(mark(n, part));
	vectors_load(&vectors);
	vectors_add(added);
	disturb();
	vectors_add(added);
	vectors_store(&vectors);
	for (unsigned n = 0; n < 16; n++)
		for (unsigned part = 0; part < 4; part++)
			wrong += vectors.ymm[n][part] != as_double(mark(n, part) + twice[part]);
	print("vectors: %u of 64 sums are wrong, after exits and %u interrupts\n", wrong, TICKS);
}

void attack_vectors(struct text value)
{
	(void)value;
	vectors_init();
	print("vectors: before CR4.OSXSAVE %s\n", vectors_set(0, 1) ? "taken" : "refused");
	allow_xsetbv();
	print("vectors: xcr0 %#llx at the start\n", (unsigned long long)vectors_get());
	try_value(0, XCR0_AVX);
	look_for_remains();
	try_value(0, 1);
	try_value(0, 3);
	try_value(0, 0);
	try_value(0, 5);
	try_value(0, XCR0_AVX | BIT(9));
	try_value(0, XCR0_AVX | BIT(63));
	try_value(1, XCR0_AVX);
	try_value(0, XCR0_AVX);
	add();
}
