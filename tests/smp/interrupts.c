/* Interprocessor interrupts, timers and NMIs. */
#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "tests/smp/cpus.h"
#include "tests/smp/smp.h"

#define ROUNDS 50

static u32 before[CPUS_MAX];

static void note_counts(void)
{
	settle();
	for (u32 n = 0; n < cpu_count; n++)
		before[n] = cpus[n].counted;
}

/* Exactly those whose bit is set got one more each. */
static void expect_counts(u32 set)
{
	for (u32 n = 0; n < cpu_count; n++)
		WAIT_UNTIL(cpus[n].counted - before[n] >= (set >> n & 1));
	settle();
	for (u32 n = 0; n < cpu_count; n++)
		CHECK(cpus[n].counted - before[n] == (set >> n & 1));
}

static u32 all(void)
{
	return (u32)BIT(cpu_count) - 1;
}

static void expect_from(u32 destination, u32 command, u32 set)
{
	note_counts();
	icr_write(destination, command | VECTOR_COUNTED);
	expect_counts(set);
}

/* --- Physical destinations and shorthands --- */

static void send_to_each(struct cpu *self)
{
	for (u32 n = 0; n < cpu_count; n++)
		for (u32 round = 0; round < ROUNDS; round++) {
			u32 count = cpus[n].counted;

			icr_write(cpus[n].id, ICR_FIXED | VECTOR_COUNTED);
			WAIT_UNTIL(cpus[n].counted == count + 1);
		}
	self->progress++;
}

void smp_ipi(void)
{
	/* One sender after the other, as each waits for counts. */
	send_to_each(&cpus[0]);
	for (u32 n = 1; n < cpu_count; n++) {
		cpu_begin(&cpus[n], send_to_each);
		cpu_wait_idle(&cpus[n]);
	}
	expect_from(0, ICR_FIXED | ICR_SELF, 1);
	expect_from(0, ICR_FIXED | ICR_ALL, all());
	expect_from(0, ICR_FIXED | ICR_OTHERS, all() & ~1u);
	expect_from(cpus_broadcast(), ICR_FIXED, all());
	/* Of delivery modes that are reserved nothing comes. */
	expect_from(cpus_broadcast(), ICR_FIXED | 0x300, 0);
}

/* --- Logical destinations --- */

#define APIC_PAGE 0xFEE00000u
#define LDR	  0xD0
#define DFR	  0xE0

static volatile bool in_clusters;

static void set_logical_id(struct cpu *self)
{
	u32 number = (u32)(self - cpus);
	u32 id = in_clusters ? (number / 2) << 4 | 1u << number % 2 : 1u << number;

	mmio_write32(APIC_PAGE + DFR, in_clusters ? 0x0FFFFFFF : 0xFFFFFFFF);
	mmio_write32(APIC_PAGE + LDR, id << 24);
}

static void to_all_sets(u32 (*destination_of)(u32 set))
{
	for (u32 set = 1; set <= all(); set++)
		expect_from(destination_of(set), ICR_FIXED | ICR_LOGICAL, set);
}

static u32 flat(u32 set)
{
	return set;
}

/* IDs below 16 are in one cluster. */
static u32 x2apic_set(u32 set)
{
	u32 destination = 0;

	for (u32 n = 0; n < cpu_count; n++)
		if (set & BIT(n))
			destination |= 1u << cpus[n].id;
	return destination;
}

static u32 total_counts(void)
{
	u32 total = 0;

	for (u32 n = 0; n < cpu_count; n++)
		total += cpus[n].counted - before[n];
	return total;
}

static void lowest_priority(u32 destination)
{
	note_counts();
	icr_write(destination, ICR_LOWEST | ICR_LOGICAL | VECTOR_COUNTED);
	WAIT_UNTIL(total_counts() > 0);
	settle();
	CHECK(total_counts() == 1);
}

void smp_logical(void)
{
	if (cpus_x2apic()) {
		to_all_sets(x2apic_set);
		lowest_priority(x2apic_set(all()));
		return;
	}
	in_clusters = true;
	cpus_do(set_logical_id);
	expect_from(0x03, ICR_FIXED | ICR_LOGICAL, all() & 3);
	expect_from(0x12, ICR_FIXED | ICR_LOGICAL, all() & 8);
	expect_from(0x21, ICR_FIXED | ICR_LOGICAL, all() & 16);
	in_clusters = false;
	cpus_do(set_logical_id);
	to_all_sets(flat);
	lowest_priority(all());
}

/* --- Timers --- */

#define TICKS 20

static void apic_set(u32 reg, u32 value)
{
	if (cpus_x2apic())
		msr_write(0x800 + reg / 16, value);
	else
		mmio_write32(APIC_PAGE + reg, value);
}

static void tick(struct cpu *self)
{
	u32 first = self->ticks;

	cpu_interrupts_off();
	apic_set(0x3E0, 0x3);
	apic_set(0x320, 0x20000 | VECTOR_TICK);
	apic_set(0x380, 100000);
	while (self->ticks - first < TICKS)
		cpu_sleep();
	apic_set(0x320, 0x10000 | VECTOR_TICK);
	apic_set(0x380, 0);
	cpu_interrupts_on();
}

void smp_ticks(void)
{
	cpus_do(tick);
}

/* --- NMIs --- */

static volatile bool stop_spinning;

static void spin(struct cpu *self)
{
	cpu_interrupts_off();
	while (!stop_spinning)
		self->progress++;
	cpu_interrupts_on();
}

static void nmis_to(struct cpu *cpu)
{
	u32 count = cpu->nmis;

	for (u32 round = 1; round <= ROUNDS; round++) {
		icr_write(cpu->id, ICR_NMI);
		WAIT_UNTIL(cpu->nmis == count + round && !cpu->nmi_depth);
	}
	if (cpu == cpus)
		return;
	/* One during the handler comes after it, and further ones are the same one. */
	nmi_hold = true;
	icr_write(cpu->id, ICR_NMI);
	WAIT_UNTIL(cpu->nmi_depth == 1);
	icr_write(cpu->id, ICR_NMI);
	icr_write(cpu->id, ICR_NMI);
	settle();
	CHECK(cpu->nmis == count + ROUNDS + 1);
	nmi_hold = false;
	WAIT_UNTIL(cpu->nmis == count + ROUNDS + 2);
	settle();
	CHECK(cpu->nmis == count + ROUNDS + 2 && cpu->nmi_deepest == 1);
}

void smp_nmi(void)
{
	nmis_to(&cpus[0]);
	for (u32 n = 1; n < cpu_count; n++) {
		u64 progress = cpus[n].progress;

		nmis_to(&cpus[n]); /* it sleeps */
		stop_spinning = false;
		cpu_begin(&cpus[n], spin);
		WAIT_UNTIL(cpus[n].progress != progress);
		nmis_to(&cpus[n]);
		stop_spinning = true;
		cpu_wait_idle(&cpus[n]);
	}
	for (u32 n = 0; n < cpu_count; n++)
		before[n] = cpus[n].nmis;
	icr_write(0, ICR_NMI | ICR_OTHERS);
	for (u32 n = 1; n < cpu_count; n++)
		WAIT_UNTIL(cpus[n].nmis == before[n] + 1);
	CHECK(cpus[0].nmis == before[0]);
}

/* --- IDs that are not the VM's --- */

static bool is_own(u32 id)
{
	for (u32 n = 0; n < cpu_count; n++)
		if (cpus[n].id == id)
			return true;
	return false;
}

void smp_outside(void)
{
	u32 last = cpus_x2apic() ? 300 : 254;

	note_counts();
	for (u32 id = 0; id <= last; id++) {
		if (is_own(id))
			continue;
		icr_write(id, ICR_FIXED | VECTOR_COUNTED);
		icr_write(id, ICR_LOWEST | VECTOR_COUNTED);
		icr_write(id, ICR_NMI);
		icr_write(id, 0x4200); /* SMI */
		icr_write(id, ICR_INIT);
		icr_write(id, ICR_STARTUP | TRAP_PAGE);
	}
	expect_counts(0);
	CHECK(!trap_was_hit());
}
