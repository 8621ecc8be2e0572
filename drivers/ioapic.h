/*
 * The IOAPICs. An entry is a word of 64 bits in the format that the caller chooses: the plain one
 * (82093AA data sheet, section 3.2.4) or the remappable one (VT-d specification 3.3, section 5.1.5.1).
 * Bits 7:0 and 12-16 are the same in both.
 */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include "hv/base/bits.h"
#include "hv/base/status.h"

#define IOAPIC_MAX 16

#define IOAPIC_ENTRY_VECTOR	BITS(7, 0)
#define IOAPIC_ENTRY_PENDING	BIT(12) /* delivery status, read only */
#define IOAPIC_ENTRY_ACTIVE_LOW BIT(13)
#define IOAPIC_ENTRY_REMOTE_IRR BIT(14) /* read only */
#define IOAPIC_ENTRY_LEVEL	BIT(15)
#define IOAPIC_ENTRY_MASKED	BIT(16)

/* An entry in the plain format to one CPU, by its physical ID (0 to 254): edge, active high, not masked. */
static inline u64 ioapic_plain_entry(u32 apic_id, u8 vector, u8 delivery)
{
	return vector | (u64)delivery << 8 | (u64)apic_id << 56;
}

/* Where a global system interrupt comes in. */
struct gsi_pin {
	u8 ioapic_id; /* as the MADT and the DMAR's scopes call it */
	u8 ioapic;    /* index, in the order they were added */
	u8 pin;
};

/*
 * Adds an IOAPIC as the MADT describes it, and masks all its pins: edge, vector 0, remote IRR cleared.
 * ERR_NOT_FOUND: none answers there; ERR_NO_MEMORY: more than IOAPIC_MAX; or mmio_map()'s errors. Any
 * of these leaves it out.
 */
enum status ioapic_add(u8 id, hpa_t address, u32 gsi_base);

/* How many there are. */
u32 ioapic_count(void);

/* False if no IOAPIC has the GSI; then *pin is as it was. */
bool gsi_find(u32 gsi, struct gsi_pin *pin);

/*
 * Reads and writes the pin's entry. While a written entry's halves don't match, the pin is masked. A
 * GSI that isn't there reads as masked; writes of it do nothing.
 */
u64 ioapic_read_entry(u32 gsi);
void ioapic_write_entry(u32 gsi, u64 entry);

/*
 * Clears remote IRR of the pin, for when the local APIC's EOI didn't, by making it an edge pin for a
 * moment. The EOI register, which there is from version 0x20 on, would do so for all pins that have the
 * same vector: other VMs' too.
 */
void ioapic_eoi(u32 gsi);

#endif
