/*
 * Interrupt remapping (chapter 5): one table of 4096 entries for each unit (9.10).
 *
 * An entry's upper half, the source-ID that may use it, is written when the entry is given out and
 * stays until it is taken back. So pointing a present entry elsewhere is one aligned 64-bit write of
 * the lower half, and no unit ever reads one half old and one new.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

#define TABLE_PAGES	(VTD_MAX_INTERRUPTS * sizeof(struct vtd_entry) / PAGE_SIZE)
#define TABLE_SIZE_CODE 11 /* 2^(11+1) entries */

_Static_assert(VTD_MAX_INTERRUPTS == 2u << TABLE_SIZE_CODE, "IRTA.S tells the table's size");

/* Some units want the table aligned to its size, beyond what 11.4.10 asks for. */
enum status vtd_interrupts_init(struct vtd_unit *unit)
{
	u8 *run = pool_take_run(unit->pool, 2 * TABLE_PAGES);
	u64 start, skip;

	if (!run)
		return ERR_NO_MEMORY;
	start = pool_hpa(unit->pool, run).v;
	skip = (align_up(start, TABLE_PAGES * PAGE_SIZE) - start) / PAGE_SIZE;
	pool_give_run(unit->pool, run, (u32)skip);
	pool_give_run(unit->pool, run + (skip + TABLE_PAGES) * PAGE_SIZE,
		      (u32)(TABLE_PAGES - skip));
	unit->interrupts.entry = (struct vtd_entry *)(run + skip * PAGE_SIZE);
	vtd_make_visible(unit, unit->interrupts.entry, TABLE_PAGES * PAGE_SIZE);
	return OK;
}

u64 vtd_interrupt_table_address(const struct vtd_unit *unit)
{
	return pool_hpa(unit->pool, unit->interrupts.entry).v |
	       (unit->wide_apic_ids ? VTD_IRTA_EIME : 0) | TABLE_SIZE_CODE;
}

/* The least n with 2^n >= count. */
static u8 order_of(u16 count)
{
	return count > 1 ? (u8)(32 - __builtin_clz(count - 1u)) : 0;
}

static bool is_used(const struct vtd_unit *unit, u32 index)
{
	return unit->interrupts.used[index / 64] & BIT(index % 64);
}

static bool all_free(const struct vtd_unit *unit, u32 first, u32 count)
{
	for (u32 i = first; i < first + count; i++)
		if (is_used(unit, i))
			return false;
	return true;
}

static void mark(struct vtd_unit *unit, u32 first, u32 count, bool used)
{
	for (u32 i = first; i < first + count; i++) {
		if (used)
			unit->interrupts.used[i / 64] |= BIT(i % 64);
		else
			unit->interrupts.used[i / 64] &= ~BIT(i % 64);
	}
}

/* 5.1.3: a block of MSI vectors is a handle plus a subhandle; blocks are aligned to their size. */
enum status vtd_interrupts_alloc(struct vtd_unit *unit, struct iommu_source source, u16 count,
				 struct iommu_interrupts *interrupts)
{
	u32 step = 1u << order_of(count);
	u32 first = 0;

	if (!unit->interrupts.entry)
		return ERR_UNSUPPORTED;
	if (!count || count > VTD_MAX_INTERRUPTS)
		return ERR_INVALID;
	while (first + step <= VTD_MAX_INTERRUPTS && !all_free(unit, first, count))
		first += step;
	if (first + step > VTD_MAX_INTERRUPTS)
		return ERR_NO_MEMORY;
	mark(unit, first, count, true);
	for (u32 i = first; i < first + count; i++)
		unit->interrupts.entry[i].high = vtd_irte_high_make(source);
	vtd_make_visible(unit, &unit->interrupts.entry[first], count * sizeof(struct vtd_entry));
	*interrupts = (struct iommu_interrupts){unit->index, (u16)first, count};
	return OK;
}

/* The whole block at once if the unit can, else one by one. */
static enum status forget_block(struct vtd_unit *unit, u16 first, u16 count)
{
	if (order_of(count) <= unit->caps.max_index_mask)
		return vtd_invalidate_interrupts(unit, first, order_of(count));
	for (u16 i = 0; i < count; i++) {
		enum status status = vtd_invalidate_interrupts(unit, (u16)(first + i), 0);

		if (status != OK)
			return status;
	}
	return OK;
}

/* Where the unit does not answer, the entries stay taken for good. */
enum status vtd_interrupts_free(struct vtd_unit *unit, struct iommu_interrupts *interrupts)
{
	struct vtd_entry *entry = &unit->interrupts.entry[interrupts->first];
	enum status status;

	for (u16 i = 0; i < interrupts->count; i++)
		vtd_retract(unit, &entry[i]);
	status = forget_block(unit, interrupts->first, interrupts->count);
	if (status != OK)
		return status;
	for (u16 i = 0; i < interrupts->count; i++)
		entry[i].high = 0;
	vtd_make_visible(unit, entry, interrupts->count * sizeof(*entry));
	mark(unit, interrupts->first, interrupts->count, false);
	interrupts->count = 0;
	return OK;
}

/* All ones is the broadcast; what the entry can't hold would go to another CPU. */
static bool target_ok(const struct vtd_unit *unit, const struct interrupt_target *target)
{
	if (unit->wide_apic_ids ? target->apic_id == ~0u : target->apic_id >= 0xff)
		return false;
	if (target->delivery == DELIVERY_NMI)
		return !target->level;
	return target->vector >= 16 &&
	       (target->delivery == DELIVERY_FIXED || target->delivery == DELIVERY_LOWEST);
}

enum status vtd_interrupt_set(struct vtd_unit *unit, u16 index,
			      const struct interrupt_target *target)
{
	struct vtd_entry *entry = &unit->interrupts.entry[index];

	if (!target_ok(unit, target))
		return ERR_INVALID;
	if (unit->dead)
		return ERR_HARDWARE;
	vtd_publish(unit, entry,
		    (struct vtd_entry){
			    .low = vtd_irte_low_make(target, unit->wide_apic_ids),
			    .high = entry->high,
		    });
	return vtd_invalidate_interrupts(unit, index, 0);
}

enum status vtd_interrupt_clear(struct vtd_unit *unit, u16 index)
{
	vtd_retract(unit, &unit->interrupts.entry[index]);
	return vtd_invalidate_interrupts(unit, index, 0);
}
