/*
 * A guest that uses all its CPUs: the words of its command line say how many it must have and what they are
 * to do, one after the other. It runs on the bare machine too, which is what the others are to be like.
 */
#include "guest/boot.h"
#include "guest/console.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/vm/words.h"
#include "tests/smp/cpus.h"
#include "tests/smp/smp.h"

/* Called by start.asm: what the loader left in eax (or PVH's magic) and in ebx. */
void guest_main(u32 magic, u32 info);

static const struct {
	const char *word;
	void (*run)(void);
} words[] = {
	{"work", smp_work},
	{"ticks", smp_ticks},
	{"topology", smp_topology},
	{"ipi", smp_ipi},
	{"logical", smp_logical},
	{"shootdown", smp_shootdown},
	{"nmi", smp_nmi},
	{"init", smp_init},
	{"outside", smp_outside},
	{"bar", smp_bar},
	{"race", smp_race},
	{"race-any", smp_race_any},
	{"end", smp_end},
	{"end-by-other", smp_end_by_other},
	{"end-by-init", smp_end_by_init},
};

static void run_word(struct text word)
{
	struct text value;
	u64 count;

	if ((text_value(word, "cpus=", &value) || text_value(word, "together=", &value)) &&
	    text_number(value, &count)) {
		cpus_init((u32)count);
		cpus_start(*word.start == 't');
		print("started: %u\n", cpu_count);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (text_is(word, words[i].word)) {
			words[i].run();
			print("done: %s\n", words[i].word);
			return;
		}
	fail(EXIT_BAD_ARGUMENT, "an unknown word");
}

void guest_main(u32 magic, u32 info)
{
	static struct boot boot;
	struct text line, word;
	const char *problem;

	console_init();
	traps_init();
	problem = boot_read(magic, info, &boot);
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	line = text_of(boot.command_line);
	while (text_next(&line, ' ', &word))
		if (*word.start != '/') /* the kernel's path, from QEMU's own loader */
			run_word(word);
	print("result: ok\n");
	machine_exit(EXIT_OK);
}
