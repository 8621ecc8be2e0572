#include "tests/attack/messages.h"

#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/msi.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/edu.h"
#include "tests/attack/nic.h"
#include "tests/attack/nvme.h"

/* PCI Local Bus 3.0, 6.8.1 and 6.8.2. */
#define MSI_CONTROL	   2
#define MSI_CONTROL_ENABLE BIT(0)
#define MSI_ADDRESS	   4
#define MSI_ADDRESS_HIGH   8
#define MSI_DATA_64	   12
#define MSIX_CONTROL	   2
#define MSIX_ENABLE	   BIT(15)
#define MSIX_TABLE	   4
#define MSIX_TABLE_BAR	   BITS(2, 0)
#define MSIX_TABLE_OFFSET  BITS(31, 3)
#define MSIX_ENTRY_HIGH	   4
#define MSIX_ENTRY_DATA	   8
#define MSIX_ENTRY_CONTROL 12

#define SETTLE_US 2000

static void edu_msi(bool msix)
{
	(void)msix;
	edu_interrupt();
}

static void nvme_msix(bool msix)
{
	(void)msix;
	nvme_interrupt();
}

static const struct device {
	const char *name;
	struct pci_function (*function)(void);
	void (*interrupt)(bool msix);
} devices[] = {
	{"edu", edu_function, edu_msi},
	{"nic", nic_function, nic_interrupt},
	{"nvme", nvme_function, nvme_msix},
};

static const struct device *find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(name, devices[i].name))
			return &devices[i];
	fail(EXIT_BAD_ARGUMENT, "no device %s", name);
}

/* A function of 64-bit messages, as all of these are. */
void message_msi(const char *name, u64 address, u32 data)
{
	const struct device *device = find(name);
	struct pci_function f = device->function();
	u8 msi = pci_capability(f, PCI_CAPABILITY_MSI);

	msi_disable(f);
	pci_write32(f, msi + MSI_ADDRESS, (u32)address);
	pci_write32(f, msi + MSI_ADDRESS_HIGH, (u32)(address >> 32));
	pci_write16(f, msi + MSI_DATA_64, (u16)data);
	pci_write16(f, msi + MSI_CONTROL, MSI_CONTROL_ENABLE);
	device->interrupt(false);
	clock_delay_us(SETTLE_US);
}

/*
 * Address and data are written while the entry is unmasked and on, which no driver does; without data it is no
 * message, so that no other one is there meanwhile.
 */
void message_msix(const char *name, u64 address, u32 data, bool wide)
{
	const struct device *device = find(name);
	struct pci_function f = device->function();
	u8 msix = pci_capability(f, PCI_CAPABILITY_MSIX);
	u32 where = pci_read32(f, msix + MSIX_TABLE);
	u64 entry = pci_claim_bar(f, where & MSIX_TABLE_BAR) + (where & MSIX_TABLE_OFFSET);

	msi_disable(f);
	mmio_write32(entry + MSIX_ENTRY_DATA, 0);
	pci_write16(f, msix + MSIX_CONTROL, (u16)MSIX_ENABLE);
	mmio_write32(entry + MSIX_ENTRY_CONTROL, 0);
	if (wide) {
		*(volatile u64 *)(uintptr_t)entry = address;
		*(volatile u64 *)(uintptr_t)(entry + MSIX_ENTRY_DATA) = data;
	} else {
		mmio_write32(entry, (u32)address);
		mmio_write32(entry + MSIX_ENTRY_HIGH, (u32)(address >> 32));
		mmio_write32(entry + MSIX_ENTRY_DATA, data);
	}
	print("forge: entry %#x %#x\n", mmio_read32(entry), mmio_read32(entry + MSIX_ENTRY_DATA));
	device->interrupt(true);
	clock_delay_us(SETTLE_US);
}
