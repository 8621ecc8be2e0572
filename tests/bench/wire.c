/*
 * Two NICs of the guest's on one wire: the far one is polled and stands for the world, the near one is worked
 * with as a guest does. What is counted is the near one's, but for the echo, which has both ends.
 */
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/net/echo.h"
#include "hv/base/format.h"
#include "hv/base/string.h"
#include "tests/bench/bench.h"
#include "tests/bench/card.h"
#include "tests/bench/gate.h"

#define NEAR   1
#define FAR    2
#define ROUNDS 16

#define NEAR_ADDRESS 0x0A000901 /* 10.0.9.1 */
#define FAR_ADDRESS  0x0A000902
#define NETMASK	     0xFFFFFF00
#define FAR_PORT     5007
#define ECHO_SIZE    64

/* 8254x Software Developer's Manual, 13.4.18: a cause that is written there is as if it had come. */
#define E1000_ICS 0x00C8

#define VECTOR_NEAR VECTOR_NIC_TX

static struct e1000 near, far;
static struct net near_net, far_net;
static struct echo echo;
static volatile u64 interrupts;
static u64 echoes;
static u8 frame[1514];

static void on_interrupt(void)
{
	interrupts++;
	(void)e1000_take_causes(&near);
}

static void send(void *context, const u8 *bytes, size_t size)
{
	e1000_send(context, bytes, size);
}

static void stack_work(struct e1000 *nic, struct net *net)
{
	struct bytes received;

	while (e1000_receive(nic, &received)) {
		net_receive(net, received);
		e1000_receive_done(nic);
	}
}

static void on_echo(void *owner, const struct udp_datagram *datagram)
{
	(void)owner;
	echoes += datagram->payload.size == ECHO_SIZE;
}

static void know(struct net *net, u32 address, struct mac mac)
{
	net->arp.entries[0] =
		(struct arp_entry){.state = ARP_KNOWN, .address = address, .mac = mac};
}

static void set_up_stacks(void)
{
	net_init(&near_net, near.mac, (struct net_link){send, &near});
	net_init(&far_net, far.mac, (struct net_link){send, &far});
	near_net.address = NEAR_ADDRESS;
	far_net.address = FAR_ADDRESS;
	near_net.mask = far_net.mask = NETMASK;
	know(&near_net, FAR_ADDRESS, far.mac);
	know(&far_net, NEAR_ADDRESS, near.mac);
	if (!echo_start(&echo, &near_net) || !udp_listen(&far_net, FAR_PORT, on_echo, NULL))
		fail(EXIT_MACHINE, "no UDP port");
}

/* The far end's sending, answering, and the far end's taking the answer. */
static u64 one_echo(u16 size)
{
	u64 before, answered = echoes;
	u64 start;

	card_rest();
	before = interrupts; /* behind that of the last answer's being sent */
	start = cpu_tsc();
	if (!udp_send(&far_net, NEAR_ADDRESS, FAR_PORT, ECHO_PORT, size))
		fail(EXIT_MACHINE, "no way to the echo");
	card_wait(&interrupts, before);
	stack_work(&near, &near_net);
	stack_work(&far, &far_net);
	start = cpu_tsc() - start;
	if (echoes != answered + 1)
		fail(EXIT_MACHINE, "no echo");
	return start;
}

/* From the packet's being there until its interrupt was handled and it was taken. */
static u64 one_packet(u16 size)
{
	u64 before, start;

	card_rest();
	before = interrupts;
	e1000_send(&far, frame, size);
	start = cpu_tsc();
	card_wait(&interrupts, before);
	if (card_receive_all(&near) != 1)
		fail(EXIT_NO_NIC, "not one packet");
	return cpu_tsc() - start;
}

/* From the device's write that is its message until the handler's first instruction. */
static u64 one_latency(u16 unused)
{
	u64 count = bench_stamp_count;
	u64 start;

	(void)unused;
	card_rest();
	gate_set(VECTOR_NEAR, bench_stamp_entry);
	cpu_interrupts_on();
	start = cpu_tsc();
	mmio_write32(near.registers + E1000_ICS, E1000_INT_LSC);
	cpu_interrupts_off();
	if (bench_stamp_count != count + 1)
		fail(EXIT_NO_NIC, "no interrupt");
	traps_init();
	(void)e1000_take_causes(&near);
	return bench_stamp_tsc - start;
}

static u64 mean(u64 (*run)(u16 size), u16 size)
{
	u64 total = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		total += run(size);
	return total / ROUNDS;
}

void bench_wire(const char *value)
{
	static const u16 sizes[] = {64, 512, 1514};
	char name[32];

	(void)value;
	cpu_interrupts_off();
	card_open(&near, NEAR, VECTOR_NEAR, on_interrupt);
	card_open(&far, FAR, 0, NULL);
	memcpy(frame, near.mac.byte, MAC_SIZE);
	memcpy(frame + MAC_SIZE, far.mac.byte, MAC_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		format_text(name, sizeof(name), "received-%u", sizes[i]);
		bench_row(name, mean(one_packet, sizes[i]));
	}
	set_up_stacks();
	bench_row("udp-echo", mean(one_echo, ECHO_SIZE));
	bench_row("device-latency", mean(one_latency, 0));
}
