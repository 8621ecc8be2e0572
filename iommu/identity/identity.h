/*
 * What stands in for an IOMMU where there is none: it translates nothing and keeps no device from anything.
 * An address that a device sends is the machine's own, so that only a VM whose memory lies where the VM sees
 * it can have devices; and they can reach all memory, the hypervisor's too. Its interrupt "remapping" makes
 * messages in the compatibility format (Intel SDM volume 3A, 11.11; 82093AA data sheet, 3.2.4).
 */
#ifndef IOMMU_IDENTITY_IDENTITY_H
#define IOMMU_IDENTITY_IDENTITY_H

#include "iommu/iommu.h"

extern const struct iommu_ops identity_ops;

#endif
