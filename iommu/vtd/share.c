/*
 * Whether the units can use a CPU's nested table as it is (9.8, legacy mode). All of these have to hold:
 *
 *   - for every mapping the two formats have the same in all bits that units look at. EPT's other bits -
 *     execution, memory type, accessed, dirty - are ignored by them. EPT's leaves carry the snoop bit, so
 *     that it is the format of units that all have snoop control;
 *   - every unit knows tables of that many levels, and leaves of all the sizes in use;
 *   - every unit snoops its walks: nobody flushes lines of a CPU's tables for it.
 */
#include "iommu/vtd/internal.h"

static bool reads_as_ours(const struct pt_format *cpu)
{
	const struct pt_format *ours = vtd.format;
	u64 differing = (cpu->present ^ ours->present) | (cpu->large ^ ours->large) |
			(cpu->table ^ ours->table) | (cpu->leaf ^ ours->leaf) |
			(cpu->read ^ ours->read) | (cpu->write ^ ours->write) |
			(cpu->exec ^ ours->exec) | (cpu->no_exec ^ ours->no_exec) |
			(cpu->cached ^ ours->cached) | (cpu->uncached ^ ours->uncached);

	return cpu->address == ours->address && !(differing & VTD_SS_LOOKED_AT);
}

bool vtd_can_share(const struct pt *nested)
{
	return reads_as_ours(nested->format) && vtd.depths & BIT(nested->levels) &&
	       !(nested->leaf_sizes & ~vtd.leaf_sizes) && vtd.coherent;
}
