/* What a VM's neighbour does while the others attack: it keeps its memory, and counts interrupts. */
#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"

#define FIELD_START MIB(6)
#define FIELD_END   MIB(7)
#define FIELD_SIGN  0x5EED5EED00000000
#define FIRST_OWN   32

static u32 interrupts;

static void count_interrupt(void)
{
	interrupts++;
}

void attack_fill(struct text value)
{
	(void)value;
	for (u64 at = FIELD_START; at < FIELD_END; at += 8)
		*(volatile u64 *)(uintptr_t)at = FIELD_SIGN | (at - FIELD_START);
}

void attack_filled(struct text value)
{
	(void)value;
	for (u64 at = FIELD_START; at < FIELD_END; at += 8)
		if (*(volatile u64 *)(uintptr_t)at != (FIELD_SIGN | (at - FIELD_START)))
			fail(EXIT_DIGEST, "changed at %#llx", (unsigned long long)at);
	print("filled: unchanged\n");
}

void attack_listen(struct text value)
{
	const char *problem = apic_init(APIC_ANY);

	(void)value;
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	for (unsigned vector = FIRST_OWN; vector < VECTOR_SPURIOUS; vector++)
		traps_set_handler((enum vector)vector, count_interrupt);
	cpu_interrupts_on();
}

u32 interrupts_heard(void)
{
	return interrupts;
}

void attack_heard(struct text value)
{
	(void)value;
	print("heard: %u interrupts\n", interrupts);
}

/* An interrupt would be counted in its memory. */
void attack_guard(struct text value)
{
	attack_fill(value);
	attack_listen(value);
	print("guard: on\n");
	cpu_interrupts_off();
	for (;;)
		cpu_sleep();
}

/* Without a clock, as it is to give others the time to begin: all of it is exits. */
void attack_wait(struct text value)
{
	u64 count;

	read_numbers(value, &count, 1);
	for (u64 i = 0; i < count; i++)
		(void)port_in8(0x80);
}
