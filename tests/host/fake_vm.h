/*
 * What virtual devices stand on: a VM of one vCPU on a CPU with another APIC ID, its region list, an
 * IOMMU's remapping entries, the IOAPIC, and a few PCI functions. The functions' registers are memory
 * at FAKE_REGISTERS.
 */
#ifndef TESTS_HOST_FAKE_VM_H
#define TESTS_HOST_FAKE_VM_H

#include "tests/host/fake_pci.h"
#include "tests/host/fake_regs.h"

#include "drivers/ioapic.h"
#include "hv/platform/platform.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define FAKE_APIC_ID	    5 /* of the CPU under the vCPU, whose own is 0 */
#define FAKE_RAM	    MIB(256)
#define FAKE_REGISTERS	    0xe0000000ull
#define FAKE_REGISTERS_SIZE 0x100000u
#define FAKE_ENTRIES	    512
#define FAKE_GSIS	    24
#define FAKE_IOAPIC_ID	    2

struct fake_entry {
	bool allocated;
	bool set;
	struct sbdf requester;
	bool ioapic;
	struct interrupt_target target;
};

/* All that can be made to fail, and all that is recorded. */
struct fake_machine {
	struct vm vm;
	struct platform platform;
	struct pci_function function[4];
	u8 registers[FAKE_REGISTERS_SIZE];
	struct fake_entry entry[FAKE_ENTRIES];
	u64 pin[FAKE_GSIS]; /* the IOAPIC's entries */
	u32 eois[FAKE_GSIS];
	u32 ipis; /* sent by apic_send_fixed(), the last one's below */
	u32 ipi_apic_id;
	u8 ipi_vector;
	u32 sets;	     /* calls of interrupt_set() */
	bool refuse_alloc;   /* no remapping entries */
	bool refuse_set;     /* interrupt_set() fails */
	bool refuse_mmio;    /* mmio_map() fails */
	unsigned refuse_map; /* the how many-th vm_map() from now on fails; 0: none */
	u64 waited;	     /* microseconds of all deadlines that passed */
	void (*while_waiting)(void);
	u32 live_writes; /* of an MSI message while it was enabled, or an unmasked MSI-X entry */
};

extern struct fake_machine machine;

/* Everything anew, with remapping; the VM has FAKE_RAM at 0 and no devices. */
int fake_vm_setup(void **state);

/* machine.function[]: each is in fake_pci[] at the same index. */
enum fake_kind {
	FAKE_E1000, /* 00:06.0: a 128 KiB BAR, an I/O BAR, INTA, no capabilities */
	FAKE_E1000E, /* 01:00.0: MSI with one vector, MSI-X with 5 in a 16 KiB BAR of its own, PM, PCIe */
	FAKE_NVME, /* 02:00.0: 64-bit prefetchable BAR; MSI-X with 200 vectors, pending bits on its page */
	FAKE_SMALL, /* 03:00.0: a 256 byte and a 16 byte BAR; MSI with 32 maskable vectors */
};

/* Makes them, and their registers; part of the set-up. */
void fake_vm_make_functions(void);

/* What its messages come from. */
#define FAKE_SOURCE(function) ((struct iommu_source){.id = (function)->address})

/* Puts one on the bus as the next device; its number is the slot. */
struct vpci_device *fake_vm_add(enum fake_kind kind, u8 pin);

/* Configuration space of slot `device` by the ports. */
u32 config_get(u8 device, u8 offset, u8 width);
void config_set(u8 device, u8 offset, u8 width, u32 value);

/* The region that has a guest-physical address in it, or NULL. */
const struct vm_region *region_at(u64 address);
/* A register of the functions, past the guest. */
u32 register_get(u64 address);

#endif
