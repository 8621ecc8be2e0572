#include "drivers/pci_groups.h"
#include "hv/base/format.h"
#include "hv/base/log.h"

/* Of a line, so that the longest reason still has room behind them. */
#define MEMBERS_TEXT_MAX 60

static const char *const bond_names[] = {
	"requests with one ID",
	"a bus of conventional PCI",
	"ports above without full ACS",
	"functions of one device without full ACS",
};

const char *pci_bonds_text(u8 bonds, char text[PCI_BONDS_TEXT_MAX])
{
	size_t length = 0;

	text[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bond_names); i++)
		if (bonds & BIT(i))
			length += format_text(text + length, PCI_BONDS_TEXT_MAX - length, "%s%s",
					      length ? ", " : "", bond_names[i]);
	return text;
}

static void print_line(const struct pci_function *first, const char *members)
{
	char name[SBDF_TEXT_MAX], reason[PCI_BONDS_TEXT_MAX];

	log_line("group", "of %s:%s%s%s", sbdf_text(first->address, name), members,
		 first->bonds ? ": " : "", pci_bonds_text(first->bonds, reason));
}

static void print_group(const struct pci_topology *topology, u32 first)
{
	char members[MEMBERS_TEXT_MAX], name[SBDF_TEXT_MAX];
	size_t length = 0;

	for (u32 i = first; i < topology->count; i++) {
		if (topology->function[i].group != first)
			continue;
		if (length + SBDF_TEXT_MAX > sizeof(members)) {
			print_line(&topology->function[first], members);
			length = 0;
		}
		length += format_text(members + length, sizeof(members) - length, " %s",
				      sbdf_text(topology->function[i].address, name));
	}
	print_line(&topology->function[first], members);
}

void pci_group_print(const struct pci_topology *topology)
{
	for (u32 i = 0; i < topology->count; i++)
		if (topology->function[i].group == i)
			print_group(topology, i);
}
