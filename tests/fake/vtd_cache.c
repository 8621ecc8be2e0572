/* The fake unit's caches: of contexts, tables, translations and interrupt entries. Stale until told to forget. */
#include "tests/fake/vtd_unit.h"

#define IH (1u << 6)

bool fake_caching_mode(const struct fake_unit *unit)
{
	return unit->cap >> 7 & 1;
}

void fake_forget_contexts(struct fake_unit *unit, unsigned granularity, u16 did, u16 sid)
{
	fake_drain_writes(unit);
	for (unsigned i = 0; i < FAKE_CACHE; i++) {
		struct fake_context *cached = &unit->context[i];
		u16 tag = cached->entry.low & 1 ? (u16)(cached->entry.high >> 8) : 0;

		if (granularity == 1 || (tag == did && (granularity == 2 || cached->sid == sid)))
			cached->valid = false;
	}
	if (granularity == 1)
		unit->owes_context_flush = false;
}

/* The part of the tables' cache; with IH in the address, page-selective, it stays. */
static void forget_tables(struct fake_unit *unit, unsigned granularity, u16 did, u64 address,
			  unsigned mask)
{
	for (unsigned i = 0; i < FAKE_CACHE && !(granularity == 3 && address & IH); i++) {
		struct fake_table *cached = &unit->table[i];
		unsigned log = mask > 9 * cached->level ? mask : 9 * cached->level;

		if (granularity == 1 ||
		    (cached->did == did &&
		     (granularity == 2 || cached->page >> log == address >> 12 >> log)))
			cached->valid = false;
	}
}

void fake_forget_translations(struct fake_unit *unit, unsigned granularity, u16 did, u64 address)
{
	unsigned mask = address & 0x3f;
	u64 page = address >> 12;

	fake_drain_writes(unit);
	forget_tables(unit, granularity, did, address, mask);
	for (unsigned i = 0; i < FAKE_CACHE; i++) {
		struct fake_translation *cached = &unit->iotlb[i];

		if (granularity == 1 ||
		    (cached->did == did &&
		     (granularity == 2 || cached->page >> mask == page >> mask)))
			cached->valid = false;
	}
	if (granularity == 1 && !unit->owes_context_flush)
		unit->owes_iotlb_flush = false;
}

void fake_forget_interrupts(struct fake_unit *unit, bool all, u16 index, unsigned mask)
{
	fake_drain_writes(unit);
	for (unsigned i = 0; i < FAKE_CACHE; i++)
		if (all || unit->iec[i].index >> mask == index >> mask)
			unit->iec[i].valid = false;
	if (all)
		unit->owes_interrupt_flush = false;
}

unsigned fake_deepest_table(const struct fake_unit *unit, u16 did, u64 address, unsigned top,
			    u64 *table)
{
	unsigned level = top;

	for (unsigned i = 0; i < FAKE_CACHE; i++) {
		const struct fake_table *cached = &unit->table[i];

		if (cached->valid && cached->did == did && cached->level < level &&
		    cached->page >> 9 * cached->level == address >> 12 >> 9 * cached->level) {
			level = cached->level;
			*table = cached->to;
		}
	}
	return level;
}

void fake_cache_table(struct fake_unit *unit, u16 did, u64 address, unsigned level, u64 table)
{
	for (unsigned i = 0; i < FAKE_CACHE && (table || fake_caching_mode(unit)); i++) {
		if (!unit->table[i].valid) {
			unit->table[i] =
				(struct fake_table){true, did, level, address >> 12, table};
			return;
		}
	}
}
