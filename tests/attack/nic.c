/* DMA by an e1000 or e1000e: what it reads it sends, what it receives it writes. */
#include "guest/apic.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/dma.h"
#include "guest/e1000.h"
#include "guest/exit.h"
#include "guest/ioapic.h"
#include "guest/pci.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/nic.h"

#define FRAME_SIZE  60
#define WAIT_US	    1000
#define WAITS	    20000
#define OWN_WAIT_US 10
#define OWN_WAITS   1000000

/* 82574 datasheet, 10.2.4.4: sets causes. */
#define E1000_ICS 0x00C8

static struct e1000 nic;
static struct pci_function function;
static volatile u32 causes; /* of the interrupts that came */

static bool is_nic(u32 id)
{
	return e1000_model(id);
}

static void start_clock(void)
{
	const char *problem = apic_init(APIC_ANY);

	if (!problem)
		problem = clock_init();
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
}

static void nic_find(void)
{
	const char *problem;

	start_clock();
	if (!pci_find(is_nic, &function))
		fail(EXIT_NO_NIC, "there is no NIC");
	problem = dma_init(NULL, false);
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	nic.model = e1000_model(pci_read32(function, PCI_ID));
	nic.registers = pci_claim_bar(function, 0);
	pci_set_command(function, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	problem = e1000_init(&nic);
	if (problem)
		fail(EXIT_NO_NIC, "%s", problem);
	e1000_start(&nic);
}

static void nic_begin(void)
{
	if (nic.registers)
		return;
	nic_find();
	for (unsigned i = 0; i < WAITS && !e1000_link_up(&nic); i++)
		clock_delay_us(WAIT_US);
	print("nic: %s at " PCI_TEXT "\n", nic.model->name, PCI_ARGS(function));
}

/* Asks QEMU's gateway for its address, as 10.0.2.15. */
static void make_request(u8 frame[FRAME_SIZE])
{
	static const u8 arp[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
	static const u8 own[] = {10, 0, 2, 15}, gateway[] = {10, 0, 2, 2};

	memset(frame, 0, FRAME_SIZE);
	memset(frame, 0xFF, 6);
	memcpy(frame + 6, &nic.mac, 6);
	memcpy(frame + 12, arp, sizeof(arp));
	memcpy(frame + 22, &nic.mac, 6);
	memcpy(frame + 28, own, sizeof(own));
	memcpy(frame + 38, gateway, sizeof(gateway));
}

/* Has the device send what lies at that address of the bus. */
static void send_from(u64 address)
{
	volatile struct e1000_tx_descriptor *tx = &nic.tx[nic.tx_next];

	tx->address = address;
	tx->length = FRAME_SIZE;
	tx->status = 0;
	tx->command = E1000_TX_COMMAND_EOP | E1000_TX_COMMAND_IFCS | E1000_TX_COMMAND_RS;
	nic.tx_next = (nic.tx_next + 1) % E1000_TX_COUNT;
	memory_barrier();
	mmio_write32(nic.registers + E1000_TDT, nic.tx_next);
}

static void send_request(void)
{
	static u8 frame[FRAME_SIZE];

	make_request(frame);
	send_from((u64)(uintptr_t)frame);
}

void nic_to(u64 address)
{
	nic_begin();
	for (unsigned i = 0; i < E1000_RX_COUNT; i++)
		nic.rx[i].address = address;
	send_request();
	for (unsigned i = 0; i < WAITS; i++) {
		struct bytes frame;

		if (e1000_receive(&nic, &frame)) {
			e1000_receive_done(&nic);
			print("nic: a frame of %llu bytes\n", (unsigned long long)frame.size);
			return;
		}
		clock_delay_us(WAIT_US);
	}
	print("nic: no frame\n");
}

void nic_from(u64 address)
{
	nic_begin();
	send_from(address);
	for (unsigned i = 0; i < WAITS && mmio_read32(nic.registers + E1000_TDH) != nic.tx_next;
	     i++)
		clock_delay_us(WAIT_US);
}

void nic_rings(u64 address)
{
	nic_begin();
	mmio_write32(nic.registers + E1000_RDBAL, (u32)address);
	mmio_write32(nic.registers + E1000_TDBAL, (u32)address);
	send_request();
	clock_delay_us(WAIT_US * 20);
}

void nic_ring(u64 address)
{
	nic_begin();
	mmio_write32(nic.registers + E1000_RDBAL, (u32)address);
	send_request();
	clock_delay_us(WAIT_US * 20);
}

void nic_late(u64 address)
{
	nic_begin();
	for (unsigned i = 0; i < E1000_RX_COUNT; i++)
		nic.rx[i].address = address;
	memory_barrier();
}

/* Without an end: whoever pulls the plug is outside. */
void nic_watch(void)
{
	nic_begin();
	print("nic: watches\n");
	while (e1000_link_up(&nic))
		clock_delay_us(WAIT_US);
}

void nic_interrupt(bool msix)
{
	u32 cause = msix ? (u32)E1000_INT_RXQ0 : (u32)E1000_INT_LSC;

	nic_begin();
	(void)e1000_take_causes(&nic);
	mmio_write32(nic.registers + E1000_IMC, UINT32_MAX);
	mmio_write32(nic.registers + E1000_ICR, UINT32_MAX);
	mmio_write32(nic.registers + E1000_IVAR, (u32)E1000_IVAR_RXQ0(0));
	mmio_write32(nic.registers + E1000_IMS, cause);
	mmio_write32(nic.registers + E1000_ICS, cause);
}

struct pci_function nic_function(void)
{
	nic_begin();
	return function;
}

static void on_interrupt(void)
{
	causes |= e1000_take_causes(&nic);
}

static void take_interrupts(void)
{
	const char *problem = ioapic_route_level(pci_read8(function, PCI_INTERRUPT_LINE),
						 VECTOR_NIC, (u8)apic_id());

	if (problem)
		fail(EXIT_NO_NIC, "%s", problem);
	traps_set_handler(VECTOR_NIC, on_interrupt);
	pci_clear_command(function, PCI_COMMAND_NO_INTX);
	cpu_interrupts_on();
}

/* Without a link the frame goes nowhere, but it is read, and the descriptor is written. */
void nic_own(void)
{
	const volatile struct e1000_tx_descriptor *used;

	nic_find();
	take_interrupts();
	used = &nic.tx[nic.tx_next];
	send_request();
	for (unsigned i = 0; i < OWN_WAITS; i++) {
		if (used->status & E1000_TX_STATUS_DD && causes & E1000_INT_TXDW)
			break;
		clock_delay_us(OWN_WAIT_US);
	}
	cpu_interrupts_off();
	print("nic: own: the descriptor was%s written, its interrupt %s\n",
	      used->status & E1000_TX_STATUS_DD ? "" : " not",
	      causes & E1000_INT_TXDW ? "came" : "did not come");
}
