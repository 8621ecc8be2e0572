#include "guest/ioapic.h"

#include "guest/cpu.h"
#include "guest/paging.h"
#include "hv/base/bits.h"

/* 82093AA datasheet, 3.1 and 3.2. */
#define IOAPIC_BASE		     0xFEC00000ull
#define IOAPIC_REGSEL		     0x00
#define IOAPIC_WINDOW		     0x10
#define IOAPIC_VERSION		     0x01 /* 23:16 number of the last pin */
#define IOAPIC_RTE(pin)		     (0x10 + 2 * (pin))
#define IOAPIC_RTE_LOW_ACTIVE	     BIT(13)
#define IOAPIC_RTE_LEVEL	     BIT(15)
#define IOAPIC_RTE_MASKED	     BIT(16)
#define IOAPIC_RTE_DESTINATION_SHIFT 24 /* in the upper half */

#define ISA_PIN_COUNT 16

static u32 ioapic_read(u32 reg)
{
	mmio_write32(IOAPIC_BASE + IOAPIC_REGSEL, reg);
	return mmio_read32(IOAPIC_BASE + IOAPIC_WINDOW);
}

static void ioapic_write(u32 reg, u32 value)
{
	mmio_write32(IOAPIC_BASE + IOAPIC_REGSEL, reg);
	mmio_write32(IOAPIC_BASE + IOAPIC_WINDOW, value);
}

const char *ioapic_route_level(u8 pin, u8 vector, u8 to_apic_id)
{
	/* PCI lines are active low, but those that chipsets lead to ISA pins arrive inverted. */
	u32 low = (u32)(vector | IOAPIC_RTE_LEVEL |
			(pin < ISA_PIN_COUNT ? 0 : IOAPIC_RTE_LOW_ACTIVE));

	if (!paging_map(IOAPIC_BASE, PAGE_SIZE, PAGING_DEVICE))
		return "the IOAPIC is out of reach";
	if (pin > bits_get(ioapic_read(IOAPIC_VERSION), 23, 16))
		return "the IOAPIC has no such pin";
	ioapic_write(IOAPIC_RTE(pin), (u32)(low | IOAPIC_RTE_MASKED));
	ioapic_write(IOAPIC_RTE(pin) + 1, (u32)to_apic_id << IOAPIC_RTE_DESTINATION_SHIFT);
	ioapic_write(IOAPIC_RTE(pin), low);
	return NULL;
}
