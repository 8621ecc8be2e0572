#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/events.h"
#include "guest/exit.h"
#include "guest/job.h"
#include "guest/nic.h"
#include "tests/bench/bench.h"

static struct args args;
static struct net net;
static struct job job;

static void ignore_word(const char *word)
{
	(void)word;
}

/* As in the shipped guest's main(): the address, a ping, the file. */
static void work(void)
{
	bool over = false;

	net_tick(&net, clock_us());
	job_start(&job, &args, &net, 1);
	while (!over) {
		u32 events = events_wait();

		net_tick(&net, clock_us());
		if (events & EVENT_NIC)
			nic_work(&net);
		over = job_step(&job);
	}
}

void bench_fetch(const char *value)
{
	static char line[256];
	const char *bad;
	u64 start;

	for (unsigned i = 0; value[i] && i < sizeof(line) - 1; i++)
		line[i] = value[i] == ',' ? ' ' : value[i];
	if (!args_parse(line, &args, ignore_word, &bad))
		fail(EXIT_BAD_ARGUMENT, "bad argument: %s", bad);
	nic_init(args.irq);
	net_init(&net, nic_mac(), nic_link());
	nic_start();
	start = cpu_tsc();
	work();
	if (job.code)
		fail(job.code, "%s", job.reason);
	bench_row("fetch", cpu_tsc() - start);
	cpu_interrupts_off();
}
