/*
 * A remapping unit as the specification has it, in place of the MMIO functions: registers, the
 * invalidation queue, caches that stay stale until the right invalidation comes, tables walked in the
 * memory that the driver wrote. It can be told to misbehave, and it notes what no driver may do.
 *
 * Written from the specification with numbers of its own, so that a wrong one in the driver shows.
 */
#ifndef TESTS_FAKE_VTD_UNIT_H
#define TESTS_FAKE_VTD_UNIT_H

#include "hv/base/status.h"
#include "hv/base/types.h"

#define FAKE_MAX_UNITS	 4
#define FAKE_MAX_RECORDS 32
#define FAKE_CACHE	 256
#define FAKE_MAX_DEVICES 4
#define FAKE_DEVICE_TLB	 8

/* The memory that driver and units share. */
#define FAKE_MEMORY_HPA	 0x40000000ull
#define FAKE_MEMORY_SIZE 0x400000ull

/* When a write of the CPU reaches the unit. */
enum fake_view {
	FAKE_SEES_ALL,
	FAKE_SEES_FLUSHED, /* only lines given to cache_flush() */
	FAKE_SEES_DRAINED, /* after a write-buffer flush or an invalidation */
};

struct fake_pair {
	u64 low;
	u64 high;
};

struct fake_context {
	bool valid;
	u16 sid;
	struct fake_pair entry;
};

struct fake_translation {
	bool valid;
	u16 did;
	u64 page;  /* address / 4096 */
	u64 entry; /* 0: cached as not present */
};

/* A paging-structure cache's entry (6.2.5): where the table of that level is, 1 the lowest, for the page. */
struct fake_table {
	bool valid;
	u16 did;
	unsigned level;
	u64 page;
	u64 to; /* 0: cached as not present */
};

struct fake_irte {
	bool valid;
	u16 index;
	struct fake_pair entry;
};

/* What a device translated by itself. */
struct fake_held {
	bool valid;
	u64 page;
	u64 to; /* page too */
};

/* A device with ATS, behind the unit. */
struct fake_device {
	bool there;
	bool ats_on;
	bool silent; /* does not answer when it is told to forget */
	bool asked;  /* is to forget, and has not yet */
	u16 sid;
	u8 depth; /* as its capability has it: 0 is 32 */
	u64 request;
	unsigned requests;
	struct fake_held tlb[FAKE_DEVICE_TLB];
};

struct fake_unit {
	unsigned index;
	enum fake_view view;
	u64 base;
	u64 cap;
	u64 ecap;
	/* Registers. */
	u32 gsts, fsts, fectl, fedata, feaddr, feuaddr, pmen, iectl;
	u64 rtaddr, irta, ccmd, iva, iotlb_reg, iqh, iqt, iqa;
	struct fake_pair record[FAKE_MAX_RECORDS];
	unsigned next_record; /* 7.2.1: they are used in turn */
	u64 root_latched, irta_latched;
	/* Caches. */
	struct fake_context context[FAKE_CACHE];
	struct fake_table table[FAKE_CACHE];
	struct fake_translation iotlb[FAKE_CACHE];
	struct fake_irte iec[FAKE_CACHE];
	struct fake_device device[FAKE_MAX_DEVICES];
	/* How it misbehaves. */
	bool queue_stuck;   /* fetches nothing */
	unsigned queue_ms;  /* so long for each descriptor */
	unsigned device_ms; /* so long until a device that was asked to forget has; ~0: for ever */
	bool status_lost;   /* fetches, but never writes a status */
	bool registers_stuck;	/* CCMD and IOTLB stay busy */
	u32 commands_ignored;	/* bits of GCMD without effect */
	unsigned refuse;	/* so many next descriptors other than waits end in IQE */
	unsigned device_silent; /* so many next waits end in ITE */
	u64 due_us;		/* when the queue goes on */
	/* What it saw. */
	const char *violation; /* the first one, NULL for none */
	bool owes_context_flush, owes_iotlb_flush, owes_interrupt_flush;
	unsigned invalidations, fault_events, root_latches, queue_starts;
	void (*on_write)(struct fake_unit *unit); /* after each register write */
};

struct fake_delivery {
	bool remapped;
	u32 apic_id;
	u8 vector;
	u8 delivery;
	bool level;
};

/* Called, unless NULL, before and after each register write, after each cache line flush and fake_store(). */
extern void (*fake_between)(void);
extern unsigned fake_queue_errors_seen;

/* Forgets all units and memory. The memory is page aligned and zero. */
void *fake_reset(void);
struct fake_unit *fake_unit_add(u64 base, u64 cap, u64 ecap);
unsigned fake_unit_count(void);
struct fake_unit *fake_unit_at(unsigned index);
/* What the unit sees of memory from now on; of what was written before, nothing unless all. */
void fake_set_view(struct fake_unit *unit, enum fake_view view);
void *fake_memory_at(u64 hpa);
/* A store of the driver's that is looked at. */
void fake_store(u64 *entry, u64 value);
/* Fills memory, for all units to see. Sizes are multiples of 16. */
void fake_fill(u64 hpa, u64 size, struct fake_pair with);

/*
 * What a DMA of the requester would do now: 0 and *to where it gets through, else the fault reason,
 * which is recorded. 0xff: stopped by a protected memory region, or by abort mode.
 */
u8 fake_dma(struct fake_unit *unit, u16 sid, u64 address, bool write, u64 *to);

/*
 * A device with ATS; depth as its capability has it. And what its DMA would do, with what it translated before:
 * a translation that it is given it keeps.
 */
struct fake_device *fake_device_add(struct fake_unit *unit, u16 sid, u8 depth);
u8 fake_device_dma(struct fake_unit *unit, u16 sid, u64 address, bool write, u64 *to);
bool fake_device_holds(const struct fake_device *device, u64 address);
/* Its ATS is turned on or off. Nothing happens where there is no such device. */
void fake_device_ats(struct fake_unit *unit, u16 sid, bool on);

/* Likewise for a message of the requester, or an IOAPIC's redirection entry. */
u8 fake_message(struct fake_unit *unit, u16 sid, u64 address, u32 data, struct fake_delivery *out);
u8 fake_ioapic(struct fake_unit *unit, u16 sid, u64 entry, struct fake_delivery *out);

/* Records a fault as the unit itself would: nowhere to be seen while the advanced log is on. */
void fake_fault(struct fake_unit *unit, u16 sid, u8 reason, u64 info, bool write);

/* Inside the fake: reading memory as the unit sees it. */
u64 fake_read(const struct fake_unit *unit, u64 hpa);
struct fake_pair fake_read_pair(const struct fake_unit *unit, u64 hpa);
void fake_write_status(u64 hpa, u32 value);
void fake_drain_writes(const struct fake_unit *unit);
void fake_violate(struct fake_unit *unit, const char *what);
void fake_forget_contexts(struct fake_unit *unit, unsigned granularity, u16 did, u16 sid);
/* address as in descriptor and register: with mask and IH in its low bits. */
void fake_forget_translations(struct fake_unit *unit, unsigned granularity, u16 did, u64 address);
void fake_forget_interrupts(struct fake_unit *unit, bool all, u16 index, unsigned mask);
/* The queue's part of a write to its tail, and of time that went by. */
void fake_doorbell(struct fake_unit *unit, u64 now_us);
void fake_run_queue(struct fake_unit *unit, u64 now_us);
bool fake_caching_mode(const struct fake_unit *unit);
/* The level of the deepest table that is cached for the address, and where it is; else top, and table as it is. */
unsigned fake_deepest_table(const struct fake_unit *unit, u16 did, u64 address, unsigned top,
			    u64 *table);
void fake_cache_table(struct fake_unit *unit, u16 did, u64 address, unsigned level, u64 table);
/* A page-selective invalidation's address is one that this unit takes. */
bool fake_takes_pages(const struct fake_unit *unit, u64 address);
struct fake_pair fake_context(struct fake_unit *unit, u16 sid);
struct fake_device *fake_device_find(struct fake_unit *unit, u16 sid);
/* The unit knows such a descriptor; it sends the request; all requests that were sent were answered. */
bool fake_device_takes(const struct fake_unit *unit, struct fake_pair descriptor);
void fake_device_ask(struct fake_unit *unit, struct fake_pair descriptor);
bool fake_devices_answer(struct fake_unit *unit);
/*
 * Sets fields of FSTS. Only the first one of them raises the event, at once or, while it is masked, as
 * soon as it no longer is (11.4.7.2).
 */
void fake_raise(struct fake_unit *unit, u32 fields);
/* The records' part of register writes. */
void fake_fault_register_write(struct fake_unit *unit, u32 offset, u32 value);

#endif
