/*
 * What the driver's files share. The tree of calls, from the top:
 *
 *   vtd.c        iommu_ops: takes the lock, finds the unit
 *   probe.c      DMAR to units; what they have in common
 *   enable.c     one unit from whatever firmware left to "all blocked, told so by GSTS"
 *   domain.c     second-stage mappings                      share.c     one table for CPU and units
 *   attach.c     attach and detach                          reserved.c  RMRRs
 *   interrupt.c  remapping entries                          faults.c    fault records
 *   tables.c     root and context tables; publishing and retracting an entry
 *   ats.c        devices that firmware let translate by themselves
 *   invalidate.c chooses between queue.c and regs_inv.c
 *   gcmd.c       the only writer of the Global Command Register
 *
 * A unit's states: found -> enabled -> dead. It is dead once it left an invalidation unanswered: what
 * it may still have cached is never certain again, so every further operation on it fails and no page
 * or ID that it may know is used for anything else.
 *
 * All but probe run under vtd.lock, save for questions about what probe found for good.
 */
#ifndef IOMMU_VTD_INTERNAL_H
#define IOMMU_VTD_INTERNAL_H

#include "arch/x86/delay.h"
#include "arch/x86/mmio.h"
#include "hv/base/lock.h"
#include "iommu/dmar.h"
#include "iommu/iommu.h"
#include "iommu/vtd/caps.h"
#include "iommu/vtd/entries.h"
#include "iommu/vtd/regs.h"

#define VTD_MAX_UNITS	   64	   /* bits in iommu_domain.units */
#define VTD_MAX_DOMAINS	   256	   /* domain IDs in use at once, 0 not counted in */
#define VTD_MAX_INTERRUPTS 4096	   /* a unit: holds the largest MSI-X table, 2048, besides others */
#define VTD_WAIT_US	   1000000 /* hardware answers within microseconds, or never */
#define VTD_DEVICE_WAIT_US                                                                         \
	100000000 /* PCIe 5.0, 10.3: a device may take a minute, and half of one more */

struct vtd_queue {
	bool running;
	struct vtd_entry *ring;
	u32 *status; /* in a page of the pool for good: what the unit writes upon a wait */
	u32 tail;    /* index of the next descriptor */
	u32 sequence; /* the value of the last wait; never used again, so no late write can deceive */
};

struct vtd_interrupt_table {
	struct vtd_entry *entry;
	u64 used[VTD_MAX_INTERRUPTS / 64];
};

struct vtd_unit {
	u16 index;
	u16 segment;
	hpa_t base;
	struct mmio mmio;
	struct vtd_caps caps;
	struct pool *pool;
	bool dead;
	struct vtd_queue queue;
	struct vtd_entry *root;
	struct vtd_interrupt_table interrupts;
	bool wide_apic_ids; /* IRTA.EIME is on */
	u64 overflows;	    /* of the fault records */
};

/* A memory range that firmware demands for some devices (RMRR), whole pages. */
struct vtd_reserved_region {
	u64 base;
	u64 size;
};

#define VTD_MAX_RESERVED_REGIONS 64
#define VTD_MAX_RESERVED_USERS	 128

struct vtd_reserved_user {
	struct sbdf requester;
	u16 region;
	u16 home; /* the requester's own domain while it is in quarantine */
};

#define VTD_MAX_HOMES 32

/* A requester with reserved regions never is without them. */
struct vtd_home {
	struct sbdf requester;
	struct iommu_domain domain;
};

struct vtd_reserved {
	unsigned region_count;
	unsigned user_count;
	unsigned home_count;
	struct vtd_reserved_region region[VTD_MAX_RESERVED_REGIONS];
	struct vtd_reserved_user user[VTD_MAX_RESERVED_USERS];
	struct vtd_home home[VTD_MAX_HOMES];
};

struct vtd {
	struct lock lock;
	const struct platform *platform;
	struct pool *pool;
	struct dmar dmar;
	bool probed;
	bool enabled;
	unsigned unit_count;
	struct vtd_unit unit[VTD_MAX_UNITS];
	/* What all units have in common. */
	struct vtd_wanted wanted;
	u8 depths; /* as in struct vtd_caps */
	u8 levels; /* the one of them that domains' own tables have */
	u8 leaf_sizes;
	u8 address_bits;
	bool coherent;
	bool wide_apic_ids;
	unsigned first_faulting; /* the unit whose faults are taken first */
	const struct pt_format *format;
	u32 domain_ids;
	u64 domain_used[VTD_MAX_DOMAINS / 64];
	struct vtd_reserved reserved;
};

/* The one instance, made by probe. */
extern struct vtd vtd;

/* probe.c */
enum status vtd_probe(const struct platform *platform, struct pool *pool);
/* The range, which does not wrap, has a byte of memory that is free to use: ours, or a VM's. */
bool vtd_touches_ram(u64 base, u64 size);
/* It has a byte of the registers of one of the first `count` units. */
bool vtd_touches_units(u64 base, u64 size, unsigned count);
/* ERR_NOT_FOUND where no unit serves the requester. */
enum status vtd_unit_for(struct sbdf requester, struct vtd_unit **unit);

/* enable.c */
enum status vtd_unit_enable(struct vtd_unit *unit, const struct interrupt_target *event);

/* gcmd.c: each waits until GSTS tells that it is so; ERR_TIMEOUT makes the unit dead. */
u32 vtd_gsts(const struct vtd_unit *unit);
/* state is one of VTD_GSTS_{TES,QIES,IRES,CFIS}. */
enum status vtd_turn_on(struct vtd_unit *unit, u32 state);
enum status vtd_turn_off(struct vtd_unit *unit, u32 state);
enum status vtd_latch_root_table(struct vtd_unit *unit);
enum status vtd_latch_interrupt_table(struct vtd_unit *unit);
enum status vtd_flush_write_buffer(struct vtd_unit *unit);

/* queue.c (6.5.2) */
/* Stops a queue that firmware left running, and starts ours. */
enum status vtd_queue_start(struct vtd_unit *unit);
/*
 * Hands the descriptor to the unit and waits until it is done. ERR_HARDWARE: the unit refused it, or
 * a device did not answer; the queue runs on. ERR_TIMEOUT: the unit is dead.
 */
enum status vtd_queue_run(struct vtd_unit *unit, struct vtd_entry descriptor);

/* regs_inv.c (6.5.1) */
enum status vtd_regs_invalidate_context(const struct vtd_unit *unit,
					enum vtd_granularity granularity, u16 domain_id,
					u16 source_id);
enum status vtd_regs_invalidate_iotlb(const struct vtd_unit *unit, enum vtd_granularity granularity,
				      u16 domain_id, u64 address, u8 mask);

/* invalidate.c: returns once the unit has said that it is done. */
enum status vtd_invalidate_context_all(struct vtd_unit *unit);
enum status vtd_invalidate_context(struct vtd_unit *unit, u16 domain_id, u16 source_id);
enum status vtd_invalidate_iotlb_all(struct vtd_unit *unit);
enum status vtd_invalidate_iotlb_domain(struct vtd_unit *unit, u16 domain_id);
/* By pages where the unit can, else the whole domain. */
enum status vtd_invalidate_iotlb_range(struct vtd_unit *unit, u16 domain_id, u64 address, u64 size);
/*
 * All that a device translated by itself. Where caps.device_tlbs. ERR_HARDWARE also if it did not answer, which
 * takes a minute and more; pending is how many invalidations it can hold, 1 .. 32.
 */
enum status vtd_invalidate_device(struct vtd_unit *unit, u16 source_id, u8 pending);
enum status vtd_invalidate_interrupts_all(struct vtd_unit *unit);
/* 2^mask entries from index on, which is aligned to that. */
enum status vtd_invalidate_interrupts(struct vtd_unit *unit, u16 index, u8 mask);
/* After an entry became present that was not (6.8, 6.1 for caching mode). */
enum status vtd_announce_context(struct vtd_unit *unit, u16 domain_id, u16 source_id);
enum status vtd_announce_mapping(struct vtd_unit *unit, u16 domain_id, u64 address, u64 size);

/* tables.c */
/* Low half with the present bit last; visible to the unit on return. */
void vtd_publish(const struct vtd_unit *unit, struct vtd_entry *entry, struct vtd_entry value);
/* Low half with the present bit first, and that alone: the rest may still be in use. */
void vtd_retract(const struct vtd_unit *unit, struct vtd_entry *entry);
/* Makes memory that the unit is to read visible to it. */
void vtd_make_visible(const struct vtd_unit *unit, const void *start, size_t size);
enum status vtd_tables_init(struct vtd_unit *unit);
/* Not present where there is no table for the bus. */
struct vtd_entry vtd_context_get(const struct vtd_unit *unit, u16 source_id);
/* The slot, with a context table made and linked where there is none; NULL without memory. */
struct vtd_entry *vtd_context_slot(struct vtd_unit *unit, u16 source_id);

/* domain.c */
/* Shares the CPU's table `nested` where it can; NULL for a table of its own. */
enum status vtd_domain_create(struct iommu_domain *domain, const struct pt *nested);
enum status vtd_domain_destroy(struct iommu_domain *domain);
/* Every unit can translate the range, and it has nothing of the interrupt range. size > 0. */
bool vtd_domain_can_hold(u64 address, u64 size);
/* The table that context entries lead to. */
static inline const struct pt *vtd_domain_table(const struct iommu_domain *domain)
{
	return domain->shared ? domain->shared : &domain->pt;
}
/* On any error nothing is mapped that was not before; a shared table is its owner's business. */
enum status vtd_domain_map(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size,
			   u32 prot);
enum status vtd_domain_unmap(struct iommu_domain *domain, iova_t address, u64 size);
/*
 * Every unit that may know the domain was told to forget the range, and has said so. Any range that the
 * units can't name stands for the whole domain.
 */
enum status vtd_domain_flush(struct iommu_domain *domain, u64 address, u64 size,
			     struct pt_flushed *proof);

/* share.c: a pure question, from probe on. */
bool vtd_can_share(const struct pt *nested);

/* attach.c */
enum status vtd_attach(struct iommu_domain *domain, struct sbdf requester);
enum status vtd_detach(struct iommu_domain *domain, struct sbdf requester);
/* As of struct iommu_ops. */
const char *vtd_refusal(struct sbdf requester);
/*
 * Makes the requester's entry, which must be free. For a table that the unit does not use yet; else
 * vtd_announce_context() has to follow.
 */
enum status vtd_context_enter(struct vtd_unit *unit, struct iommu_domain *domain, u16 source_id);

/* ats.c: after all units were enabled. ERR_TIMEOUT: a unit is dead. */
enum status vtd_devices_forget(void);

/* reserved.c (RMRRs, 8.4) */
/* Reads the table's regions and who uses them; regions in RAM are told and skipped. */
enum status vtd_reserved_find(void);
/* Makes the homes and connects them, before translation goes on. */
enum status vtd_reserved_connect(void);
/* The requester's domain in quarantine, NULL if it has none. */
struct iommu_domain *vtd_reserved_home(struct sbdf requester);
/* From probe on: true if the requester has any. */
bool vtd_reserved_has(struct sbdf requester);
/* From probe on: true if the unit serves a requester that has any. */
bool vtd_reserved_on(const struct vtd_unit *unit);
/* True if another requester has one of its regions too. */
bool vtd_reserved_shared(struct sbdf requester);
/* Maps the requester's regions into a domain, all or none; and takes them out again. */
enum status vtd_reserved_map(struct iommu_domain *domain, struct sbdf requester);
enum status vtd_reserved_unmap(struct iommu_domain *domain, struct sbdf requester);

/* interrupt.c */
enum status vtd_interrupts_init(struct vtd_unit *unit);
u64 vtd_interrupt_table_address(const struct vtd_unit *unit);
enum status vtd_interrupts_alloc(struct vtd_unit *unit, struct iommu_source source, u16 count,
				 struct iommu_interrupts *interrupts);
enum status vtd_interrupts_free(struct vtd_unit *unit, struct iommu_interrupts *interrupts);
enum status vtd_interrupt_set(struct vtd_unit *unit, u16 index,
			      const struct interrupt_target *target);
enum status vtd_interrupt_clear(struct vtd_unit *unit, u16 index);

/* faults.c */
/* Masks the event and forgets what firmware left, so that the event will come once it is set. */
enum status vtd_faults_reset(struct vtd_unit *unit);
enum status vtd_fault_event_set(const struct vtd_unit *unit, const struct interrupt_target *target);
/* As iommu_ops.faults, of one unit. */
unsigned vtd_faults_take(struct vtd_unit *unit, struct iommu_fault *fault, unsigned max);

/* reasons.c (7.1.3): in words; never NULL. */
const char *vtd_fault_reason(u8 code);

static inline u32 vtd_read32(const struct vtd_unit *unit, u32 offset)
{
	return mmio_read32(&unit->mmio, offset);
}

static inline u64 vtd_read64(const struct vtd_unit *unit, u32 offset)
{
	return mmio_read64(&unit->mmio, offset);
}

static inline void vtd_write32(const struct vtd_unit *unit, u32 offset, u32 value)
{
	mmio_write32(&unit->mmio, offset, value);
}

static inline void vtd_write64(const struct vtd_unit *unit, u32 offset, u64 value)
{
	mmio_write64(&unit->mmio, offset, value);
}

#endif
