// sources: iommu/dmar.c iommu/dmar_format.c hv/platform/acpi_table.c tools/lib/table_tool.c
/*
 * dmarcat FILE: prints an ACPI DMAR table, parsed as the hypervisor does it.
 *
 * The first line is the table, each further one a remapping structure, in the table's order:
 *
 *   DMAR revision 1 host-address-width 39 flags 0x05 structures 3 unknown 0
 *   DRHD offset 0x30 segment 0 flags 0x01 base 0xfed90000 size 0x1000 scopes: ioapic id 2 00:1e.7
 *   RMRR offset 0x48 segment 0 base 0x7c000000 limit 0x807fffff scopes: endpoint 00:02.0
 *   ATSR offset 0x68 segment 0 flags 0x00 scopes: bridge 00:01.0; bridge 00:1c.0>00.0
 *   RHSA offset 0x80 base 0xfed90000 proximity 1
 *   ANDD offset 0x94 device 1 name \_SB.PCI0.I2C0
 *   SATC offset 0xb0 segment 0 flags 0x01 scopes: endpoint 00:02.0
 *   SIDP offset 0xc0 segment 0 scopes: endpoint flags 0x1f 00:02.0
 *
 * A device scope is its type (endpoint, bridge, ioapic, hpet, acpi, or type-0xN where it is not known),
 * `id N` with its enumeration ID (of endpoints and bridges only where not 0), `flags 0xNN` where not 0,
 * and its path: start bus, device and function in hexadecimal, further hops after '>'. Scopes are
 * separated by "; "; without any there is the word none. `unknown` counts structures of types that are
 * not known, which have no line.
 *
 * Exit status: 0; 1 for a malformed table, with one line on stderr that has offset and reason; 2 for a
 * wrong call or a file that can't be read.
 */
#include <stdio.h>

#include "hv/base/bits.h"
#include "iommu/dmar.h"
#include "tools/lib/table_tool.h"

static enum status print_dmar(struct bytes table, struct acpi_error *error)
{
	static struct dmar dmar;
	static char line[KIB(64)]; /* all DMAR_MAX_SCOPES fit */
	struct dmar_error refused = {0};
	enum status status = dmar_parse(table, &dmar, &refused);

	if (status != OK)
		return acpi_refuse(error, status, refused.offset, refused.reason);
	printf("DMAR revision %u host-address-width %u flags 0x%02x structures %u unknown %u\n",
	       dmar.revision, dmar.host_address_width, dmar.flags, dmar.structure_count,
	       dmar.unknown_count);
	for (unsigned i = 0; i < dmar.structure_count; i++) {
		dmar_format(&dmar, &dmar.structure[i], line, sizeof(line));
		puts(line);
	}
	return OK;
}

int main(int argc, char **argv)
{
	return table_tool_main("dmarcat", argc, argv, print_dmar);
}
