/*
 * ACPI tables (ACPI specification 6.4, chapter 5): finding them and reading MADT, MCFG and FADT. The
 * DMAR has a parser of its own in iommu/. The parsers are pure; only acpi_find_tables() reads physical
 * memory, through the callback it is given.
 */
#ifndef HV_PLATFORM_ACPI_H
#define HV_PLATFORM_ACPI_H

#include "hv/base/bits.h"
#include "hv/platform/acpi_table.h"

/* Maps size bytes at address for reading, for good; data NULL where that can't be. */
typedef struct bytes (*acpi_map_t)(hpa_t address, u64 size);

/* Whole tables with their headers, length and checksum verified; empty where absent. */
struct acpi_tables {
	struct bytes madt; /* signature "APIC" */
	struct bytes mcfg;
	struct bytes fadt; /* signature "FACP" */
	struct bytes dmar;
	u32 table_count; /* entries of the RSDT or XSDT; most are of no use here and not looked at */
	u32 bad_count; /* of the four, with a wrong length or checksum: left out with a log line */
	u8 rsdp_revision;
	char oem_id[7];
};

#define ACPI_RSDP_SIZE_V1 20	 /* revision 0 */
#define ACPI_RSDP_SIZE	  36	 /* revision 2 and later */
#define ACPI_TABLE_MAX	  MIB(1) /* bytes; a longer one is taken for a broken length field */

/*
 * From the RSDP (5.2.5.3, revision 0 or 2, checksums verified; 20 or 36 bytes) by XSDT or RSDT to the
 * tables. The XSDT serves where there is a sound one, else the RSDT. Errors are about RSDP, XSDT and
 * RSDT only; one of the latter two that can't be used is named in a log line too.
 */
enum status acpi_find_tables(struct bytes rsdp, acpi_map_t map, struct acpi_tables *tables,
			     struct acpi_error *error);

/*
 * Looks for an RSDP in the first KiB of the EBDA and in 0xE0000-0xFFFFF (5.2.5.1), for loaders that give
 * none. Copies its 20 or 36 bytes. ERR_NOT_FOUND.
 */
enum status acpi_scan_rsdp(acpi_map_t map, u8 rsdp[ACPI_RSDP_SIZE], u8 *size);

#define MADT_MAX_CPUS	   512
#define MADT_MAX_IOAPICS   16
#define MADT_MAX_OVERRIDES 32

struct madt_cpu {
	u32 apic_id;
	u32 uid;
	bool enabled;
	bool online_capable;
	bool x2apic; /* from a type 9 entry */
};

struct madt_ioapic {
	u8 id;
	hpa_t address;
	u32 gsi_base;
};

/* 5.2.12.5: an ISA interrupt that is not identity-mapped. */
struct madt_override {
	u8 source;
	u32 gsi;
	bool active_low; /* as conforming to the bus where the table says so (ISA: high) */
	bool level;
};

struct madt {
	hpa_t local_apic;
	bool pcat_compat; /* dual 8259 to be masked */
	u32 cpu_count;	  /* one for each APIC ID, placeholders with the broadcast ID left out */
	struct madt_cpu cpu[MADT_MAX_CPUS];
	u32 cpu_dropped; /* entries beyond MADT_MAX_CPUS */
	u32 ioapic_count;
	struct madt_ioapic ioapic[MADT_MAX_IOAPICS];
	u32 override_count;
	struct madt_override override[MADT_MAX_OVERRIDES];
	u32 nmi_count;	   /* local and IOAPIC NMI entries */
	u32 unknown_count; /* entries skipped: of other types, or overrides of a bus that is not ISA */
};

/*
 * 5.2.12. Entries with one APIC ID are merged (firmware repeats type 0 as type 9, and gives unused
 * slots the ID of a CPU): enabled if one of them is. CPUs beyond the maximum are counted and dropped,
 * as the rest still works; too many IOAPICs or overrides are ERR_NO_MEMORY, since interrupts would go
 * astray.
 */
enum status madt_parse(struct bytes table, struct madt *madt, struct acpi_error *error);

#define MCFG_MAX_WINDOWS 32

struct mcfg_window {
	hpa_t base; /* of bus 0 */
	u16 segment;
	u8 first_bus;
	u8 last_bus;
};

struct mcfg {
	u32 window_count;
	struct mcfg_window window[MCFG_MAX_WINDOWS];
};

/*
 * PCI Firmware specification 3.3, 4.1.2. Refused: a window that is not aligned to a bus's 1 MiB, starts
 * at 0, has no bus or wraps; one that overlaps another in buses of one segment.
 */
enum status mcfg_parse(struct bytes table, struct mcfg *mcfg, struct acpi_error *error);

/* 5.2.9, table 5.10: flags. */
#define FADT_TMR_VAL_EXT     BIT(8)  /* the PM timer has 32 bits, not 24 */
#define FADT_RESET_REG_SUP   BIT(10) /* there is a reset register */
#define FADT_HW_REDUCED_ACPI BIT(20) /* there are no PM registers */

struct fadt {
	u16 pm_timer_port; /* 0: none, or not in I/O space */
	bool pm_timer_32bit;
	u32 flags;
	u16 sci_gsi;
	u8 reset_space; /* generic address structure of the reset register; 1: I/O */
	u64 reset_address;
	u8 reset_value;	       /* these three are 0 unless flags say that the register is there */
	u16 pm1a_control_port; /* 0: none, or not in I/O space */
	u64 dsdt;
};

/*
 * 5.2.9, from revision 1 (116 bytes) on. Fields past a shorter table's end are 0; the 64-bit X_ fields
 * are used where they are not zero.
 */
enum status fadt_parse(struct bytes table, struct fadt *fadt, struct acpi_error *error);

#endif
