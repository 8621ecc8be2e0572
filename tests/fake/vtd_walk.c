/* Requests to the fake unit: its caches, its walk of the tables, its fault records. */
#include <stdlib.h>
#include <string.h>

#include "tests/fake/vtd_unit.h"

#define ADDRESS 0x000ffffffffff000ull

/* GSTS and FECTL. */
#define ADVANCED_LOG  (1u << 28)
#define EVENT_MASKED  (1u << 31)
#define EVENT_PENDING (1u << 30)

/* FSTS: overflow and pending of the records, then of the advanced log, and the queue's three errors. */
#define OVERFLOW (1u << 0)
#define PENDING	 (1u << 1)
#define FIELDS	 0x7fu

static unsigned record_count(const struct fake_unit *unit)
{
	return (unit->cap >> 40 & 0xff) + 1;
}

/* PPF and FRI follow the records: FRI is the oldest, counted from where it was. */
static void update_pending(struct fake_unit *unit)
{
	unsigned count = record_count(unit), index = unit->fsts >> 8 & 0xff;

	unit->fsts &= ~PENDING;
	for (unsigned n = 0; n < count; n++, index = (index + 1) % count) {
		if (unit->record[index].high >> 63) {
			unit->fsts = (unit->fsts & ~0xff00u) | index << 8 | PENDING;
			return;
		}
	}
}

/* Once no field is set any more, nothing is pending either. */
static void settle(struct fake_unit *unit)
{
	if (!(unit->fsts & FIELDS))
		unit->fectl &= ~EVENT_PENDING;
}

void fake_raise(struct fake_unit *unit, u32 fields)
{
	bool first = !(unit->fsts & FIELDS);

	if (first && unit->fectl & EVENT_MASKED)
		unit->fectl |= EVENT_PENDING;
	else if (first)
		unit->fault_events++;
	unit->fsts |= fields;
}

static void write_fectl(struct fake_unit *unit, u32 value)
{
	if (!(value & EVENT_MASKED) && unit->fectl & EVENT_PENDING)
		unit->fault_events++;
	unit->fectl = value & EVENT_MASKED ? unit->fectl | EVENT_MASKED : 0;
}

void fake_fault(struct fake_unit *unit, u16 sid, u8 reason, u64 info, bool write)
{
	struct fake_pair *record = &unit->record[unit->next_record];

	if (unit->gsts & ADVANCED_LOG)
		return;
	if (unit->fsts & OVERFLOW || record->high >> 63) {
		fake_raise(unit, OVERFLOW);
		return;
	}
	unit->next_record = (unit->next_record + 1) % record_count(unit);
	/* What is above the reason's 8 bits is of no meaning without PASID: all ones here. */
	*record = (struct fake_pair){info, 1ull << 63 | (u64)!write << 62 | 0xffff0000000000ull |
						   (u64)reason << 32 | sid};
	fake_raise(unit, PENDING);
	update_pending(unit);
}

void fake_fault_register_write(struct fake_unit *unit, u32 offset, u32 value)
{
	u32 record = offset - (u32)(unit->cap >> 24 & 0x3ff) * 16;

	if (offset == 0x34) {
		unit->fsts &= ~(value & FIELDS & ~PENDING);
	} else if (offset == 0x38) {
		write_fectl(unit, value);
	} else if (record < sizeof(unit->record) && record % 16 == 12) {
		if (value >> 31)
			unit->record[record / 16].high &= ~(1ull << 63);
		update_pending(unit);
	} else {
		abort();
	}
	settle(unit);
}

struct fake_pair fake_context(struct fake_unit *unit, u16 sid)
{
	u64 root = unit->root_latched & ADDRESS;
	struct fake_pair entry = {0};
	u64 bus;

	for (unsigned i = 0; i < FAKE_CACHE; i++)
		if (unit->context[i].valid && unit->context[i].sid == sid)
			return unit->context[i].entry;
	bus = fake_read(unit, root + (sid >> 8) * 16);
	if (bus & 1)
		entry = fake_read_pair(unit, (bus & ADDRESS) + (sid & 0xff) * 16);
	for (unsigned i = 0; i < FAKE_CACHE && (entry.low & 1 || fake_caching_mode(unit)); i++) {
		if (!unit->context[i].valid) {
			unit->context[i] = (struct fake_context){true, sid, entry};
			break;
		}
	}
	return entry;
}

/* The reason why the entry is not one for this unit, or 0. */
static u8 entry_fault(const struct fake_unit *unit, u64 entry, unsigned level)
{
	u64 reserved = unit->ecap >> 7 & 1 ? 0 : 1ull << 11;

	if (level == 1 && entry & 0x80)
		return 0xc;
	if (level == 2 && entry & 0x80 && !(unit->cap >> 34 & 1))
		return 0xc;
	if (level == 3 && entry & 0x80 && !(unit->cap >> 35 & 1))
		return 0xc;
	return level > 3 && entry & 0x80 ? 0xc : entry & reserved ? 0xc : 0;
}

/* The page's leaf as an entry for 4 KiB, 0 where there is none. */
static u8 walk(struct fake_unit *unit, struct fake_pair context, u64 address, u64 *leaf)
{
	unsigned level = (unsigned)(context.high & 7) + 2;
	u16 did = (u16)(context.high >> 8);
	u64 table = context.low & ADDRESS;

	*leaf = 0;
	for (level = fake_deepest_table(unit, did, address, level, &table); table; level--) {
		u64 span = 4096ull << (9 * (level - 1));
		u64 entry = fake_read(unit, table + address / span % 512 * 8);
		u8 reason = entry & 3 ? entry_fault(unit, entry, level) : 0;

		if (!(entry & 3) && level > 1)
			fake_cache_table(unit, did, address, level - 1, 0);
		if (reason || !(entry & 3))
			return reason;
		if (level == 1 || entry & 0x80) {
			u64 start = address & ~(span - 1);

			if (start <= 0xfeefffff && start + span > 0xfee00000)
				return 0xe;
			*leaf = (entry & ADDRESS & ~(span - 1)) |
				(address & (span - 1) & ~0xfffull) | (entry & 3);
			return 0;
		}
		table = entry & ADDRESS;
		fake_cache_table(unit, did, address, level - 1, table);
	}
	return 0;
}

static u8 translate(struct fake_unit *unit, struct fake_pair context, u64 address, u64 *leaf)
{
	u16 did = (u16)(context.high >> 8);
	u8 reason;

	for (unsigned i = 0; i < FAKE_CACHE; i++) {
		const struct fake_translation *cached = &unit->iotlb[i];

		if (cached->valid && cached->did == did && cached->page == address >> 12) {
			*leaf = cached->entry;
			return 0;
		}
	}
	reason = walk(unit, context, address, leaf);
	for (unsigned i = 0; i < FAKE_CACHE && !reason && (*leaf || fake_caching_mode(unit)); i++) {
		if (!unit->iotlb[i].valid) {
			unit->iotlb[i] = (struct fake_translation){true, did, address >> 12, *leaf};
			break;
		}
	}
	return reason;
}

static u8 dma(struct fake_unit *unit, u16 sid, u64 address, bool write, u64 *to)
{
	struct fake_pair context = fake_context(unit, sid);
	unsigned levels = (unsigned)(context.high & 7) + 2;
	u64 leaf;
	u8 reason;

	if (!(context.low & 1))
		return fake_read(unit, (unit->root_latched & ADDRESS) + (sid >> 8) * 16) & 1 ? 2
											     : 1;
	/* TT 1, with ATS, where the unit has device-TLBs. */
	if ((context.low >> 2 & 3) > (unit->ecap >> 2 & 1) || levels > 6 ||
	    !(unit->cap >> (8 + levels - 2) & 1))
		return 3;
	if (address >> ((unit->cap >> 16 & 0x3f) + 1) || address >> (12 + 9 * levels))
		return 4;
	reason = translate(unit, context, address, &leaf);
	if (reason)
		return reason;
	if (!(leaf & (write ? 2 : 1)))
		return write ? 5 : 6;
	*to = (leaf & ADDRESS) | (address & 0xfff);
	return 0;
}

u8 fake_dma(struct fake_unit *unit, u16 sid, u64 address, bool write, u64 *to)
{
	u8 reason;

	*to = address;
	if (!(unit->gsts >> 31))
		return unit->pmen >> 31 ? 0xff : 0;
	if (unit->root_latched >> 10 & 3)
		return 0xff; /* aborted without a record; tables of scalable mode are unknown here */
	reason = dma(unit, sid, address, write, to);
	if (reason)
		fake_fault(unit, sid, reason, address & ~0xfffull, write);
	return reason;
}

static struct fake_pair irte_of(struct fake_unit *unit, u16 index)
{
	struct fake_pair entry;

	for (unsigned i = 0; i < FAKE_CACHE; i++)
		if (unit->iec[i].valid && unit->iec[i].index == index)
			return unit->iec[i].entry;
	entry = fake_read_pair(unit, (unit->irta_latched & ADDRESS) + index * 16u);
	for (unsigned i = 0; i < FAKE_CACHE && (entry.low & 1 || fake_caching_mode(unit)); i++) {
		if (!unit->iec[i].valid) {
			unit->iec[i] = (struct fake_irte){true, index, entry};
			break;
		}
	}
	return entry;
}

/* 9.10, SVT and SQ; an entry that verifies nothing is not to be. */
static bool takes_source(u64 high, u16 sid)
{
	static const u16 left_out[] = {0, 4, 6, 7};

	switch (high >> 18 & 3) {
	case 1:
		return ((high ^ sid) & 0xffff & ~left_out[high >> 16 & 3]) == 0;
	case 2:
		return sid >> 8 >= (high >> 8 & 0xff) && sid >> 8 <= (high & 0xff);
	default:
		return false;
	}
}

static u8 remap(struct fake_unit *unit, u16 sid, u32 index, struct fake_delivery *out)
{
	bool wide = unit->irta_latched >> 11 & 1;
	struct fake_pair entry;

	if (index >= 2u << (unit->irta_latched & 0xf))
		return 0x21;
	entry = irte_of(unit, (u16)index);
	if (!(entry.low & 1))
		return 0x22;
	if (entry.low & 0xff007000 || entry.high >> 20 || (!wide && entry.low >> 48))
		return 0x24;
	if (!takes_source(entry.high, sid))
		return 0x26;
	*out = (struct fake_delivery){
		.remapped = true,
		.apic_id = wide ? (u32)(entry.low >> 32) : (u8)(entry.low >> 40),
		.vector = (u8)(entry.low >> 16),
		.delivery = entry.low >> 5 & 7,
		.level = entry.low >> 4 & 1,
	};
	return 0;
}

static u8 route(struct fake_unit *unit, u16 sid, bool remappable, u32 index,
		struct fake_delivery *out)
{
	u8 reason;

	*out = (struct fake_delivery){0};
	if (!(unit->gsts >> 25 & 1))
		return 0;
	if (!remappable && unit->gsts >> 23 & 1 && !(unit->irta_latched >> 11 & 1))
		return 0;
	reason = remappable ? remap(unit, sid, index, out) : 0x25;
	if (reason)
		fake_fault(unit, sid, reason, (u64)index << 48, false);
	return reason;
}

u8 fake_message(struct fake_unit *unit, u16 sid, u64 address, u32 data, struct fake_delivery *out)
{
	u32 handle = (u32)(address >> 5 & 0x7fff) | (u32)(address >> 2 & 1) << 15;

	if (address >> 20 != 0xfee)
		abort();
	return route(unit, sid, address >> 4 & 1, handle + (address & 8 ? data & 0xffff : 0), out);
}

u8 fake_ioapic(struct fake_unit *unit, u16 sid, u64 entry, struct fake_delivery *out)
{
	u32 handle = (u32)(entry >> 49) | (u32)(entry >> 11 & 1) << 15;

	return route(unit, sid, entry >> 48 & 1, handle, out);
}
