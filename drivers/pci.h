/*
 * PCI as found: functions, BARs, capabilities and the tree of bridges. Terms of the PCI Local Bus
 * specification 3.0 and the PCI Express base specification.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "hv/base/bits.h"
#include "hv/base/status.h"

/* A function's address. */
struct sbdf {
	u16 segment;
	u16 bdf; /* bus 15:8, device 7:3, function 2:0: the requester ID */
};

#define SBDF(segment, bus, device, function)                                                       \
	((struct sbdf){(segment), (u16)((bus) << 8 | (device) << 3 | (function))})

static inline u8 sbdf_bus(struct sbdf a)
{
	return (u8)(a.bdf >> 8);
}

static inline u8 sbdf_device(struct sbdf a)
{
	return (a.bdf >> 3) & 31;
}

static inline u8 sbdf_function(struct sbdf a)
{
	return a.bdf & 7;
}

static inline bool sbdf_equal(struct sbdf a, struct sbdf b)
{
	return a.segment == b.segment && a.bdf == b.bdf;
}

/* For "%s": "00:02.0", or "0001:00:02.0" outside segment 0. */
#define SBDF_TEXT_MAX 16
const char *sbdf_text(struct sbdf address, char text[SBDF_TEXT_MAX]);

/*
 * Configuration access, width 1, 2 or 4 bytes, naturally aligned, offset below 4096 where the function
 * is reached by ECAM and below 256 where only through ports. Elsewhere: reads give all ones, writes do
 * nothing. In pci_config.c; tests link a fake.
 */
u32 pci_read(struct sbdf address, u16 offset, u8 width);
void pci_write(struct sbdf address, u16 offset, u8 width, u32 value);

enum pci_bar_kind {
	PCI_BAR_NONE = 0, /* not there, or the upper half of a 64-bit one */
	PCI_BAR_IO,
	PCI_BAR_MEM32,
	PCI_BAR_MEM64,
};

struct pci_bar {
	u8 kind; /* enum pci_bar_kind */
	bool prefetchable;
	u64 address; /* as firmware set it; 0: not set */
	u64 size;    /* in bytes, a power of two; 0 only where kind is PCI_BAR_NONE */
};

/* One capability of either list. */
struct pci_cap {
	u16 id;
	u16 offset; /* below 256: the ordinary list; above: the extended one */
};

#define PCI_MAX_BARS  6
#define PCI_MAX_CAPS  32
#define PCI_NO_PARENT 0xffff

struct pci_function {
	struct sbdf address;
	u16 vendor_id;
	u16 device_id;
	u32 class_code; /* class 23:16, subclass 15:8, interface 7:0 */
	u8 revision;
	u8 header_type; /* 0 endpoint, 1 bridge, 2 CardBus; the multifunction bit is apart */
	bool multifunction;
	bool ecam;	   /* 4096 bytes of configuration space are reachable */
	u8 interrupt_pin;  /* 0: none, 1: INTA .. 4: INTD */
	u8 interrupt_line; /* as firmware left it */
	u16 parent;	   /* index of the bridge above, or PCI_NO_PARENT */
	u8 secondary_bus;  /* bridges */
	u8 subordinate_bus;
	u8 pcie_type; /* Device/Port Type of the PCI Express capability, 0xff without one */
	/* Isolation; all zero, as before anybody looked, is everything in one group. */
	u16 acs; /* by pci_isolate(): PCI_ACS_* that are in effect; 0 without that capability */
	u8 phantom_bits; /* by pci_isolate(): high bits of its number in which its requests may differ */
	u16 group;	 /* by pci_group(): index of the first function of its isolation group */
	u8 bonds;	 /* by pci_group(): PCI_BOND_* that bind its group; 0 where it is alone */
	bool open; /* by pci_group(): what is below this bridge is not isolated from each other */
	u8 bar_count; /* 6; 2 for bridges, 1 for CardBus, 0 for host bridges, which aren't probed */
	struct pci_bar bar[PCI_MAX_BARS];
	u64 rom_size;
	u8 cap_count;
	struct pci_cap cap[PCI_MAX_CAPS];
	/*
	 * From the MSI and MSI-X capabilities; 0 where absent, and where what they say can't be: an MSI
	 * capability that passes offset 256, an MSI-X table or PBA outside the function's memory BARs.
	 */
	u16 msi;	/* offset of the capability */
	u8 msi_vectors; /* that the function can ask for: 1 .. 32 */
	bool msi_64;
	bool msi_maskable;
	u16 msix;	  /* offset of the capability */
	u16 msix_vectors; /* table size: 1 .. 2048 */
	u8 msix_table_bar;
	u32 msix_table_offset;
	u8 msix_pba_bar;
	u32 msix_pba_offset;
	u16 ats; /* offset of address translation services (ATS), 0 where absent or cut short */
	u8 ats_pending; /* invalidations of what it translated that it can hold: 1 .. 32 */
	bool ats_on;	/* as firmware left it */
};

struct pci_topology {
	struct pci_function *function; /* sorted by segment, then by the order of the walk */
	u32 count;
	u32 capacity;
	u32 dropped; /* functions that did not fit */
};

/* An ECAM window: 4096 bytes for each function of the buses first..last. */
struct pci_ecam {
	hpa_t base; /* of bus 0, as MCFG has it, even if first_bus is not 0 */
	u16 segment;
	u8 first_bus;
	u8 last_bus;
};

#define PCI_MAX_ECAM 32

/*
 * Tells pci_read() and pci_write() of the windows, mapping their registers, in place of all that they
 * were told before. What no window covers of segment 0 goes through ports 0xCF8 and 0xCFC. A window
 * that is wrong or can't be mapped is left out, and the first such error returned.
 */
enum status pci_config_init(const struct pci_ecam *ecam, u32 count);

/*
 * Walks all buses: every bus that a bridge announces, and every further root bus (one that no bridge
 * leads to). Sizes the BARs and lists the capabilities, with bounds on both lists' length. Touches
 * nothing else. The segments and bus ranges come from ecam; none: segment 0, buses 0..255.
 *
 * While a function's BARs are sized it doesn't decode its addresses: no other CPU may use a device
 * meanwhile, and the scan writes no log line. The caller sets function and capacity.
 */
void pci_scan(struct pci_topology *topology, const struct pci_ecam *ecam, u32 ecam_count);

/* NULL where there is no such function. */
const struct pci_function *pci_find(const struct pci_topology *topology, struct sbdf address);

/* The offset of the first capability with this ID in the ordinary (or extended) list, 0 if absent. */
u16 pci_cap_find(const struct pci_function *function, u16 id, bool extended);

/*
 * Turns the function's interrupts of all kinds off, and unless keep_master, or it is a bridge, its bus
 * mastering. ATS stays: a function without it need not answer when it is told to forget, and it does answer
 * without bus mastering, which is about memory and I/O requests only (PCIe 5.0, 7.5.1.1.3).
 */
void pci_silence(const struct pci_function *function, bool keep_master);

/*
 * The function translates no addresses by itself any more. What it has translated it may keep: only turning
 * ATS on makes it forget (PCIe 5.0, 10.3), so whoever can tell it to does that before.
 */
void pci_ats_off(const struct pci_function *function);

/*
 * Turns on, in every function, the access control services (PCIe 5.0, 6.12) that send requests to the
 * root complex and so to the IOMMU, and off what would make exceptions from them; and phantom functions
 * off. What is in effect then is read back and noted in the function. A reset of a function, or of a bus
 * above it, undoes it: pci_reset() restores it. Without ECAM there are no such services to be seen.
 */
void pci_isolate(struct pci_topology *topology);

/* One log line for each function and its BARs and capabilities. */
void pci_print(const struct pci_topology *topology);

/*
 * The requester ID that the function's DMA and MSIs carry at the root complex, where bridges to
 * conventional PCI replace it (PCI Express to PCI Bridge specification 1.0, section 2.3): behind a
 * PCIe-to-PCI bridge secondary:00.0, behind a conventional bridge on the root bus the bridge's own.
 * The function's own address where nothing replaces it. The function is one of the topology's.
 */
struct sbdf pci_requester_id(const struct pci_topology *topology,
			     const struct pci_function *function);

#define PCI_MAX_REQUESTERS 16

/* All IDs that a function's requests may carry at the root complex. */
struct pci_requesters {
	struct sbdf id[PCI_MAX_REQUESTERS]; /* the first is pci_requester_id() */
	u8 count;
	/* Messages may come with the ID of any device of the first one's bus: a PCIe-to-PCI bridge's. */
	bool whole_bus;
	u8 phantom_bits; /* or with one that differs in so many high bits of the function number: 0 .. 3 */
};

/*
 * Its own ID too where a bridge above replaces it, as bridges to PCI-X may pass that on, and those of the
 * bridges between; phantom functions as pci_isolate() left them. No ID is there twice. If there are more
 * than fit, those of bridges in the middle are left out: such requests will be blocked.
 */
void pci_requesters(const struct pci_topology *topology, const struct pci_function *function,
		    struct pci_requesters *requesters);

#endif
