/*
 * What the hypervisor asks of an IOMMU: domains, requester IDs, interrupt remapping entries, faults.
 * Nothing above this file knows which vendor's unit runs.
 *
 * States: probed -> enabled. From the moment enable() has returned OK every requester ID is blocked,
 * save for the reserved regions that firmware demands; a requester ID leaves that state by attach()
 * and comes back to it by detach().
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include "hv/base/pt.h"
#include "hv/base/status.h"
#include "hv/platform/platform.h"

/* A translation domain: one table and one domain ID, the same on every unit. */
struct iommu_domain {
	u16 id;
	bool live;
	bool stale;   /* an invalidation failed: the next one must cover the whole domain */
	u32 attached; /* requesters */
	u64 units;    /* bit n: unit n may have cached something of it */
	const struct pt *shared;   /* the CPU's table, which it uses too; NULL: it has its own */
	struct pt pt;		   /* its own */
	struct pool_chain retired; /* table pages that await the next completed invalidation */
};

/* Access rights of a mapping are PT_READ and PT_WRITE. */

/* A block of interrupt remapping entries on the unit that serves a requester. */
struct iommu_interrupts {
	u16 unit;
	u16 first;
	u16 count; /* 0: none */
};

/* Whose messages an interrupt remapping entry takes. */
struct iommu_source {
	struct sbdf id;
	bool whole_bus; /* those of any device of the ID's bus */
	u8 phantom_bits; /* else those of IDs that differ in at most so many high bits of the function: 0 .. 3 */
};

/* Where an interrupt goes. */
struct interrupt_target {
	u32 apic_id;
	u8 vector;
	u8 delivery; /* enum interrupt_delivery */
	bool level;
};

enum interrupt_delivery {
	DELIVERY_FIXED = 0,
	DELIVERY_LOWEST = 1,
	DELIVERY_NMI = 4,
};

/* What a device is to write, or an IOAPIC pin's entry is to hold, for one remapping entry. */
struct msi_message {
	u64 address;
	u32 data;
};

struct iommu_fault {
	struct sbdf requester;
	u64 address; /* bytes; for interrupt faults the remapping index */
	bool write;
	bool interrupt;
	u8 reason_code;
	const char *reason; /* in words */
	u16 unit;
};

/* What is given out at the moment. */
struct iommu_usage {
	u32 domains;
	u32 interrupts; /* remapping entries, of all units */
};

struct iommu_ops {
	const char *name;
	/* Nothing is translated: devices go to one VM only, whose RAM lies where the VM sees it. */
	bool identity;

	/*
	 * Pure look at the tables and the units' capability registers: ERR_NOT_FOUND without any unit,
	 * ERR_UNSUPPORTED when a unit lacks what is needed (told in the log with the reason).
	 */
	enum status (*probe)(const struct platform *platform, struct pool *pool);

	/*
	 * Turns DMA and interrupt remapping on, on every unit, everything blocked, and reads back that
	 * it is so. event is where the units' fault interrupts go; x2apic tells the mode of the CPUs'
	 * local APICs. Then devices that translate by themselves (ATS), save those with reserved regions,
	 * are told to forget, and have it turned off. ERR_UNSUPPORTED: the machine has APIC IDs that a unit
	 * can't address. On any error the units that were done stay on, with everything blocked.
	 */
	enum status (*enable)(const struct interrupt_target *event, bool x2apic);

	/*
	 * Where every unit reads the table `nested` as the CPU does, the domain shares it: then its
	 * devices reach all that the CPU reaches through it, and its owner changes it, and frees none of
	 * it before the domain is destroyed. NULL: it is not to be shared.
	 */
	enum status (*domain_create)(struct iommu_domain *domain, const struct pt *nested);
	/*
	 * ERR_BUSY while a requester is attached. The tables are freed once no unit can walk them; on
	 * ERR_HARDWARE or ERR_TIMEOUT that is never certain, and pages and ID are kept for good.
	 */
	enum status (*domain_destroy)(struct iommu_domain *domain);

	/*
	 * As pt_map() and pt_unmap(), with the invalidations that they need, waited for. map() also
	 * gives ERR_INVALID for what overlaps the interrupt range 0xFEE00000-0xFEEFFFFF or lies beyond
	 * address_bits(); ERR_HARDWARE or ERR_TIMEOUT: a unit was not to be told of the mapping. On any
	 * error of map() nothing is mapped that was not before.
	 *
	 * In a domain that shares the CPU's table, map() comes after the table was changed and tells the
	 * units of it; on an error the change has to be taken back, and flushed. For unmap() there is
	 * flush().
	 */
	enum status (*map)(struct iommu_domain *domain, iova_t address, hpa_t to, u64 size,
			   u32 prot);
	enum status (*unmap)(struct iommu_domain *domain, iova_t address, u64 size);
	/*
	 * After a change of a shared table: no unit uses what it cached of the range any more. *proof is
	 * the units' part of what pt_free_retired() asks for. ERR_HARDWARE, ERR_TIMEOUT: that is not
	 * certain; the next call makes up for it.
	 */
	enum status (*flush)(struct iommu_domain *domain, iova_t address, u64 size,
			     struct pt_flushed *proof);

	/*
	 * The requester's DMA goes through the domain from when this returns; the requester is the ID
	 * that appears at the root complex (pci_requester_id()). Its reserved regions are mapped into
	 * the domain. ERR_BUSY: it is attached already; ERR_NOT_FOUND: no unit serves it;
	 * ERR_UNSUPPORTED: it shares a reserved region with another requester, or has any while the
	 * domain shares the CPU's table, or its unit lacks interrupt remapping; ERR_EXISTS: a reserved region overlaps what the domain maps.
	 */
	enum status (*attach)(struct iommu_domain *domain, struct sbdf requester);
	/*
	 * Back to quarantine; returns once no request of it can use the domain any more. ERR_NOT_FOUND:
	 * it is not attached to this domain.
	 */
	enum status (*detach)(struct iommu_domain *domain, struct sbdf requester);

	/*
	 * From probe() on: why attach() will give ERR_NOT_FOUND or ERR_UNSUPPORTED for the requester, whatever
	 * the domain, as a constant sentence; NULL: it will not.
	 */
	const char *(*refusal)(struct sbdf requester);

	/* From probe() on: true if firmware demands that the requester can reach some memory. */
	bool (*has_reserved)(struct sbdf requester);

	/*
	 * count entries (a power of two for MSI) on the unit that serves the source, not present yet. With
	 * interrupts_alloc_ioapic() the requester is the IOAPIC of that ID, whose unit and source ID
	 * come from the device scopes.
	 */
	enum status (*interrupts_alloc)(struct iommu_source source, u16 count,
					struct iommu_interrupts *interrupts);
	enum status (*interrupts_alloc_ioapic)(u8 ioapic_id, u16 count,
					       struct iommu_interrupts *interrupts);
	/* All entries are retracted, and the invalidation completed, before they can be reused. */
	enum status (*interrupts_free)(struct iommu_interrupts *interrupts);
	/* Points entry n at target, from the source given at allocation only. Completed on return. */
	enum status (*interrupt_set)(const struct iommu_interrupts *interrupts, u16 n,
				     const struct interrupt_target *target);
	enum status (*interrupt_clear)(const struct iommu_interrupts *interrupts, u16 n);
	/* The remappable-format message for MSI and MSI-X entry n. */
	struct msi_message (*msi_message)(const struct iommu_interrupts *interrupts, u16 n);
	/* The remappable-format IOAPIC redirection entry; the vector must be the target's. */
	u64 (*ioapic_entry)(const struct iommu_interrupts *interrupts, u16 n,
			    const struct interrupt_target *target, bool active_low, bool masked);

	/*
	 * Takes at most max recorded faults from all units and clears them; returns how many. Call
	 * again while it returns max: a unit raises no event while it has something left. Takes a
	 * lock: not from NMI handlers.
	 */
	unsigned (*faults)(struct iommu_fault *fault, unsigned max);

	struct iommu_usage (*usage)(void);

	/* The widest IOVA that every unit can translate, in bits. */
	u8 (*address_bits)(void);
	/*
	 * After probe(): true if the CPUs' local APICs may be in x2APIC mode (VT-d: every unit that remaps
	 * interrupts has extended interrupt mode, and firmware does not ask to leave it off).
	 */
	bool (*x2apic_possible)(void);
	/* True if destinations may have 32-bit APIC IDs (VT-d: extended interrupt mode is on). */
	bool (*wide_apic_ids)(void);
};

#endif
