#include "drivers/ioapic.h"

#include "arch/x86/mmio.h"
#include "hv/base/lock.h"
#include "hv/base/log.h"

/* 82093AA data sheet, section 3.1: two registers in memory that show all others. */
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_EOI    0x40 /* version 0x20 and later: write a vector */
#define IOAPIC_SIZE   0x44

/* Section 3.2: registers behind the window. */
#define IOAPIC_REG_VERSION	  0x01
#define IOAPIC_REG_ENTRY	  0x10 /* two for each pin, low half first */
#define IOAPIC_VERSION(word)	  ((u8)bits_get(word, 7, 0))
#define IOAPIC_LAST_PIN(word)	  ((u8)bits_get(word, 23, 16))
#define IOAPIC_VERSION_HAS_EOI	  0x20
#define IOAPIC_MAX_LAST_PIN	  119 /* the select register has 8 bits */
#define IOAPIC_REG_VERSION_ABSENT 0xffffffff

struct ioapic {
	struct mmio mmio;
	u32 gsi_base;
	u8 id;
	u8 version;
	u8 last_pin;
};

static struct ioapic ioapics[IOAPIC_MAX];
static u32 count;
static struct lock lock; /* of all select and window pairs, and of an entry's two halves */

static u32 read_register(const struct ioapic *ioapic, u32 index)
{
	mmio_write32(&ioapic->mmio, IOAPIC_SELECT, index);
	return mmio_read32(&ioapic->mmio, IOAPIC_WINDOW);
}

static void write_register(const struct ioapic *ioapic, u32 index, u32 value)
{
	mmio_write32(&ioapic->mmio, IOAPIC_SELECT, index);
	mmio_write32(&ioapic->mmio, IOAPIC_WINDOW, value);
}

static u64 read_pin(const struct ioapic *ioapic, u8 pin)
{
	u32 index = IOAPIC_REG_ENTRY + 2u * pin;

	return read_register(ioapic, index) | (u64)read_register(ioapic, index + 1) << 32;
}

/* Masks first and unmasks last, so that no interrupt goes where neither entry says. */
static void write_pin(const struct ioapic *ioapic, u8 pin, u64 entry)
{
	u32 index = IOAPIC_REG_ENTRY + 2u * pin;

	write_register(ioapic, index, (u32)(entry | IOAPIC_ENTRY_MASKED));
	write_register(ioapic, index + 1, (u32)(entry >> 32));
	if (!(entry & IOAPIC_ENTRY_MASKED))
		write_register(ioapic, index, (u32)entry);
}

static void end_interrupt(const struct ioapic *ioapic, u8 pin)
{
	u64 entry = read_pin(ioapic, pin);

	write_pin(ioapic, pin, (entry | IOAPIC_ENTRY_MASKED) & ~IOAPIC_ENTRY_LEVEL);
	write_pin(ioapic, pin, entry);
}

/* Nobody has a pin yet, so that the EOI register can be used where there is one. */
static void silence(const struct ioapic *ioapic, u8 pin)
{
	u64 entry = read_pin(ioapic, pin);

	write_pin(ioapic, pin, entry | IOAPIC_ENTRY_MASKED);
	if (entry & IOAPIC_ENTRY_REMOTE_IRR && ioapic->version >= IOAPIC_VERSION_HAS_EOI)
		mmio_write32(&ioapic->mmio, IOAPIC_EOI, (u32)(entry & IOAPIC_ENTRY_VECTOR));
	write_pin(ioapic, pin, IOAPIC_ENTRY_MASKED);
}

enum status ioapic_add(u8 id, hpa_t address, u32 gsi_base)
{
	struct ioapic *ioapic = &ioapics[count];

	if (count == IOAPIC_MAX)
		return ERR_NO_MEMORY;

	enum status status = mmio_map(address, IOAPIC_SIZE, &ioapic->mmio);

	if (status != OK)
		return status;

	u32 version = read_register(ioapic, IOAPIC_REG_VERSION);

	if (version == IOAPIC_REG_VERSION_ABSENT || version == 0 ||
	    IOAPIC_LAST_PIN(version) > IOAPIC_MAX_LAST_PIN)
		return ERR_NOT_FOUND;
	ioapic->id = id;
	ioapic->gsi_base = gsi_base;
	ioapic->version = IOAPIC_VERSION(version);
	ioapic->last_pin = IOAPIC_LAST_PIN(version);
	for (u32 pin = 0; pin <= ioapic->last_pin; pin++)
		silence(ioapic, (u8)pin);
	count++;
	log_line("ioapic", "ID %u at 0x%lx, version 0x%x, GSI %u-%u", id, address.v,
		 ioapic->version, gsi_base, gsi_base + ioapic->last_pin);
	return OK;
}

u32 ioapic_count(void)
{
	return count;
}

bool gsi_find(u32 gsi, struct gsi_pin *pin)
{
	for (u32 i = 0; i < count; i++) {
		const struct ioapic *ioapic = &ioapics[i];

		if (gsi < ioapic->gsi_base || gsi - ioapic->gsi_base > ioapic->last_pin)
			continue;
		*pin = (struct gsi_pin){ioapic->id, (u8)i, (u8)(gsi - ioapic->gsi_base)};
		return true;
	}
	return false;
}

u64 ioapic_read_entry(u32 gsi)
{
	struct gsi_pin at;

	if (!gsi_find(gsi, &at))
		return IOAPIC_ENTRY_MASKED;
	lock_take(&lock);

	u64 entry = read_pin(&ioapics[at.ioapic], at.pin);

	lock_release(&lock);
	return entry;
}

void ioapic_write_entry(u32 gsi, u64 entry)
{
	struct gsi_pin at;

	if (!gsi_find(gsi, &at))
		return;
	lock_take(&lock);
	write_pin(&ioapics[at.ioapic], at.pin, entry);
	lock_release(&lock);
}

void ioapic_eoi(u32 gsi)
{
	struct gsi_pin at;

	if (!gsi_find(gsi, &at))
		return;
	lock_take(&lock);
	end_interrupt(&ioapics[at.ioapic], at.pin);
	lock_release(&lock);
}
