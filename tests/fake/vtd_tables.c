/* iommu/vtd/tables.c as it is, but that what units do between two of its stores can be looked at. */
#include "hv/base/cache.h"
#include "iommu/vtd/internal.h"
#include "tests/fake/vtd_unit.h"

#define __atomic_store_n(entry, value, order) fake_store(entry, value)

#include "iommu/vtd/tables.c"
