/* The guest from its first C line to its last. */
#include "guest/apic.h"
#include "guest/args.h"
#include "guest/boot.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/dma.h"
#include "guest/events.h"
#include "guest/exit.h"
#include "guest/job.h"
#include "guest/nic.h"
#include "guest/traps.h"

/* Called by start.asm: what the loader left in eax (or PVH's magic) and in ebx. */
void guest_main(u32 magic, u32 info);

static struct boot boot;
static struct args args;
static struct net net;
static struct job job;

static void print_memory(void)
{
	const struct memory_map *map = &boot.memory;

	for (unsigned i = 0; i < map->count; i++)
		print("memory: %#014llx - %#014llx %s\n", (unsigned long long)map->regions[i].base,
		      (unsigned long long)(map->regions[i].base + map->regions[i].size - 1),
		      memory_type_name(map->regions[i].type));
	if (map->ignored)
		print("memory: %u entries ignored\n", map->ignored);
}

static void print_module(unsigned number, const struct boot_module *module)
{
	struct sha256 sha;
	u8 digest[SHA256_SIZE];
	char text[SHA256_TEXT] = "unknown, since it is not in RAM below 4 GiB";

	if (memory_is_ram(&boot.memory, module->base, module->size) &&
	    module->base + module->size <= 1ull << 32) {
		sha256_begin(&sha);
		sha256_add(&sha, (const u8 *)(uintptr_t)module->base, module->size);
		sha256_end(&sha, digest);
		sha256_to_text(digest, text);
	}
	print("module %u: %s: %llu bytes, sha256 %s\n", number, module->name,
	      (unsigned long long)module->size, text);
}

static void read_boot_information(u32 magic, u32 info)
{
	const char *problem = boot_read(magic, info, &boot);

	print("\nsluice guest: booted by %s\n", boot.protocol);
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	print("arguments: %.200s\n", boot.command_line);
	print_memory();
	for (unsigned i = 0; i < boot.module_count; i++)
		print_module(i, &boot.modules[i]);
	if (boot.modules_ignored)
		print("modules: %u ignored\n", boot.modules_ignored);
}

static void warn_of_word(const char *word)
{
	print("arguments: ignored: %.64s\n", word);
}

static void read_arguments(void)
{
	const char *bad;

	if (!args_parse(boot.command_line, &args, warn_of_word, &bad))
		fail(EXIT_BAD_ARGUMENT, "bad argument: %.100s", bad);
}

static void start_cpu(void)
{
	const char *problem = apic_init(args.apic);

	if (problem)
		fail(args.apic == APIC_ANY ? EXIT_MACHINE : EXIT_BAD_ARGUMENT, "%s", problem);
	problem = clock_init();
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	print("cpu: %s id %u, TSC %u kHz, APIC timer %u kHz (%s)\n", apic_mode_name(), apic_id(),
	      clock_tsc_khz(), clock_apic_khz(),
	      clock_from_hypervisor() ? "told by the hypervisor" : "measured");
}

static void start_network(void)
{
	const char *problem = dma_init(&boot, args.dma_high);

	if (problem)
		fail(EXIT_BAD_ARGUMENT, "%s", problem);
	nic_init(args.irq);
	print("dma: rings and buffers at %#llx\n", (unsigned long long)dma_arena_base());
	net_init(&net, nic_mac(), nic_link());
	nic_start();
}

static void work(void)
{
	bool over = false;

	net_tick(&net, clock_us());
	job_start(&job, &args, &net, (u32)(cpu_tsc() * 2654435761u >> 7));
	while (!over) {
		u32 events = events_wait();

		net_tick(&net, clock_us());
		if (events & EVENT_NIC)
			nic_work(&net);
		over = job_step(&job);
	}
}

static void report(void)
{
	struct nic_statistics s = nic_statistics();

	print("stats: rx %llu packets %llu bytes, tx %llu packets %llu bytes, "
	      "interrupts %llu (nic) %llu (timer)\n",
	      (unsigned long long)s.rx_packets, (unsigned long long)s.rx_bytes,
	      (unsigned long long)s.tx_packets, (unsigned long long)s.tx_bytes,
	      (unsigned long long)s.interrupts, (unsigned long long)clock_ticks());
	if (s.rx_dropped || s.tx_dropped || net.dropped)
		print("stats: dropped: rx %llu, tx %llu, by the stack %u\n",
		      (unsigned long long)s.rx_dropped, (unsigned long long)s.tx_dropped,
		      net.dropped);
	if (job.code == EXIT_OK)
		print("result: ok\n");
	else
		print("result: FAILED: %s\n", job.reason);
}

void guest_main(u32 magic, u32 info)
{
	console_init();
	traps_init();
	read_boot_information(magic, info);
	read_arguments();
	start_cpu();
	start_network();
	work();
	report();
	machine_exit(job.code);
}
