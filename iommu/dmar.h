/*
 * The ACPI DMAR table (Intel VT-d specification, revision 4.1, chapter 8), parsed.
 *
 * Pure: bytes in, a struct or an error out. Unknown structure types are skipped and counted, as the
 * specification asks for (section 8.1).
 */
#ifndef IOMMU_DMAR_H
#define IOMMU_DMAR_H

#include "hv/base/bytes.h"
#include "hv/base/status.h"

/* 8.1: flags of the table. */
#define DMAR_INTR_REMAP		      0x01
#define DMAR_X2APIC_OPT_OUT	      0x02
#define DMAR_DMA_CTRL_PLATFORM_OPT_IN 0x04

/* 8.3: flags of a DRHD. */
#define DMAR_DRHD_INCLUDE_PCI_ALL 0x01

/* 8.5: flags of an ATSR. */
#define DMAR_ATSR_ALL_PORTS 0x01

/* 8.8: flags of a SATC. */
#define DMAR_SATC_ATC_REQUIRED 0x01

#define DMAR_MAX_STRUCTURES 256 /* of all types together */
#define DMAR_MAX_SCOPES	    512 /* of all structures together */
#define DMAR_MAX_HOPS	    8	/* of one scope's path */
#define DMAR_NAME_MAX	    64	/* an ANDD's ACPI object name, cut where longer */

/* 8.3.1: device scope types. */
enum dmar_scope_type {
	DMAR_SCOPE_ENDPOINT = 1,
	DMAR_SCOPE_BRIDGE = 2, /* and all below it */
	DMAR_SCOPE_IOAPIC = 3,
	DMAR_SCOPE_HPET = 4,
	DMAR_SCOPE_ACPI = 5, /* namespace device */
};

struct dmar_hop {
	u8 device;
	u8 function;
};

struct dmar_scope {
	u8 type; /* enum dmar_scope_type, or a value not known */
	u8 flags;
	u8 enumeration_id; /* IOAPIC ID, HPET number, ACPI device number */
	u8 start_bus;
	u8 hop_count; /* at least 1 */
	struct dmar_hop hop[DMAR_MAX_HOPS];
};

enum dmar_type {
	DMAR_DRHD = 0,
	DMAR_RMRR = 1,
	DMAR_ATSR = 2,
	DMAR_RHSA = 3,
	DMAR_ANDD = 4,
	DMAR_SATC = 5,
	DMAR_SIDP = 6,
};

/* One remapping structure of any type; fields that its type lacks are 0. */
struct dmar_structure {
	u16 type;
	u32 offset;		  /* of the structure in the table */
	u8 flags;		  /* DRHD, ATSR, SATC */
	u8 size_code;		  /* DRHD: the register set takes 2^size_code pages */
	u16 segment;		  /* DRHD, RMRR, ATSR, SATC, SIDP */
	u64 base;		  /* DRHD, RHSA: register base, see below; RMRR: first byte */
	u64 limit;		  /* RMRR: last byte; not always the last of a page */
	u32 proximity_domain;	  /* RHSA */
	u8 device_number;	  /* ANDD: ACPI device number */
	char name[DMAR_NAME_MAX]; /* ANDD */
	u16 first_scope;	  /* into dmar.scope[] */
	u16 scope_count;
};

struct dmar {
	u8 revision;
	u8 host_address_width; /* in bits: the table's field plus one */
	u8 flags;
	u16 structure_count;
	u16 scope_count;
	u16 unknown_count; /* structures skipped */
	struct dmar_structure structure[DMAR_MAX_STRUCTURES];
	struct dmar_scope scope[DMAR_MAX_SCOPES];
};

/* Where and why a table was refused. reason is a constant sentence. */
struct dmar_error {
	u32 offset;
	const char *reason;
};

/*
 * Parses a whole table, header included: signature, length, checksum and every structure. On anything
 * but OK, *error says where and why and *dmar is not to be used.
 *
 * Real firmware departs from the specification, and what can be used safely is not refused. So a
 * DRHD's base may be 0 (a unit that is switched off but still listed: there is nothing to program, and
 * its devices can't be assigned), and an RMRR may begin or end within a page (who maps it rounds
 * outwards, and must check the whole pages). Limits below bases and hops that are not a device and
 * function are refused.
 */
enum status dmar_parse(struct bytes table, struct dmar *dmar, struct dmar_error *error);

/*
 * The structure's content on one line, without a newline, cut to size:
 *   DRHD offset 0x30 segment 0 flags 0x01 base 0xfed90000 size 0x1000 scopes: ioapic id 2 00:1e.7; ...
 * tools/dmarcat.c has the whole format. Returns the length that the whole line would have had.
 */
size_t dmar_format(const struct dmar *dmar, const struct dmar_structure *structure, char *buffer,
		   size_t size);

#endif
