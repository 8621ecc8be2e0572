#include "tests/bench/card.h"

#include "guest/apic.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/msi.h"

#define TICKS_OF_REST 2
#define TICKS_OF_LINK 1000

static unsigned skip;

static bool is_wanted(u32 id)
{
	return e1000_model(id) && skip-- == 0;
}

/* The timer's ticks wake it. */
static void wait_for_link(const struct e1000 *nic)
{
	for (unsigned i = 0; !e1000_link_up(nic); i++) {
		if (i == TICKS_OF_LINK)
			fail(EXIT_NO_NIC, "the link does not come up");
		cpu_sleep();
	}
}

void card_open(struct e1000 *nic, unsigned n, u8 vector, interrupt_handler_t handler)
{
	const char *problem;
	struct pci_function f;

	skip = n;
	if (!pci_find(is_wanted, &f))
		fail(EXIT_NO_NIC, "no NIC %u", n);
	nic->model = e1000_model(pci_read32(f, PCI_ID));
	nic->registers = pci_claim_bar(f, 0);
	pci_set_command(f, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set_command(f, PCI_COMMAND_NO_INTX);
	traps_set_handler((enum vector)vector, handler);
	problem = e1000_init(nic);
	if (!problem && vector)
		problem = msi_enable(f, vector, (u8)apic_id());
	if (problem)
		fail(EXIT_NO_NIC, "%s", problem);
	e1000_start(nic);
	wait_for_link(nic);
}

unsigned card_receive_all(struct e1000 *nic)
{
	struct bytes received;
	unsigned count = 0;

	for (; e1000_receive(nic, &received); count++)
		e1000_receive_done(nic);
	return count;
}

void card_wait(const volatile u64 *interrupts, u64 before)
{
	for (unsigned i = 0; *interrupts == before; i++) {
		if (i == CARD_POLLS)
			fail(EXIT_NO_NIC, "no interrupt");
		__asm__ volatile("sti; nop; cli" : : : "memory");
	}
}

void card_rest(void)
{
	for (unsigned i = 0; i < TICKS_OF_REST; i++)
		cpu_sleep();
}
