/*
 * A steady state of so many rounds, and what it had of packets, interrupts and ticks: whoever compares two of
 * different length, by what the hypervisor counted, knows what a round costs. All that is printed has the same
 * length, so that it costs the same.
 */
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/events.h"
#include "guest/exit.h"
#include "guest/net/icmp.h"
#include "guest/net/ip.h"
#include "guest/nic.h"
#include "guest/traps.h"
#include "hv/base/string.h"
#include "hv/vm/words.h"
#include "tests/bench/bench.h"
#include "tests/nvme/nvme.h"

#define ADDRESS	       0x0A00020F /* 10.0.2.15, on QEMU's user network */
#define GATEWAY	       0x0A000202
#define NETMASK	       0xFFFFFF00
#define ROUNDS_TO_TICK 4 /* a tick of idling for so many rounds */
#define ROUNDS_MAX     10000

#define TICKS_TO_SETTLE                                                                            \
	120 /* QEMU's e1000 takes nothing in the first second (its flush_queue_timer) */
#define TICKS_TO_ANSWER 100

static struct net net;
static volatile u64 interrupts;
static u8 page[NVME_READ_BYTES] __attribute__((aligned(4096)));

static void on_interrupt(void)
{
	interrupts++;
}

/* An echo request that fills a packet, and so does its answer. */
static void send(void)
{
	u8 *message = ip_payload(&net);

	memset(message, 0, IP_PAYLOAD_MAX);
	message[ICMP_TYPE] = ICMP_TYPE_ECHO;
	if (!icmp_send(&net, GATEWAY, IP_PAYLOAD_MAX))
		fail(EXIT_PING, "no way to the gateway");
}

/* Sleeps until what came in was taken, which only an interrupt of the NIC's tells. */
static void work(void)
{
	u32 events = events_wait();

	net_tick(&net, clock_us());
	if (events & EVENT_NIC)
		nic_work(&net);
}

/* What is not answered is asked again, as networks may lose packets. Interrupts are not to be lost. */
static void one_exchange(void)
{
	u64 received = nic_statistics().rx_packets;
	u64 sent = clock_ticks();

	send();
	while (nic_statistics().rx_packets == received) {
		work();
		if (clock_ticks() - sent < TICKS_TO_ANSWER)
			continue;
		nic_work(&net);
		if (nic_statistics().rx_packets != received)
			fail(EXIT_MACHINE, "a packet came, and no interrupt");
		sent = clock_ticks();
		send();
	}
}

static void idle(u32 ticks)
{
	u64 until = clock_ticks() + ticks;

	cpu_interrupts_off();
	while (clock_ticks() < until)
		cpu_sleep();
}

static void exchange(u32 rounds)
{
	nic_init(IRQ_ANY);
	net_init(&net, nic_mac(), nic_link());
	net.address = ADDRESS;
	net.gateway = GATEWAY;
	net.mask = NETMASK;
	nic_start();
	idle(TICKS_TO_SETTLE);
	while (!nic_link_up())
		work();
	for (u32 i = 0; i < rounds; i++)
		one_exchange();
}

static void read_disk(u32 rounds)
{
	u16 status;

	nvme_begin_io(VECTOR_NIC_OTHER);
	traps_set_handler(VECTOR_NIC_OTHER, on_interrupt);
	for (u32 i = 0; i < rounds; i++) {
		nvme_read_begin((uintptr_t)page);
		cpu_interrupts_off();
		while (!nvme_read_end(&status))
			cpu_sleep();
		cpu_interrupts_on();
		if (status)
			fail(EXIT_MACHINE, "the NVMe controller does not read");
	}
}

/* ROUNDS[,disk] */
void bench_steady(const char *value)
{
	struct text rest = text_of(value), part;
	u64 rounds = 0, done;
	bool disk;

	if (!text_next(&rest, ',', &part) || !text_number(part, &rounds) || rounds > ROUNDS_MAX)
		fail(EXIT_BAD_ARGUMENT, "steady= is not a number up to %u", ROUNDS_MAX);
	disk = text_is(rest, "disk");
	cpu_interrupts_on();
	if (disk)
		read_disk((u32)rounds);
	else
		exchange((u32)rounds);
	idle((u32)rounds / ROUNDS_TO_TICK);
	done = disk ? rounds : nic_statistics().rx_packets + nic_statistics().tx_packets;
	print("steady: %08llx packets or reads %08llx interrupts %08llx ticks\n",
	      (unsigned long long)done,
	      (unsigned long long)(disk ? interrupts : nic_statistics().interrupts),
	      (unsigned long long)clock_ticks());
}
