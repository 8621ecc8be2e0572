#include "hv/platform/gsi.h"

#include "drivers/ioapic.h"
#include "hv/base/log.h"

void gsi_init(const struct madt *madt)
{
	for (u32 i = 0; i < madt->ioapic_count; i++) {
		const struct madt_ioapic *ioapic = &madt->ioapic[i];
		enum status status = ioapic_add(ioapic->id, ioapic->address, ioapic->gsi_base);

		if (status != OK)
			log_line("ioapic", "ID %u at 0x%lx is left out: %s", ioapic->id,
				 ioapic->address.v, status_name(status));
	}
}

u32 gsi_of_isa(const struct madt *madt, u8 irq)
{
	for (u32 i = 0; i < madt->override_count; i++)
		if (madt->override[i].source == irq)
			return madt->override[i].gsi;
	return irq;
}

static struct gsi_mode mode(const struct madt *madt, u32 gsi, struct gsi_mode by_bus)
{
	for (u32 i = 0; i < madt->override_count; i++) {
		const struct madt_override *override = &madt->override[i];

		if (override->gsi == gsi)
			return (struct gsi_mode){override->active_low, override->level};
	}
	return by_bus;
}

struct gsi_mode gsi_mode_isa(const struct madt *madt, u32 gsi)
{
	return mode(madt, gsi, (struct gsi_mode){.active_low = false, .level = false});
}

struct gsi_mode gsi_mode_pci(const struct madt *madt, u32 gsi)
{
	return mode(madt, gsi, (struct gsi_mode){.active_low = true, .level = true});
}
