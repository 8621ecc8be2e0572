/*
 * What the remapping hardware reads from memory (Intel VT-d specification, revision 4.1, chapters 5,
 * 6 and 9): pure constructors, one for each kind of entry. All of it is legacy mode.
 */
#ifndef IOMMU_VTD_ENTRIES_H
#define IOMMU_VTD_ENTRIES_H

#include "hv/base/pt.h"
#include "iommu/iommu.h"

/* Every entry of 128 bits; the present bit, where there is one, is bit 0 of the lower half. */
struct vtd_entry {
	u64 low;
	u64 high;
};

_Static_assert(sizeof(struct vtd_entry) == 16, "entries have 128 bits");
_Static_assert(offsetof(struct vtd_entry, high) == 8, "the upper half is at byte 8");

#define VTD_TABLE_ENTRIES (PAGE_SIZE / sizeof(struct vtd_entry)) /* root and context tables */

_Static_assert(VTD_TABLE_ENTRIES == 256, "a root table has an entry for each bus");

/* 9.1 Root entry; the upper half is reserved. */
#define VTD_ROOT_P   BIT(0)
#define VTD_ROOT_CTP BITS(63, 12)

static inline struct vtd_entry vtd_root_make(hpa_t context_table)
{
	return (struct vtd_entry){.low = (context_table.v & VTD_ROOT_CTP) | VTD_ROOT_P};
}

/*
 * 9.3 Context entry. FPD stays clear, so that faults are recorded. TT 0: all requests are translated, and
 * those for and with translations of the device's own (ATS) are blocked. So no device's TLB ever gets
 * anything by such an entry, and only what firmware's gave is to be invalidated, once: see ats.c.
 */
#define VTD_CONTEXT_P		 BIT(0)
#define VTD_CONTEXT_FPD		 BIT(1)
#define VTD_CONTEXT_TT		 3, 2
#define VTD_CONTEXT_SSPTPTR	 BITS(63, 12)
#define VTD_CONTEXT_HIGH_AW	 2, 0 /* the table's levels less two */
#define VTD_CONTEXT_HIGH_DID	 23, 8
#define VTD_CONTEXT_HIGH_DID_LOW 8

/* levels is 2 .. 5. */
static inline struct vtd_entry vtd_context_make(hpa_t table, u8 levels, u16 domain_id)
{
	return (struct vtd_entry){
		.low = (table.v & VTD_CONTEXT_SSPTPTR) | VTD_CONTEXT_P,
		.high = (u64)domain_id << VTD_CONTEXT_HIGH_DID_LOW | (u64)(levels - 2),
	};
}

static inline u16 vtd_context_domain(struct vtd_entry entry)
{
	return (u16)bits_get(entry.high, VTD_CONTEXT_HIGH_DID);
}

/* 9.8 Second-stage paging entries. */
#define VTD_SS_R    BIT(0)
#define VTD_SS_W    BIT(1)
#define VTD_SS_PS   BIT(7)
#define VTD_SS_SNP  BIT(11) /* reserved on units without ECAP.SC */
#define VTD_SS_ADDR BITS(51, 12)
#define VTD_SS_TM   BIT(62) /* reserved on units without device-TLBs, and never set */
/* In legacy mode hardware ignores all other bits. */
#define VTD_SS_LOOKED_AT (VTD_SS_R | VTD_SS_W | VTD_SS_PS | VTD_SS_SNP | VTD_SS_ADDR | VTD_SS_TM)

extern const struct pt_format vtd_ss_format;	   /* for any unit */
extern const struct pt_format vtd_ss_format_snoop; /* where every unit has snoop control */

/* 9.10 Interrupt remapping table entry, remapped format. */
#define VTD_IRTE_P	    BIT(0)
#define VTD_IRTE_TM_LEVEL   BIT(4)
#define VTD_IRTE_DLM_SHIFT  5
#define VTD_IRTE_V_SHIFT    16
#define VTD_IRTE_DST_SHIFT  32 /* 32-bit APIC ID with IRTA.EIME */
#define VTD_IRTE_DST8_SHIFT 40 /* 8-bit APIC ID without */
#define VTD_IRTE_HIGH_SID   15, 0
#define VTD_IRTE_HIGH_SQ    17, 16
#define VTD_IRTE_HIGH_SVT   19, 18
#define VTD_IRTE_HIGH_SVT_ID                                                                       \
	(1ull << 18) /* verify the source-ID, but for as many bits of it as SQ tells */
#define VTD_IRTE_HIGH_SVT_BUS  (2ull << 18) /* the bus: first in 15:8, last in 7:0 */
#define VTD_IRTE_HIGH_SQ_SHIFT 16

/* The lower half: physical destination mode, no redirection hint, faults recorded. */
static inline u64 vtd_irte_low_make(const struct interrupt_target *target, bool wide_apic_ids)
{
	unsigned shift = wide_apic_ids ? VTD_IRTE_DST_SHIFT : VTD_IRTE_DST8_SHIFT;

	return (u64)target->apic_id << shift | (u64)target->vector << VTD_IRTE_V_SHIFT |
	       (u64)target->delivery << VTD_IRTE_DLM_SHIFT |
	       (target->level ? VTD_IRTE_TM_LEVEL : 0) | VTD_IRTE_P;
}

/* The upper half: only this source may use the entry. SQ leaves out the function number's bits from bit 2 on. */
static inline u64 vtd_irte_high_make(struct iommu_source source)
{
	u64 bus = sbdf_bus(source.id);

	if (source.whole_bus)
		return VTD_IRTE_HIGH_SVT_BUS | bus << 8 | bus;
	return VTD_IRTE_HIGH_SVT_ID | (u64)source.phantom_bits << VTD_IRTE_HIGH_SQ_SHIFT |
	       source.id.bdf;
}

/* 5.1.2.2 and 5.1.5.2 Remappable-format message: handle 14:0 in bits 19:5, handle 15 in bit 2. */
#define VTD_MSI_BASE		  0xfee00000ull
#define VTD_MSI_HANDLE_SHIFT	  5
#define VTD_MSI_FORMAT_REMAPPABLE BIT(4)
#define VTD_MSI_SHV		  BIT(3) /* the data holds a subhandle, added to the handle */
#define VTD_MSI_HANDLE_15	  BIT(2)

static inline struct msi_message vtd_msi_make(u16 handle, u16 subhandle)
{
	return (struct msi_message){
		.address = VTD_MSI_BASE | (u64)(handle & 0x7fff) << VTD_MSI_HANDLE_SHIFT |
			   VTD_MSI_FORMAT_REMAPPABLE | VTD_MSI_SHV |
			   (handle & 0x8000 ? VTD_MSI_HANDLE_15 : 0),
		.data = subhandle,
	};
}

/* 5.1.5.1 IOAPIC redirection entry in remappable format. */
#define VTD_RTE_HANDLE_SHIFT	  49
#define VTD_RTE_FORMAT_REMAPPABLE BIT(48)
#define VTD_RTE_MASKED		  BIT(16)
#define VTD_RTE_LEVEL		  BIT(15)
#define VTD_RTE_ACTIVE_LOW	  BIT(13)
#define VTD_RTE_HANDLE_15	  BIT(11)

static inline u64 vtd_rte_make(u16 handle, const struct interrupt_target *target, bool active_low,
			       bool masked)
{
	return (u64)(handle & 0x7fff) << VTD_RTE_HANDLE_SHIFT | VTD_RTE_FORMAT_REMAPPABLE |
	       (masked ? VTD_RTE_MASKED : 0) | (target->level ? VTD_RTE_LEVEL : 0) |
	       (active_low ? VTD_RTE_ACTIVE_LOW : 0) | (handle & 0x8000 ? VTD_RTE_HANDLE_15 : 0) |
	       target->vector;
}

/* 6.5.2 Invalidation descriptors of 128 bits; the type is bits 3:0. */
#define VTD_INV_TYPE 3, 0

enum vtd_inv_type {
	VTD_INV_CONTEXT = 1,
	VTD_INV_IOTLB = 2,
	VTD_INV_DEVICE_TLB = 3,
	VTD_INV_INTERRUPT = 4,
	VTD_INV_WAIT = 5,
};

/* Granularity, bits 5:4 of context and IOTLB descriptors. */
enum vtd_granularity {
	VTD_GLOBAL = 1,
	VTD_DOMAIN = 2,
	VTD_SELECTIVE = 3, /* one device, or a range of pages */
};

#define VTD_INV_G_SHIFT	  4
#define VTD_INV_DID_SHIFT 16

/* 6.5.2.1 Context-cache invalidation. */
#define VTD_INV_CONTEXT_SID_SHIFT 32

static inline struct vtd_entry vtd_inv_context_make(enum vtd_granularity granularity, u16 domain_id,
						    u16 source_id)
{
	return (struct vtd_entry){
		.low = VTD_INV_CONTEXT | (u64)granularity << VTD_INV_G_SHIFT |
		       (u64)domain_id << VTD_INV_DID_SHIFT |
		       (u64)source_id << VTD_INV_CONTEXT_SID_SHIFT,
	};
}

/* 6.5.2.3 IOTLB invalidation: 2^mask pages at address, which is aligned to that. */
#define VTD_INV_IOTLB_DW	BIT(6)
#define VTD_INV_IOTLB_DR	BIT(7)
#define VTD_INV_IOTLB_HIGH_AM	5, 0
#define VTD_INV_IOTLB_HIGH_ADDR BITS(63, 12)

static inline struct vtd_entry vtd_inv_iotlb_make(enum vtd_granularity granularity, u16 domain_id,
						  u64 address, u8 mask, bool drain_writes,
						  bool drain_reads)
{
	return (struct vtd_entry){
		.low = VTD_INV_IOTLB | (u64)granularity << VTD_INV_G_SHIFT |
		       (drain_writes ? VTD_INV_IOTLB_DW : 0) |
		       (drain_reads ? VTD_INV_IOTLB_DR : 0) | (u64)domain_id << VTD_INV_DID_SHIFT,
		.high = (address & VTD_INV_IOTLB_HIGH_ADDR) | mask,
	};
}

/*
 * 6.5.2.5 Device-TLB invalidation, of all that the device has: with S the lowest clear bit of the address
 * tells the range (PCIe 5.0, 10.3), which bit 63 makes all 2^64 bytes.
 */
#define VTD_INV_DEVICE_PFSID_LOW  12 /* PFSID 3:0 */
#define VTD_INV_DEVICE_MIP_SHIFT  16 /* 5 bits, 0: 32 */
#define VTD_INV_DEVICE_SID_SHIFT  32
#define VTD_INV_DEVICE_PFSID_HIGH 52 /* PFSID 15:4 */
#define VTD_INV_DEVICE_HIGH_S	  BIT(0)
#define VTD_INV_DEVICE_HIGH_ALL	  (BITS(62, 12) | VTD_INV_DEVICE_HIGH_S)

/*
 * pf_source_id is the physical function's where the unit throttles by it (ECAP.DIT), else 0; pending is how
 * many the device can hold, 1 .. 32.
 */
static inline struct vtd_entry vtd_inv_device_tlb_make(u16 source_id, u16 pf_source_id, u8 pending)
{
	return (struct vtd_entry){
		.low = VTD_INV_DEVICE_TLB | (u64)(pf_source_id & 0xf) << VTD_INV_DEVICE_PFSID_LOW |
		       (u64)(pending & 31) << VTD_INV_DEVICE_MIP_SHIFT |
		       (u64)source_id << VTD_INV_DEVICE_SID_SHIFT |
		       (u64)(pf_source_id >> 4) << VTD_INV_DEVICE_PFSID_HIGH,
		.high = VTD_INV_DEVICE_HIGH_ALL,
	};
}

/* 6.5.2.7 Interrupt entry cache invalidation: all, or 2^mask entries from index on. */
#define VTD_INV_INTERRUPT_G_INDEX     BIT(4)
#define VTD_INV_INTERRUPT_IM_SHIFT    27
#define VTD_INV_INTERRUPT_INDEX_SHIFT 32

static inline struct vtd_entry vtd_inv_interrupts_all_make(void)
{
	return (struct vtd_entry){.low = VTD_INV_INTERRUPT};
}

static inline struct vtd_entry vtd_inv_interrupts_make(u16 index, u8 mask)
{
	return (struct vtd_entry){
		.low = VTD_INV_INTERRUPT | VTD_INV_INTERRUPT_G_INDEX |
		       (u64)mask << VTD_INV_INTERRUPT_IM_SHIFT |
		       (u64)index << VTD_INV_INTERRUPT_INDEX_SHIFT,
	};
}

/* 6.5.2.8 Invalidation wait, with a status write only: never with an interrupt besides. */
#define VTD_INV_WAIT_SW		BIT(5)
#define VTD_INV_WAIT_DATA_SHIFT 32

/* status is 4-byte aligned; value is what hardware writes there once all before it is done. */
static inline struct vtd_entry vtd_inv_wait_make(hpa_t status, u32 value)
{
	return (struct vtd_entry){
		.low = VTD_INV_WAIT | VTD_INV_WAIT_SW | (u64)value << VTD_INV_WAIT_DATA_SHIFT,
		.high = status.v,
	};
}

#endif
