/*
 * Intel VT-d (Virtualization Technology for Directed I/O, architecture specification revision 4.1),
 * legacy mode, for every remapping unit in the DMAR table.
 */
#ifndef IOMMU_VTD_VTD_H
#define IOMMU_VTD_VTD_H

#include "iommu/iommu.h"

extern const struct iommu_ops vtd_ops;

#endif
