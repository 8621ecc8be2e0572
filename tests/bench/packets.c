#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "hv/base/format.h"
#include "hv/base/string.h"
#include "tests/bench/bench.h"
#include "tests/bench/card.h"

#define PACKETS 16

/* 8254x Software Developer's Manual, 13.4.7: how the PHY's registers are written. */
#define E1000_MDIC	     0x0020
#define MDIC_REG_SHIFT	     16
#define MDIC_PHY_1	     BIT(21)
#define MDIC_WRITE	     BIT(26)
#define MDIC_READY	     BIT(28)
#define PHY_CONTROL	     0
#define PHY_LOOPBACK	     0x4000
#define PHY_FULL_DUPLEX_1000 0x0140
#define PHY_AUTO	     0x1000

#define ETHERTYPE_EXPERIMENT 0x88b5 /* IEEE 802, local experimental: the network drops it */

static struct e1000 nic;
static volatile u64 interrupts;
static u8 frame[1514];

static void on_interrupt(void)
{
	interrupts++;
	(void)e1000_take_causes(&nic);
}

static void phy_control(u16 value)
{
	mmio_write32(nic.registers + E1000_MDIC,
		     (u32)(value | PHY_CONTROL << MDIC_REG_SHIFT | MDIC_PHY_1 | MDIC_WRITE));
	for (unsigned i = 0; !(mmio_read32(nic.registers + E1000_MDIC) & MDIC_READY); i++)
		if (i == CARD_POLLS)
			fail(EXIT_NO_NIC, "the PHY does not answer");
}

/* From the call that sends it until its interrupt was handled and what came in was taken. */
static u64 one_packet(u16 size)
{
	u64 before, start;

	card_rest();
	before = interrupts;
	start = cpu_tsc();
	e1000_send(&nic, frame, size);
	card_wait(&interrupts, before);
	(void)card_receive_all(&nic);
	return cpu_tsc() - start;
}

static void measure(const char *what, u16 size, bool comes_back)
{
	u64 received = nic.rx_packets;
	u64 total = 0;
	char name[32];

	for (unsigned i = 0; i < PACKETS; i++)
		total += one_packet(size);
	if (nic.rx_packets - received != (comes_back ? PACKETS : 0))
		fail(EXIT_NO_NIC, "%u packets came back", (unsigned)(nic.rx_packets - received));
	format_text(name, sizeof(name), "%s-%u", what, size);
	bench_row(name, total / PACKETS);
}

void bench_packets(const char *value)
{
	static const u16 sizes[] = {64, 512, 1514};

	(void)value;
	card_open(&nic, 0, VECTOR_NIC, on_interrupt);
	memcpy(frame, nic.mac.byte, MAC_SIZE);
	memcpy(frame + MAC_SIZE, nic.mac.byte, MAC_SIZE);
	frame[2 * MAC_SIZE] = ETHERTYPE_EXPERIMENT >> 8;
	frame[2 * MAC_SIZE + 1] = ETHERTYPE_EXPERIMENT & 0xff;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		measure("sent", sizes[i], false);
	phy_control(PHY_LOOPBACK | PHY_FULL_DUPLEX_1000);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		measure("looped", sizes[i], true);
	phy_control(PHY_AUTO | PHY_FULL_DUPLEX_1000);
}
