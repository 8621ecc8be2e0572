/* A configuration space made by the test: pci_read() and pci_write() over a list of functions. */
#ifndef TESTS_HOST_FAKE_PCI_H
#define TESTS_HOST_FAKE_PCI_H

#include "tests/host/harness.h"

#include "drivers/pci.h"
#include "drivers/pci_regs.h"

#define FAKE_PCI_MAX 128

struct fake_function {
	struct sbdf address;
	bool conventional; /* has 256 bytes only: beyond, all ones */
	bool gone;	   /* does not answer: all ones, and writes are lost */
	u8 space[4096];
	u8 writable[4096];	/* bits that a write changes */
	u8 write_1_clear[4096]; /* bits that a write of 1 clears */
};

extern struct fake_function fake_pci[FAKE_PCI_MAX];
extern u32 fake_pci_count;
extern u32 fake_pci_accesses;
/* Called after each write to a function; NULL, and again after a clear: nobody. */
extern void (*fake_pci_wrote)(struct fake_function *function, u16 offset, u8 width, u32 value);

void fake_pci_clear(void);

/* A type 0 function; *_put() change it further. The pointer is good until the next clear. */
struct fake_function *fake_pci_add(struct sbdf address, u32 vendor_device, u32 class_code);

/* A type 1 function with these bus numbers; pcie_type PCI_PCIE_NONE: without the capability. */
struct fake_function *fake_pci_add_bridge(struct sbdf address, u8 secondary, u8 subordinate,
					  u8 pcie_type);

/* Writes size bytes (1, 2 or 4) of a value, past all masks. */
void fake_pci_put(struct fake_function *function, u16 offset, u8 size, u32 value);
u32 fake_pci_get(const struct fake_function *function, u16 offset, u8 size);

/* A BAR register: its value, and the address bits that can be written. */
void fake_pci_bar(struct fake_function *function, u8 index, u32 value, u32 writable);

/* An ordinary capability after all those added before. */
void fake_pci_cap(struct fake_function *function, u8 id, u8 offset);

/* A PCI Express capability at 0x40. */
void fake_pci_express(struct fake_function *function, u8 type);

/* Access control services at 0x100, as the first extended capability; the control bits can be written. */
void fake_pci_acs(struct fake_function *function, u16 capability, u16 control);

/* A function without a multifunction bit hides its siblings only if the scan respects it. */
void fake_pci_multifunction(struct fake_function *function);

#endif
