/* What the tests of MSI and MSI-X have in common; slot 1 is the device. */
#ifndef TESTS_HOST_MESSAGES_H
#define TESTS_HOST_MESSAGES_H

#include "tests/host/fake_vm.h"

/* Messages that a guest may write but that must never get anywhere. */
static const struct hostile {
	u64 address;
	u32 data;
} hostile[] = {
	{0xfee00000, 0x00},	    /* vector 0 */
	{0xfee00000, 0x0f},	    /* one that no APIC delivers */
	{0xfee00000, 0x10},	    /* exceptions, reserved */
	{0xfee00000, 0x1f},	    /* the last illegal vector */
	{0xfee00000, 0x0241},	    /* SMI */
	{0xfee00000, 0x0341},	    /* reserved */
	{0xfee00000, 0x0400},	    /* NMI */
	{0xfee00000, 0x0500},	    /* INIT */
	{0xfee00000, 0x0641},	    /* start-up */
	{0xfee00000, 0x0741},	    /* ExtINT */
	{0xfee05000, 0x41},	    /* the physical CPU's ID, which is no vCPU's */
	{0xfee01000, 0x41},	    /* a foreign one */
	{0xfee02004, 0x41},	    /* logical, foreign */
	{0xfee00010, 0x41},	    /* the remappable format */
	{0x00100000, 0x41},	    /* RAM: DMA in disguise */
	{0xfec00000, 0x41},	    /* the IOAPIC */
	{0xfef00000, 0x41},	    /* just past the APICs */
	{0x1fee00000, 0x41},	    /* above 4 GiB */
	{0xfee0000000000000, 0x41}, /* far above */
	{0, 0},
};

/* The remapping entry behind a device's vector. */
static inline const struct fake_entry *entry_of(const struct vpci_device *device, u16 n)
{
	return &machine.entry[device->interrupts.first + n];
}

static inline bool physical_msi_on(const struct fake_function *function, u16 msi)
{
	return fake_pci_get(function, msi + 2, 2) & PCI_MSI_ENABLE;
}

static inline void program_msi(u8 msi, u32 address, u16 data, u16 control)
{
	config_set(1, msi + 4, 4, address);
	config_set(1, msi + 8, 4, 0);
	config_set(1, msi + 0xc, 2, data);
	config_set(1, msi + 2, 2, control);
}

#endif
