/*
 * A guest that measures, under the hypervisor and on the bare machine: the words of its command line say what,
 * in which order.
 */
#include "guest/apic.h"
#include "guest/boot.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/dma.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/vm/words.h"
#include "tests/bench/bench.h"

/* Called by start.asm: what the loader left in eax (or PVH's magic) and in ebx. */
void guest_main(u32 magic, u32 info);

static const struct {
	const char *key;
	void (*run)(const char *value);
} commands[] = {
	{"exits", bench_exits},	   {"timer", bench_timer},  {"packets", bench_packets},
	{"wire", bench_wire},	   {"disk", bench_disk},    {"ipi", bench_ipi},
	{"maps", bench_maps},	   {"fetch=", bench_fetch}, {"loop=", bench_loop},
	{"steady=", bench_steady},
};

void bench_row(const char *name, u64 ticks)
{
	print("bench: %s %llu\n", name, (unsigned long long)ticks);
}

/* A time, with as many digits for one as for another: so that it costs the same to say it. */
static void say_when(const char *name, u64 tsc)
{
	print("bench: %s %016llu\n", name, (unsigned long long)tsc);
}

static void run_word(struct text word)
{
	static char copy[256];
	struct text value;

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (text_value(word, commands[i].key, &value)) {
			text_copy(value, copy, sizeof(copy));
			commands[i].run(copy);
			return;
		}
	fail(EXIT_BAD_ARGUMENT, "an unknown word");
}

static void require(const char *problem)
{
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
}

void guest_main(u32 magic, u32 info)
{
	static struct boot boot;
	u64 entered = cpu_tsc();
	struct text line, word;

	console_init();
	traps_init();
	say_when("entered", entered);
	require(boot_read(magic, info, &boot));
	require(apic_init(APIC_ANY));
	require(clock_init());
	require(dma_init(&boot, false));
	line = text_of(boot.command_line);
	while (text_next(&line, ' ', &word))
		if (*word.start != '/') /* the kernel's path, from QEMU's own loader */
			run_word(word);
	print("result: ok\n");
	say_when("left", cpu_tsc());
	machine_exit(EXIT_OK);
}
