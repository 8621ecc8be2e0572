#include "hv/platform/discover.h"

#include "arch/x86/paging.h"
#include "hv/base/log.h"

/* More functions than any machine with a handful of root buses; told when it is not enough. */
#define MAX_FUNCTIONS 512

static void tell(const char *table, enum status status, const struct acpi_error *error)
{
	log_line("acpi", "%s: %s at offset %#x: %s", table, status_name(status), error->offset,
		 error->reason);
}

/* Each table by its own parser; a table that isn't there is no error here. */
static void parse_tables(struct platform *platform)
{
	const struct acpi_tables *tables = &platform->acpi;
	struct acpi_error error = {0};
	enum status status;

	if (tables->madt.size) {
		status = madt_parse(tables->madt, &platform->madt, &error);
		if (status != OK) {
			tell("MADT", status, &error);
			platform->madt = (struct madt){0};
		}
	}
	if (tables->mcfg.size) {
		status = mcfg_parse(tables->mcfg, &platform->mcfg, &error);
		if (status != OK) {
			tell("MCFG", status, &error);
			platform->mcfg = (struct mcfg){0};
		}
	}
	if (tables->fadt.size) {
		status = fadt_parse(tables->fadt, &platform->fadt, &error);
		if (status != OK) {
			tell("FADT", status, &error);
			platform->fadt = (struct fadt){0};
		}
	}
}

/* Page 0 stays unmapped, so that null pointers fault; the BIOS data area in it is read by a window. */
static struct bytes map_for_scan(hpa_t address, u64 size)
{
	if (range_within(address.v, size, 0, PAGE_SIZE))
		return (struct bytes){paging_window(0, address), size};
	return paging_map_firmware(address, size);
}

void platform_read_acpi(struct platform *platform)
{
	struct bootinfo *boot = &platform->boot;
	struct acpi_error error = {0};
	enum status status = OK;

	if (!boot->rsdp_size) {
		status = acpi_scan_rsdp(map_for_scan, boot->rsdp, &boot->rsdp_size);
		paging_window_end(0);
	}
	if (status == OK)
		status = acpi_find_tables((struct bytes){boot->rsdp, boot->rsdp_size},
					  paging_map_firmware, &platform->acpi, &error);
	if (status != OK) {
		tell("RSDP", status, &error);
		return;
	}
	parse_tables(platform);
}

static u32 list_windows(const struct mcfg *mcfg, struct pci_ecam *ecam)
{
	for (u32 i = 0; i < mcfg->window_count; i++)
		ecam[i] = (struct pci_ecam){
			.base = mcfg->window[i].base,
			.segment = mcfg->window[i].segment,
			.first_bus = mcfg->window[i].first_bus,
			.last_bus = mcfg->window[i].last_bus,
		};
	return mcfg->window_count;
}

enum status platform_scan_pci(struct platform *platform, struct pool *pool)
{
	struct pci_ecam ecam[MCFG_MAX_WINDOWS];
	u32 windows = list_windows(&platform->mcfg, ecam);
	u32 pages =
		(u32)(align_up(MAX_FUNCTIONS * sizeof(struct pci_function), PAGE_SIZE) / PAGE_SIZE);
	enum status status = pci_config_init(ecam, windows);

	if (status != OK)
		log_line("pci", "an ECAM window of the MCFG can't be used: %s",
			 status_name(status));
	platform->pci.function = pool_take_run(pool, pages);
	platform->pci.capacity = MAX_FUNCTIONS;
	if (!platform->pci.function)
		return ERR_NO_MEMORY;
	pci_scan(&platform->pci, ecam, windows);
	if (platform->pci.dropped)
		log_line("pci", "%u functions more than there is room for are left alone",
			 platform->pci.dropped);
	return OK;
}

static void print_madt(const struct madt *madt)
{
	u32 usable = 0;

	for (u32 i = 0; i < madt->cpu_count; i++)
		usable += madt->cpu[i].enabled;
	log_line("acpi", "%u CPUs, %u usable; %u overrides, %u NMI entries, %u unknown",
		 madt->cpu_count, usable, madt->override_count, madt->nmi_count,
		 madt->unknown_count);
	for (u32 i = 0; i < madt->ioapic_count; i++)
		log_line("acpi", "IOAPIC %u at %#lx, lines from %u", madt->ioapic[i].id,
			 madt->ioapic[i].address.v, madt->ioapic[i].gsi_base);
}

void platform_print(const struct platform *platform)
{
	const struct mcfg *mcfg = &platform->mcfg;

	log_line("acpi", "revision %u, OEM '%s', %u tables, %u of them bad",
		 platform->acpi.rsdp_revision, platform->acpi.oem_id, platform->acpi.table_count,
		 platform->acpi.bad_count);
	log_line("acpi", "FADT: PM timer port %#x, SCI line %u, flags %#x",
		 platform->fadt.pm_timer_port, platform->fadt.sci_gsi, platform->fadt.flags);
	print_madt(&platform->madt);
	for (u32 i = 0; i < mcfg->window_count; i++)
		log_line("acpi", "ECAM segment %u buses %02x-%02x at %#lx", mcfg->window[i].segment,
			 mcfg->window[i].first_bus, mcfg->window[i].last_bus,
			 mcfg->window[i].base.v);
	pci_print(&platform->pci);
}
