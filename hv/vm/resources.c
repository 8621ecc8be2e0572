#include "hv/vm/resources.h"

#include "hv/base/log.h"
#include "hv/platform/memmap.h"
#include "hv/vm/lines.h"
#include "hv/vm/services.h"

void resources_print(const char *when)
{
	struct iommu_usage used = {0};

	if (services.iommu)
		used = services.iommu->usage();
	log_line(when,
		 "free: %lu bytes of RAM, %u pool pages; in use: %u domains, %u interrupt entries, "
		 "%u lines",
		 memmap_ram(services.memory), services.pool->free_pages, used.domains,
		 used.interrupts, lines_in_use());
}
