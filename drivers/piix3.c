#include "drivers/piix3.h"

/* The ISA bridge, and its PIRQRC registers: one of a byte for each line. */
#define PIIX3_BRIDGE	      SBDF(0, 0, 1, 0)
#define PIIX3_DEVICE	      0x7000
#define PIIX3_PIRQRC	      0x60
#define PIIX3_PIRQRC_DISABLED 0x80
#define PIIX3_PIRQRC_IRQ      0x0f
#define PIIX3_LINES	      4

/* What PIRQRC may choose: not timer, keyboard, cascade, clock and coprocessor. */
#define PIIX3_LEGAL_IRQS 0xdef8u

u8 piix3_line(u8 device, u8 pin)
{
	return (u8)(device + pin + PIIX3_LINES - 1) % PIIX3_LINES;
}

enum status piix3_gsi(u8 route, u32 *gsi)
{
	u8 irq = route & PIIX3_PIRQRC_IRQ;

	if (route & PIIX3_PIRQRC_DISABLED || !(PIIX3_LEGAL_IRQS >> irq & 1))
		return ERR_UNSUPPORTED;
	*gsi = irq;
	return OK;
}

enum status piix3_find_gsi(const struct pci_topology *topology, const struct intx_root *root,
			   u32 *gsi)
{
	const struct pci_function *bridge = pci_find(topology, PIIX3_BRIDGE);
	u8 line = piix3_line(root->device, root->pin);

	if (root->segment != 0 || root->bus != 0 || !bridge ||
	    bridge->vendor_id != PIIX3_HOST_VENDOR || bridge->device_id != PIIX3_DEVICE)
		return ERR_UNSUPPORTED;
	return piix3_gsi((u8)pci_read(PIIX3_BRIDGE, PIIX3_PIRQRC + line, 1), gsi);
}
