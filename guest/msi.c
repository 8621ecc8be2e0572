#include "guest/msi.h"

#include "guest/cpu.h"
#include "hv/base/bits.h"

#define MSI_CONTROL	     2 /* u16 */
#define MSI_CONTROL_ENABLE   BIT(0)
#define MSI_CONTROL_MULTIPLE BITS(6, 4) /* how many vectors are on: 0 is one */
#define MSI_CONTROL_64	     BIT(7)
#define MSI_CONTROL_MASKING  BIT(8)
#define MSI_ADDRESS	     4
#define MSI_ADDRESS_HIGH     8	/* only with MSI_CONTROL_64 */
#define MSI_DATA_32	     8	/* u16 */
#define MSI_DATA_64	     12 /* u16 */
#define MSI_MASK_32	     12
#define MSI_MASK_64	     16

#define MSIX_CONTROL	    2		/* u16 */
#define MSIX_CONTROL_LAST   BITS(10, 0) /* number of the table's last entry */
#define MSIX_CONTROL_MASKED BIT(14)
#define MSIX_CONTROL_ENABLE BIT(15)
#define MSIX_TABLE	    4
#define MSIX_TABLE_BAR	    BITS(2, 0)
#define MSIX_TABLE_OFFSET   BITS(31, 3)
#define MSIX_ENTRY	    16 /* address, upper address, data, vector control */
#define MSIX_ENTRY_MASKED   BIT(0)

/* SDM vol. 3, "Message Signalled Interrupts": physical destination, fixed, edge. */
#define MSI_TO_APIC(id) (0xFEE00000u | (u32)(id) << 12)

bool msi_present(struct pci_function f)
{
	return pci_capability(f, PCI_CAPABILITY_MSI);
}

bool msix_present(struct pci_function f)
{
	return pci_capability(f, PCI_CAPABILITY_MSIX);
}

void msi_disable(struct pci_function f)
{
	u8 msi = pci_capability(f, PCI_CAPABILITY_MSI);
	u8 msix = pci_capability(f, PCI_CAPABILITY_MSIX);

	if (msi)
		pci_write16(f, msi + MSI_CONTROL,
			    (u16)(pci_read16(f, msi + MSI_CONTROL) & ~MSI_CONTROL_ENABLE));
	if (msix)
		pci_write16(f, msix + MSIX_CONTROL,
			    (u16)(pci_read16(f, msix + MSIX_CONTROL) & ~MSIX_CONTROL_ENABLE));
}

const char *msi_enable(struct pci_function f, u8 vector, u8 to_apic_id)
{
	u8 at = pci_capability(f, PCI_CAPABILITY_MSI);
	u16 control = pci_read16(f, at + MSI_CONTROL);
	bool wide = control & MSI_CONTROL_64;

	if (!at)
		return "the device has no MSI";
	pci_write32(f, at + MSI_ADDRESS, MSI_TO_APIC(to_apic_id));
	if (wide)
		pci_write32(f, at + MSI_ADDRESS_HIGH, 0);
	pci_write16(f, at + (wide ? MSI_DATA_64 : MSI_DATA_32), vector);
	if (control & MSI_CONTROL_MASKING)
		pci_write32(f, at + (wide ? MSI_MASK_64 : MSI_MASK_32), 0);
	control &= (u16)~MSI_CONTROL_MULTIPLE;
	pci_write16(f, at + MSI_CONTROL, (u16)(control | MSI_CONTROL_ENABLE));
	return NULL;
}

const char *msix_enable(struct pci_function f, const u8 *vectors, unsigned count, u8 to_apic_id)
{
	u8 at = pci_capability(f, PCI_CAPABILITY_MSIX);
	u16 control = pci_read16(f, at + MSIX_CONTROL) & (u16)~MSIX_CONTROL_MASKED;
	u32 where = pci_read32(f, at + MSIX_TABLE);
	u64 entry;

	if (!at)
		return "the device has no MSI-X";
	if (count > (control & MSIX_CONTROL_LAST) + 1)
		return "the MSI-X table has too few entries";
	entry = pci_claim_bar(f, where & MSIX_TABLE_BAR);
	if (!entry)
		return "the MSI-X table lies in no usable BAR";
	entry += where & MSIX_TABLE_OFFSET;

	/* The table is written with MSI-X on and all masked: it need not exist before. */
	pci_write16(f, at + MSIX_CONTROL,
		    (u16)(control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASKED));
	for (unsigned i = 0; i <= (control & MSIX_CONTROL_LAST); i++, entry += MSIX_ENTRY) {
		mmio_write32(entry + 12, MSIX_ENTRY_MASKED);
		if (i >= count)
			continue;
		mmio_write32(entry, MSI_TO_APIC(to_apic_id));
		mmio_write32(entry + 4, 0);
		mmio_write32(entry + 8, vectors[i]);
		mmio_write32(entry + 12, 0);
	}
	pci_write16(f, at + MSIX_CONTROL, (u16)(control | MSIX_CONTROL_ENABLE));
	return NULL;
}
