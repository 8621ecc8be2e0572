#include "hv/vm/mates.h"

void mates_silence(const struct plan *plan, const struct pci_topology *pci)
{
	for (u32 i = 0; i < pci->count; i++)
		if (plan_takes_group_of(plan, &pci->function[i]))
			pci_silence(&pci->function[i], false);
}
