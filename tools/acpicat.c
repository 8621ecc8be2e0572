// sources: hv/platform/madt.c hv/platform/mcfg.c hv/platform/fadt.c hv/platform/acpi_table.c
// sources: tools/lib/table_tool.c
/*
 * acpicat FILE: prints an ACPI MADT, MCFG or FADT, parsed as the hypervisor does it.
 *
 *   APIC local-apic 0xfee00000 pcat 1 cpus 2 dropped 0 nmis 2 unknown 0
 *   CPU apic-id 0 uid 1 enabled 1 online-capable 0 x2apic 0
 *   IOAPIC id 2 address 0xfec00000 gsi 0
 *   OVERRIDE source 9 gsi 9 polarity high trigger level
 *
 *   MCFG windows 1
 *   WINDOW segment 0 base 0xe0000000 buses 0-255
 *
 *   FACP flags 0x4a5 sci 9 pm-timer 0x608 bits 24 pm1a-control 0x604 dsdt 0x7fe0040
 *   RESET space 1 address 0xcf9 value 0x0f
 *
 * Exit status as dmarcat's: 0; 1 for a malformed table, or one of another kind; 2 for a wrong call or a
 * file that can't be read.
 */
#include <stdio.h>
#include <string.h>

#include "hv/base/bits.h"
#include "hv/platform/acpi.h"
#include "tools/lib/table_tool.h"

static enum status print_madt(struct bytes table, struct acpi_error *error)
{
	static struct madt madt;
	enum status status = madt_parse(table, &madt, error);

	if (status != OK)
		return status;
	printf("APIC local-apic 0x%llx pcat %u cpus %u dropped %u nmis %u unknown %u\n",
	       (unsigned long long)madt.local_apic.v, madt.pcat_compat, madt.cpu_count,
	       madt.cpu_dropped, madt.nmi_count, madt.unknown_count);
	for (u32 i = 0; i < madt.cpu_count; i++)
		printf("CPU apic-id %u uid %u enabled %u online-capable %u x2apic %u\n",
		       madt.cpu[i].apic_id, madt.cpu[i].uid, madt.cpu[i].enabled,
		       madt.cpu[i].online_capable, madt.cpu[i].x2apic);
	for (u32 i = 0; i < madt.ioapic_count; i++)
		printf("IOAPIC id %u address 0x%llx gsi %u\n", madt.ioapic[i].id,
		       (unsigned long long)madt.ioapic[i].address.v, madt.ioapic[i].gsi_base);
	for (u32 i = 0; i < madt.override_count; i++)
		printf("OVERRIDE source %u gsi %u polarity %s trigger %s\n",
		       madt.override[i].source, madt.override[i].gsi,
		       madt.override[i].active_low ? "low" : "high",
		       madt.override[i].level ? "level" : "edge");
	return OK;
}

static enum status print_mcfg(struct bytes table, struct acpi_error *error)
{
	struct mcfg mcfg;
	enum status status = mcfg_parse(table, &mcfg, error);

	if (status != OK)
		return status;
	printf("MCFG windows %u\n", mcfg.window_count);
	for (u32 i = 0; i < mcfg.window_count; i++)
		printf("WINDOW segment %u base 0x%llx buses %u-%u\n", mcfg.window[i].segment,
		       (unsigned long long)mcfg.window[i].base.v, mcfg.window[i].first_bus,
		       mcfg.window[i].last_bus);
	return OK;
}

static enum status print_fadt(struct bytes table, struct acpi_error *error)
{
	struct fadt fadt;
	enum status status = fadt_parse(table, &fadt, error);

	if (status != OK)
		return status;
	printf("FACP flags 0x%x sci %u pm-timer 0x%x bits %u pm1a-control 0x%x dsdt 0x%llx\n",
	       fadt.flags, fadt.sci_gsi, fadt.pm_timer_port, fadt.pm_timer_32bit ? 32u : 24u,
	       fadt.pm1a_control_port, (unsigned long long)fadt.dsdt);
	if (fadt.flags & FADT_RESET_REG_SUP)
		printf("RESET space %u address 0x%llx value 0x%02x\n", fadt.reset_space,
		       (unsigned long long)fadt.reset_address, fadt.reset_value);
	return OK;
}

static const struct printer {
	char signature[5];
	enum status (*print)(struct bytes table, struct acpi_error *error);
} printers[] = {
	{"APIC", print_madt},
	{"MCFG", print_mcfg},
	{"FACP", print_fadt},
};

static enum status print_table(struct bytes table, struct acpi_error *error)
{
	for (unsigned i = 0; i < ARRAY_SIZE(printers); i++)
		if (table.size >= 4 && memcmp(table.data, printers[i].signature, 4) == 0)
			return printers[i].print(table, error);
	return acpi_refuse(error, ERR_UNSUPPORTED, 0, "the table is not a MADT, MCFG or FADT");
}

int main(int argc, char **argv)
{
	return table_tool_main("acpicat", argc, argv, print_table);
}
