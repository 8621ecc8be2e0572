/* A small machine around fake units: DMAR table, PCI functions, memory map, page pool. */
#ifndef TESTS_FAKE_VTD_WORLD_H
#define TESTS_FAKE_VTD_WORLD_H

#include "hv/platform/platform.h"
#include "iommu/iommu.h"
#include "tests/fake/vtd_unit.h"

/* QEMU's unit with aw-bits=48, and parts of it. */
#define WORLD_CAP      0x00d2008c222f0606ull
#define WORLD_CAP_CM   (1ull << 7)
#define WORLD_CAP_RWBF (1ull << 4)
#define WORLD_CAP_PLMR (1ull << 5)
#define WORLD_CAP_PSI  (1ull << 39)
#define WORLD_ECAP     0x00f00f4bull /* coherent */
#define WORLD_ECAP_C   (1ull << 0)
#define WORLD_ECAP_QI  (1ull << 1)
#define WORLD_ECAP_DT  (1ull << 2)
#define WORLD_ECAP_IR  (1ull << 3)
#define WORLD_ECAP_EIM (1ull << 4)
#define WORLD_ECAP_SC  (1ull << 7)
#define WORLD_ECAP_DIT (1ull << 41)

#define WORLD_ATS 0x140 /* where functions have that capability */

#define WORLD_UNIT_BASE 0xfed90000ull
#define WORLD_FREE_PAGE (FAKE_MEMORY_HPA + 0x1000) /* .. 0x40000: outside the pool, for tests */

/* The source of messages that is one requester. */
#define ONLY(requester) ((struct iommu_source){.id = requester})

extern struct platform world;
extern struct pool world_pool;

/* An empty machine: 2 GiB of RAM, the IOAPIC 0, no unit. */
void world_reset(void);
/* A unit of segment 0 with INCLUDE_PCI_ALL and the IOAPIC 0 as f0:1f.0. */
struct fake_unit *world_add_unit(u64 cap, u64 ecap);
/* Opens a DRHD by hand; world_add_scope() then adds to it. */
struct fake_unit *world_add_drhd(u16 segment, u8 flags, u64 base, u64 cap, u64 ecap);
/* The DMAR table's host address width, in bits; 48 unless told. */
void world_set_address_width(unsigned bits);
void world_add_rmrr(u64 base, u64 limit);
/* hops are pairs of device and function, ended by 0xff. */
void world_add_scope(u8 type, u8 enumeration_id, u8 bus, const u8 *hops);
/* Parent is an index into the topology, or PCI_NO_PARENT; the new index is returned. */
u16 world_add_function(u8 bus, u8 device, u8 function, u16 parent);
u16 world_add_bridge(u8 bus, u8 device, u8 function, u16 parent, u8 secondary, u8 subordinate);
/* The function has ATS, and firmware left it on; depth as in fake_device_add(). */
void world_set_ats(u16 function, u8 depth);
/* Closes the table: length and checksum. */
void world_finish(void);

/* reset, one unit, finish, probe and enable: all must succeed. */
struct fake_unit *world_enabled(u64 cap, u64 ecap);
extern const struct interrupt_target world_event;

#endif
