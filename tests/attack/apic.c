/* Attacks by the local APIC, which the VM owns, and by its IOAPIC: on other CPUs, and on its own. */
#include "guest/apic.h"

#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"
#include "tests/attack/probe.h"
#include "tests/attack/trial.h"

/* SDM vol. 3, "Advanced Programmable Interrupt Controller". */
#define APIC_PAGE	 0xFEE00000
#define APIC_LDR	 0x0D0
#define APIC_DFR	 0x0E0
#define APIC_SVR	 0x0F0
#define APIC_ICR	 0x300
#define APIC_ICR_HIGH	 0x310
#define ICR_LOGICAL	 BIT(11)
#define ICR_ASSERT	 BIT(14)
#define ICR_LEVEL	 BIT(15)
#define APIC_LVT_CMCI	 0x2F0
#define APIC_LVT_TIMER	 0x320
#define APIC_LVT_ERROR	 0x370
#define APIC_TIMER_COUNT 0x380
#define DELIVERIES	 8
#define DELIVERY_NMI	 4
#define DELIVERY_INIT	 5
#define ICR_SHORTHAND	 BITS(19, 18)
#define LOGICAL_ID	 1u /* in xAPIC mode: half of all destinations mean the VM itself */
#define SHORTHANDS	 4

#define MSR_APIC_BASE	 0x1B
#define APIC_BASE_BSP	 BIT(8)
#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ENABLE BIT(11)
#define MSR_X2APIC_ICR	 0x830
#define MSR_X2APIC_SELF	 0x83F
#define MSR_TSC_DEADLINE 0x6E0
#define LVT_PERIODIC	 0x20000
#define PERIOD		 1000000 /* a short one keeps QEMU as a whole busy */
#define LVT_TSC_DEADLINE 0x40000

#define IOAPIC_PAGE	   0xFEC00000
#define IOAPIC_DATA	   0x10
#define IOAPIC_FIRST_ENTRY 0x10
#define IOAPIC_PINS	   24

#define A_VECTOR 0x41

static bool is_x2apic(void)
{
	return msr_read(MSR_APIC_BASE) & APIC_BASE_X2APIC;
}

static void apic_write(u32 reg, u32 value)
{
	if (is_x2apic())
		(void)probe_write_msr(0x800 + reg / 16, value);
	else
		mmio_write32(APIC_PAGE + reg, value);
}

/*
 * An NMI or INIT that the VM has coming: the one its handler does not expect, the other stops its only CPU. With
 * a shorthand that has the sender in it there is none (SDM table 11-3).
 */
static bool hits_itself(bool x2apic, u32 destination, u32 low)
{
	u32 id = apic_id();
	u32 broadcast = x2apic ? 0xFFFFFFFF : 0xFF;
	u32 delivery = low >> 8 & 7;

	if ((delivery != DELIVERY_NMI && delivery != DELIVERY_INIT) || low & ICR_SHORTHAND)
		return false;
	if (destination == broadcast)
		return true;
	if (!(low & ICR_LOGICAL))
		return destination == id;
	if (!x2apic)
		return destination & LOGICAL_ID;
	return destination >> 16 == id >> 4 && destination & BIT(id & 15);
}

static void command(bool x2apic, u32 destination, u32 low)
{
	if (x2apic) {
		(void)probe_write_msr(MSR_X2APIC_ICR, (u64)destination << 32 | low);
	} else {
		mmio_write32(APIC_PAGE + APIC_ICR_HIGH, destination << 24);
		mmio_write32(APIC_PAGE + APIC_ICR, low);
	}
}

/* All delivery modes and shorthands, to that destination. */
static unsigned command_all(bool x2apic, u32 destination)
{
	static const u64 kinds[] = {ICR_ASSERT, ICR_LEVEL, ICR_ASSERT | ICR_LOGICAL,
				    ICR_ASSERT | ICR_LEVEL};
	unsigned count = 0;

	for (u32 delivery = 0; delivery < DELIVERIES; delivery++)
		for (u32 shorthand = 0; shorthand < (destination ? 1 : SHORTHANDS); shorthand++)
			for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
				u32 low = (u32)kinds[kind] | shorthand << 18 | delivery << 8 |
					  A_VECTOR;

				if (hits_itself(x2apic, destination, low))
					continue;
				command(x2apic, destination, low);
				count++;
			}
	return count;
}

static void begin(enum apic_mode mode)
{
	const char *problem = apic_init(mode);

	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	probe_init();
}

void attack_ipis(struct text value)
{
	static const u32 wide[] = {0x100, 0xFFFF, 0x1FFFF, 0xFFFF0001, 0xFFFFFFFF};
	unsigned count = 0;
	bool x2apic;

	begin(text_is(value, "x2apic") ? APIC_X2APIC : APIC_XAPIC);
	x2apic = is_x2apic();
	if (!x2apic) {
		apic_write(APIC_DFR, 0xFFFFFFFF);
		apic_write(APIC_LDR, LOGICAL_ID << 24);
	}
	for (u32 destination = 0; destination < 256; destination++)
		count += command_all(x2apic, destination);
	for (unsigned i = 0; x2apic && i < ARRAY_SIZE(wide); i++)
		count += command_all(true, wide[i]);
	for (u64 vector = 0; x2apic && vector < 256; vector++, count++)
		(void)probe_write_msr(MSR_X2APIC_SELF, vector);
	print("ipis: %u by %s\n", count, apic_mode_name());
}

#define VECTOR_NMI 2
#define NMI_WAIT   (50u * 1000 * 1000) /* turns of a loop */

/* It is never left, so that for this CPU no other NMI is to come. */
_Noreturn static void handle_nmi(void)
{
	run_console((struct text){0});
	print("result: ok\n");
	machine_exit(EXIT_OK);
}

void attack_in_nmi(struct text value)
{
	(void)value;
	begin(APIC_ANY);
	trial_set_gate(VECTOR_NMI, (const void *)(uintptr_t)handle_nmi);
	command(is_x2apic(), apic_id(), (u32)ICR_ASSERT | DELIVERY_NMI << 8);
	for (u32 i = 0; i < NMI_WAIT; i++)
		__asm__ volatile("pause");
	fail(EXIT_MACHINE, "an NMI to oneself does not come");
}

/* All that an LVT entry can say, the timer's while it runs. */
void attack_lvts(struct text value)
{
	static const u8 vectors[] = {0x00, 0x02, 0x08, 0x0E, 0x12, 0x1F,
				     0x20, 0xF0, 0xF1, 0xF2, 0xFF};

	(void)value;
	begin(APIC_ANY);
	for (u32 reg = APIC_LVT_TIMER; reg <= APIC_LVT_ERROR; reg += 0x10)
		for (u32 delivery = 0; delivery < DELIVERIES; delivery++)
			for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
				apic_write(APIC_TIMER_COUNT, PERIOD);
				apic_write(reg, LVT_PERIODIC | delivery << 8 | vectors[i]);
				apic_write(reg, delivery << 8 | vectors[i]);
				apic_write(APIC_TIMER_COUNT, 1);
			}
	apic_write(APIC_LVT_CMCI, 0x400);
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
		apic_write(APIC_SVR, 0x100 | vectors[i]);
	/* The timer's deadline: in the past, at once, and so far that it never comes. */
	apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | 0x31);
	for (unsigned i = 0; i < 100; i++) {
		(void)probe_write_msr(MSR_TSC_DEADLINE, 1);
		(void)probe_write_msr(MSR_TSC_DEADLINE, cpu_tsc() + 1);
		(void)probe_write_msr(MSR_TSC_DEADLINE, ~0ull);
		(void)probe_write_msr(MSR_TSC_DEADLINE, 0);
	}
}

static bool base_write(u64 value)
{
	return probe_write_msr(MSR_APIC_BASE, value);
}

/* Moves it, turns it off and on again; then its timer must run. */
void attack_apic_base(struct text value)
{
	u64 enabled = APIC_PAGE | APIC_BASE_BSP | APIC_BASE_ENABLE;
	unsigned moved = 0;

	(void)value;
	probe_init();
	for (u64 page = PAGE_SIZE; page < BIT(52); page *= 2)
		moved += base_write(page | APIC_BASE_ENABLE | APIC_BASE_BSP);
	moved += base_write(enabled | BIT(0)) + base_write(enabled | BIT(52));
	for (unsigned i = 0; i < 10; i++) {
		if (!base_write(APIC_PAGE | APIC_BASE_BSP))
			print("base: can't be turned off\n");
		if (mmio_read32(APIC_PAGE + APIC_SVR) != ~0u)
			print("base: it answers though it is off\n");
		mmio_write32(APIC_PAGE + APIC_ICR, 0x44500);
		if (!base_write(enabled))
			print("base: can't be turned on\n");
	}
	begin(APIC_ANY);
	apic_timer_measure();
	while (!apic_timer_elapsed())
		;
	print("base: %u moves, and the timer runs\n", moved);
}

/* Entries of all pins that say all that they can say, to all CPUs. */
void attack_ioapic(struct text value)
{
	static const u8 vectors[] = {0x02, 0x31, 0xF1};

	(void)value;
	for (u32 pin = 0; pin < IOAPIC_PINS; pin++)
		for (u32 low = 0; low < 0x10000; low += 0x100) {
			mmio_write32(IOAPIC_PAGE, IOAPIC_FIRST_ENTRY + 2 * pin + 1);
			mmio_write32(IOAPIC_PAGE + IOAPIC_DATA, low << 16);
			mmio_write32(IOAPIC_PAGE, IOAPIC_FIRST_ENTRY + 2 * pin);
			mmio_write32(IOAPIC_PAGE + IOAPIC_DATA,
				     low | vectors[(pin + (low >> 8)) % ARRAY_SIZE(vectors)]);
		}
	for (u32 n = 0; n < 0x100; n++) {
		mmio_write32(IOAPIC_PAGE, n);
		mmio_write32(IOAPIC_PAGE + IOAPIC_DATA, ~0u);
		mmio_write32(IOAPIC_PAGE + 0x40, n); /* EOI */
	}
}
