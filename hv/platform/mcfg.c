/* The MCFG: where PCI configuration space is memory (PCI Firmware specification 3.3, 4.1.2). */
#include "hv/platform/acpi.h"

#define MCFG_ENTRIES	44
#define MCFG_ENTRY_SIZE 16

/* In an entry. */
#define MCFG_BASE      0 /* u64: of bus 0, even if the window starts at another */
#define MCFG_SEGMENT   8 /* u16 */
#define MCFG_FIRST_BUS 10
#define MCFG_LAST_BUS  11

#define ECAM_BUS_SIZE MIB(1)

static const struct mcfg_window *find_overlap(const struct mcfg *mcfg,
					      const struct mcfg_window *window)
{
	for (u32 i = 0; i < mcfg->window_count; i++) {
		const struct mcfg_window *other = &mcfg->window[i];

		if (other->segment == window->segment && other->first_bus <= window->last_bus &&
		    window->first_bus <= other->last_bus)
			return other;
	}
	return NULL;
}

static enum status add_window(struct mcfg *mcfg, const struct mcfg_window *window, u32 at,
			      struct acpi_error *error)
{
	u64 past = (window->last_bus + 1ull) * ECAM_BUS_SIZE;

	if (!window->base.v || !is_aligned(window->base.v, ECAM_BUS_SIZE))
		return acpi_refuse(error, ERR_INVALID, at + MCFG_BASE,
				   "the window's base is zero or not aligned to 1 MiB");
	if (window->base.v > UINT64_MAX - past)
		return acpi_refuse(error, ERR_INVALID, at + MCFG_BASE,
				   "the window goes past the end of the address space");
	if (window->first_bus > window->last_bus)
		return acpi_refuse(error, ERR_INVALID, at + MCFG_FIRST_BUS,
				   "the window's first bus comes after its last");
	if (find_overlap(mcfg, window))
		return acpi_refuse(error, ERR_EXISTS, at + MCFG_FIRST_BUS,
				   "the window's buses are in another window too");
	if (mcfg->window_count == MCFG_MAX_WINDOWS)
		return acpi_refuse(error, ERR_NO_MEMORY, at,
				   "there are more windows than can be kept");
	mcfg->window[mcfg->window_count++] = *window;
	return OK;
}

enum status mcfg_parse(struct bytes table, struct mcfg *mcfg, struct acpi_error *error)
{
	enum status status = acpi_table_check(&table, "MCFG", MCFG_ENTRIES, error);

	*mcfg = (struct mcfg){0};
	for (u32 at = MCFG_ENTRIES; status == OK && at < table.size; at += MCFG_ENTRY_SIZE) {
		struct bytes entry = bytes_slice(table, at, MCFG_ENTRY_SIZE);
		struct mcfg_window window = {
			.base = hpa(bytes_u64(entry, MCFG_BASE)),
			.segment = bytes_u16(entry, MCFG_SEGMENT),
			.first_bus = bytes_u8(entry, MCFG_FIRST_BUS),
			.last_bus = bytes_u8(entry, MCFG_LAST_BUS),
		};

		if (!entry.data)
			return acpi_refuse(error, ERR_TRUNCATED, at,
					   "the table ends within a window's entry");
		status = add_window(mcfg, &window, at, error);
	}
	return status;
}
