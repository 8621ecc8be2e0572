/*
 * A guest that runs random instructions in random modes: "seed=N rounds=N [first=N]". The same seed gives the
 * same bursts, whichever is the first. Whatever becomes of it, the hypervisor is to go on.
 */
#include "guest/boot.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "hv/vm/words.h"
#include "tests/random/random.h"

/* Called by start.asm. */
void guest_main(u32 magic, u32 info);
/* Called by modes.asm. */
void burst_lost(u64 vector);

#define EXIT_LOST 77

/* --- Chance: xorshift64*, begun anew for each round --- */

static u64 state;

u64 random_number(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1d;
}

u32 random_below(u32 bound)
{
	return (u32)((random_number() >> 32) * bound >> 32);
}

bool random_percent(u32 percent)
{
	return random_below(100) < percent;
}

static void begin_round(u64 seed, u64 round)
{
	state = (seed * 0x9e3779b97f4a7c15 + round) * 0xbf58476d1ce4e5b9 | 1;
	for (unsigned n = 0; n < 8; n++)
		(void)random_number();
}

/* --- The local APIC's timer, whatever mode a burst left it in --- */

#define MSR_APIC_BASE 0x1b
#define APIC_PAGE     0xfee00000ull
#define APIC_ENABLED  BIT(11)
#define APIC_X2APIC   BIT(10)
#define APIC_TPR      0x080
#define APIC_EOI      0x0b0
#define APIC_SVR      0x0f0
#define APIC_ISR      0x100
#define APIC_TIMER    0x320
#define APIC_INITIAL  0x380
#define APIC_DIVIDE   0x3e0
#define PERIODIC      BIT(17)
#define TIMER_VECTOR  0x40

static bool x2apic;

static void apic_write(u32 reg, u32 value)
{
	if (x2apic)
		msr_write(0x800 + reg / 16, value);
	else
		mmio_write32(APIC_PAGE + reg, value);
}

static u32 apic_read(u32 reg)
{
	return x2apic ? (u32)msr_read(0x800 + reg / 16) : mmio_read32(APIC_PAGE + reg);
}

static bool in_service(void)
{
	for (u32 n = 0; n < 8; n++)
		if (apic_read(APIC_ISR + n * 16))
			return true;
	return false;
}

static void arm_timer(void)
{
	u64 base = msr_read(MSR_APIC_BASE);

	if (!(base & APIC_ENABLED))
		msr_write(MSR_APIC_BASE, base | APIC_ENABLED);
	else if (!(base & APIC_X2APIC) && cpu_id(1).ecx & BIT(21) && random_percent(2))
		msr_write(MSR_APIC_BASE, base | APIC_X2APIC);
	x2apic = msr_read(MSR_APIC_BASE) & APIC_X2APIC;
	for (unsigned n = 0; n < 256 && in_service(); n++)
		apic_write(APIC_EOI, 0);
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_DIVIDE, 3);
	apic_write(APIC_TIMER, (u32)PERIODIC | TIMER_VECTOR);
	apic_write(APIC_INITIAL, 1000 + random_below(4000));
}

/* --- Rounds --- */

static u32 ended_by[256];
static u64 faults;

void burst_lost(u64 vector)
{
	print("random: lost by exception %llu\n", (unsigned long long)vector);
	machine_exit((enum exit_code)EXIT_LOST);
}

static void run_round(void)
{
	struct burst_kind kind = {0};
	u64 *data = (u64 *)(uintptr_t)PLAY;

	for (unsigned n = 0; n < 64; n++)
		data[random_below(PLAY_SIZE / 8)] = random_value();
	mode_make(&kind);
	code_make(&kind);
	memcpy((void *)(uintptr_t)REAL_BURST, burst, sizeof(*burst));
	arm_timer();
	burst_run();
	if (burst->way == WAY_REAL) {
		const struct burst *low = (const struct burst *)(uintptr_t)REAL_BURST;

		burst->ended_by = low->ended_by;
		burst->faults += low->faults;
	}
	ended_by[burst->ended_by & 0xff]++;
	faults += burst->faults;
}

static void tell(u64 rounds)
{
	u32 interrupts = 0;

	for (unsigned n = 32; n < 256; n++)
		interrupts += ended_by[n];
	print("random: %llu rounds, %llu faults, %u ended by interrupts\n",
	      (unsigned long long)rounds, (unsigned long long)faults, interrupts);
}

static u64 number(struct text line, const char *key, u64 otherwise)
{
	struct text word, value;

	while (text_next(&line, ' ', &word))
		if (text_value(word, key, &value) && !text_number(value, &otherwise))
			fail(EXIT_BAD_ARGUMENT, "%s takes a number", key);
	return otherwise;
}

static u64 end_of_ram(const struct memory_map *map)
{
	u64 end = 0;

	for (unsigned n = 0; n < map->count; n++)
		if (map->regions[n].type == MEMORY_RAM && map->regions[n].base < GIB(3) &&
		    map->regions[n].base + map->regions[n].size > end)
			end = map->regions[n].base + map->regions[n].size;
	return end;
}

/* Of the first function that has memory BARs. */
static u64 find_bar(void)
{
	for (u32 device = 1; device < 32; device++) {
		port_out32(0xcf8, 0x80000010 | device << 11);
		u32 bar = port_in32(0xcfc);

		if (bar != ~0u && !(bar & 1) && bar & ~0xfu) {
			port_out32(0xcf8, 0x80000004 | device << 11);
			port_out16(0xcfc, 7);
			return bar & ~0xfu;
		}
	}
	return 0;
}

void guest_main(u32 magic, u32 info)
{
	static struct boot boot;
	const char *problem;
	u64 seed, first, rounds;

	console_init();
	problem = boot_read(magic, info, &boot);
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	seed = number(text_of(boot.command_line), "seed=", 0);
	first = number(text_of(boot.command_line), "first=", 0);
	rounds = number(text_of(boot.command_line), "rounds=", 1000);
	machine.ram_end = end_of_ram(&boot.memory);
	machine.bar = find_bar();
	machine.cr4 = 0x10060c | (cpu_id(1).edx & BIT(1) ? 3 : 0);
	print("random: seed %#llx, rounds %llu-%llu, RAM up to %#llx, BAR %#llx\n",
	      (unsigned long long)seed, (unsigned long long)first,
	      (unsigned long long)(first + rounds), (unsigned long long)machine.ram_end,
	      (unsigned long long)machine.bar);
	for (u64 round = 0; round < rounds; round++) {
		if (round % 8 == 0)
			print("random: round %llu\n", (unsigned long long)(first + round));
		begin_round(seed, first + round);
		run_round();
	}
	tell(rounds);
	machine_exit(EXIT_OK);
}
