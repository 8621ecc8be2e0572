/*
 * DMAR device scopes (Intel VT-d specification, revision 4.1, section 8.3.1) resolved over the PCI
 * topology: which remapping unit serves a requester, and which source ID an IOAPIC or HPET has. Pure.
 *
 * A path starts at a bus number and goes down over bridges by their secondary buses, which are taken
 * from the topology, not from firmware. The segment is part of every identity.
 */
#ifndef IOMMU_SCOPE_H
#define IOMMU_SCOPE_H

#include "drivers/pci.h"
#include "iommu/dmar.h"

/* Units are counted by the order of their DRHDs in the table. */
unsigned scope_unit_count(const struct dmar *dmar);

/* The DRHD of a unit, or NULL. */
const struct dmar_structure *scope_unit(const struct dmar *dmar, unsigned unit);

/*
 * The address at the end of a scope's path. ERR_NOT_FOUND: a hop before the last is no bridge of the
 * topology. The last one need not be in it: IOAPICs and HPETs often have hidden addresses.
 */
enum status scope_resolve(const struct dmar_scope *scope, u16 segment,
			  const struct pci_topology *pci, struct sbdf *address);

/*
 * True if an endpoint or bridge scope of the structure covers the requester ID, as it appears at the
 * root complex: an endpoint scope its function, a bridge scope the bridge and all buses below.
 */
bool scope_covers(const struct dmar *dmar, const struct dmar_structure *structure,
		  const struct pci_topology *pci, struct sbdf requester);

/*
 * The unit that serves a requester ID: one with a scope that covers it, else the one of its segment
 * with INCLUDE_PCI_ALL (8.3). ERR_NOT_FOUND: none.
 */
enum status scope_unit_of(const struct dmar *dmar, const struct pci_topology *pci,
			  struct sbdf requester, u16 *unit);

/*
 * The unit and the source ID of the IOAPIC or HPET with this enumeration ID. ERR_NOT_FOUND: no unit
 * names it.
 */
enum status scope_unit_of_platform_device(const struct dmar *dmar, const struct pci_topology *pci,
					  enum dmar_scope_type type, u8 enumeration_id, u16 *unit,
					  struct sbdf *source);

#endif
