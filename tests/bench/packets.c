#include "guest/apic.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/e1000.h"
#include "guest/exit.h"
#include "guest/msi.h"
#include "guest/traps.h"
#include "hv/base/format.h"
#include "hv/base/string.h"
#include "tests/bench/bench.h"

#define PACKETS	      64
#define TICKS_BETWEEN 2

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
#define POLLS		     100000
#define LINK_TICKS	     1000

#define ETHERTYPE_EXPERIMENT 0x88b5 /* IEEE 802, local experimental: the network drops it */

static struct e1000 nic;
static volatile u64 interrupts;
static u8 frame[1514];

static void on_interrupt(void)
{
	interrupts++;
	(void)e1000_take_causes(&nic);
}

static bool is_nic(u32 id)
{
	return e1000_model(id);
}

static void phy_control(u16 value)
{
	mmio_write32(nic.registers + E1000_MDIC,
		     (u32)(value | PHY_CONTROL << MDIC_REG_SHIFT | MDIC_PHY_1 | MDIC_WRITE));
	for (unsigned i = 0; !(mmio_read32(nic.registers + E1000_MDIC) & MDIC_READY); i++)
		if (i == POLLS)
			fail(EXIT_NO_NIC, "the PHY does not answer");
}

static void prepare(void)
{
	const char *problem;
	struct pci_function f;

	if (!pci_find(is_nic, &f))
		fail(EXIT_NO_NIC, "no NIC");
	nic.model = e1000_model(pci_read32(f, PCI_ID));
	nic.registers = pci_claim_bar(f, 0);
	pci_set_command(f, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set_command(f, PCI_COMMAND_NO_INTX);
	traps_set_handler(VECTOR_NIC, on_interrupt);
	problem = e1000_init(&nic);
	if (!problem)
		problem = msi_enable(f, VECTOR_NIC, (u8)apic_id());
	if (problem)
		fail(EXIT_NO_NIC, "%s", problem);
	e1000_start(&nic);
}

/* The timer's ticks wake it. */
static void wait_for_link(void)
{
	for (unsigned i = 0; !e1000_link_up(&nic); i++) {
		if (i == LINK_TICKS)
			fail(EXIT_NO_NIC, "the link does not come up");
		cpu_sleep();
	}
}

static void receive_all(void)
{
	struct bytes received;

	while (e1000_receive(&nic, &received))
		e1000_receive_done(&nic);
}

/*
 * From the call that sends it until its interrupt was handled and what came in was taken. The device makes
 * few interrupts a second, as its emulators have it: it gets time enough for each.
 */
static u64 one_packet(u16 size)
{
	u64 before = interrupts;
	u64 start;

	for (unsigned i = 0; i < TICKS_BETWEEN; i++)
		cpu_sleep();
	start = cpu_tsc();
	e1000_send(&nic, frame, size);
	for (unsigned i = 0; interrupts == before; i++) {
		if (i == POLLS)
			fail(EXIT_NO_NIC, "no interrupt");
		__asm__ volatile("sti; nop; cli" : : : "memory");
	}
	receive_all();
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
	prepare();
	wait_for_link();
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
