/* A unit's capability registers, decoded, and the table of what the driver needs of them. Pure. */
#ifndef IOMMU_VTD_CAPS_H
#define IOMMU_VTD_CAPS_H

#include "hv/base/status.h"
#include "hv/base/types.h"

struct vtd_caps {
	u64 cap; /* as read */
	u64 ecap;
	u32 domains;		 /* number of domain IDs */
	u8 depths;		 /* bit n: second-stage tables of n levels, 3 .. 5 */
	u8 leaf_sizes;		 /* PT_4K, PT_2M, PT_1G */
	u8 address_bits;	 /* the widest IOVA */
	bool write_buffer_flush; /* needed where nothing is invalidated after a change */
	bool protected_memory;	 /* either of the two regions */
	bool caching_mode;	 /* entries that are not present may be cached too */
	bool page_selective;
	u8 max_address_mask; /* of a page-selective invalidation: 2^n pages */
	bool drain_writes;
	bool drain_reads;
	u16 fault_records;
	u32 fault_offset;   /* bytes */
	u32 iotlb_offset;   /* bytes */
	u32 registers_size; /* bytes that the above take in all */
	bool coherent;
	bool queued_invalidation;
	bool device_tlbs; /* of devices with ATS; with a queue only */
	bool device_throttling;
	bool interrupt_remapping;
	bool wide_apic_ids; /* extended interrupt mode */
	bool snoop_control;
	u8 max_index_mask; /* of an interrupt entry invalidation: 2^n entries */
};

/* What the machine asks of every unit. */
struct vtd_wanted {
	u8 address_bits; /* that must be mappable */
};

/* What a unit is needed for; each includes the ones before it. */
enum vtd_purpose {
	VTD_TO_BLOCK,  /* quarantine, domains: the least */
	VTD_TO_ASSIGN, /* a device behind it may be given to a VM */
};

struct vtd_caps vtd_caps_decode(u64 cap, u64 ecap);

/* One row of the table of needs. */
struct vtd_need {
	const char *name;
	enum vtd_purpose purpose;
	bool (*met)(const struct vtd_caps *caps, const struct vtd_wanted *wanted);
	const char *reason; /* why a unit that lacks it is of no use */
};

/* NULL if the unit serves the purpose, else the first need that it does not meet. */
const struct vtd_need *vtd_caps_unmet(const struct vtd_caps *caps, const struct vtd_wanted *wanted,
				      enum vtd_purpose purpose);

/*
 * The least depth, 3 .. 5 levels, that every unit whose depths were and-ed has and that covers the
 * bits; 0 if there is none.
 */
u8 vtd_caps_levels(u8 common_depths, u8 address_bits);

/* The bits of the widest address below limit, e.g. 32 for 4 GiB. */
u8 vtd_address_bits(u64 limit);

/* One line of text: "3-level 4-level pages 4K 2M 1G ...". Returns the length, cut to size. */
size_t vtd_caps_format(const struct vtd_caps *caps, char *text, size_t size);

#endif
