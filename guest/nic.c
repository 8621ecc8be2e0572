#include "guest/nic.h"

#include "guest/apic.h"
#include "guest/console.h"
#include "guest/e1000.h"
#include "guest/events.h"
#include "guest/exit.h"
#include "guest/ioapic.h"
#include "guest/msi.h"
#include "guest/traps.h"
#include "hv/base/format.h"

#define REGISTERS_BAR	  0
#define NO_INTERRUPT_LINE 0xFF
#define APIC_ID_MSI_MAX	  255

static struct e1000 nic;
static volatile u64 interrupts;

static void on_interrupt(void)
{
	interrupts++;
	(void)e1000_take_causes(&nic);
	events_raise(EVENT_NIC);
}

static void on_msix_rx(void)
{
	interrupts++;
	e1000_rearm(&nic, E1000_INT_RXQ0);
	events_raise(EVENT_NIC);
}

static void on_msix_tx(void)
{
	interrupts++;
	e1000_rearm(&nic, E1000_INT_TXQ0);
}

static void on_msix_other(void)
{
	interrupts++;
	(void)e1000_take_causes(&nic);
	e1000_rearm(&nic, E1000_INT_OTHER | E1000_INT_LSC | E1000_INT_RXO);
	events_raise(EVENT_NIC);
}

static enum irq_kind choose(struct pci_function f, enum irq_kind wanted)
{
	if (wanted != IRQ_ANY)
		return wanted;
	if (msix_present(f))
		return IRQ_MSIX;
	return msi_present(f) ? IRQ_MSI : IRQ_INTX;
}

static const char *set_up_msix(struct pci_function f, u8 apic)
{
	static const u8 vectors[] = {VECTOR_NIC, VECTOR_NIC_TX, VECTOR_NIC_OTHER};

	traps_set_handler(VECTOR_NIC, on_msix_rx);
	traps_set_handler(VECTOR_NIC_TX, on_msix_tx);
	traps_set_handler(VECTOR_NIC_OTHER, on_msix_other);
	nic.msix = true;
	return msix_enable(f, vectors, ARRAY_SIZE(vectors), apic);
}

static const char *set_up_intx(struct pci_function f, u8 apic)
{
	u8 pin = pci_read8(f, PCI_INTERRUPT_LINE);

	if (pin == 0 || pin == NO_INTERRUPT_LINE)
		return "the Interrupt Line register names no pin";
	pci_clear_command(f, PCI_COMMAND_NO_INTX);
	return ioapic_route_level(pin, VECTOR_NIC, apic);
}

static const char *set_up_interrupt(struct pci_function f, enum irq_kind kind)
{
	u32 apic = apic_id();

	if (apic > APIC_ID_MSI_MAX)
		return "the CPU's APIC ID does not fit into an interrupt message";
	traps_set_handler(VECTOR_NIC, on_interrupt);
	if (kind == IRQ_INTX)
		return set_up_intx(f, (u8)apic);
	pci_set_command(f, PCI_COMMAND_NO_INTX);
	if (kind == IRQ_MSI)
		return msi_enable(f, VECTOR_NIC, (u8)apic);
	return set_up_msix(f, (u8)apic);
}

static void print_nic(struct pci_function f, enum irq_kind kind)
{
	char how[16] = "MSI";

	if (kind == IRQ_MSIX)
		format_text(how, sizeof(how), "MSI-X");
	if (kind == IRQ_INTX)
		format_text(how, sizeof(how), "INTx pin %u", pci_read8(f, PCI_INTERRUPT_LINE));
	print("net: %s " MAC_TEXT " at " PCI_TEXT ", %s\n", nic.model->name, MAC_ARGS(nic.mac),
	      PCI_ARGS(f), how);
}

static bool is_wanted(u32 id)
{
	return e1000_model(id);
}

void nic_init(enum irq_kind wanted)
{
	struct pci_function f;
	enum irq_kind kind;
	const char *problem;

	if (!pci_find(is_wanted, &f))
		fail(EXIT_NO_NIC, "no e1000 (8086:100e) or e1000e (8086:10d3) on PCI");
	nic.model = e1000_model(pci_read32(f, PCI_ID));
	kind = choose(f, wanted);
	nic.registers = pci_claim_bar(f, REGISTERS_BAR);
	if (!nic.registers)
		fail(EXIT_NO_NIC, PCI_TEXT ": BAR 0 is unusable", PCI_ARGS(f));
	msi_disable(f);
	pci_set_command(f, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	problem = e1000_init(&nic);
	if (problem)
		fail(EXIT_NO_NIC, PCI_TEXT ": %s", PCI_ARGS(f), problem);
	problem = set_up_interrupt(f, kind);
	if (problem)
		fail(wanted == IRQ_ANY ? EXIT_NO_NIC : EXIT_BAD_ARGUMENT, PCI_TEXT ": %s",
		     PCI_ARGS(f), problem);
	print_nic(f, kind);
}

struct mac nic_mac(void)
{
	return nic.mac;
}

static void send(void *context, const u8 *frame, size_t size)
{
	e1000_send(context, frame, size);
}

struct net_link nic_link(void)
{
	return (struct net_link){send, &nic};
}

void nic_start(void)
{
	e1000_start(&nic);
}

/* One ring's worth at a time, so that a flood of packets can't keep the clock out. */
void nic_work(struct net *net)
{
	struct bytes frame;

	for (unsigned i = 0; i < E1000_RX_COUNT; i++) {
		if (!e1000_receive(&nic, &frame))
			return;
		net_receive(net, frame);
		e1000_receive_done(&nic);
	}
	events_raise(EVENT_NIC);
}

bool nic_link_up(void)
{
	return e1000_link_up(&nic);
}

struct nic_statistics nic_statistics(void)
{
	return (struct nic_statistics){
		.rx_packets = nic.rx_packets,
		.rx_bytes = nic.rx_bytes,
		.rx_dropped = nic.rx_dropped,
		.tx_packets = nic.tx_packets,
		.tx_bytes = nic.tx_bytes,
		.tx_dropped = nic.tx_dropped,
		.interrupts = interrupts,
	};
}
