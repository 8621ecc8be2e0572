/*
 * Root and context tables (9.1, 9.3). Each unit has its own, so a requester ID has an entry only on
 * the unit that serves it. What is not present is blocked, and every such request is recorded.
 */
#include "hv/base/cache.h"
#include "iommu/vtd/internal.h"

void vtd_make_visible(const struct vtd_unit *unit, const void *start, size_t size)
{
	if (!unit->caps.coherent)
		cache_flush(start, size);
}

/*
 * The two halves share a cache line, so one flush carries both; but a line can be evicted between the
 * two stores, and then the unit must not see the present bit without the rest.
 */
void vtd_publish(const struct vtd_unit *unit, struct vtd_entry *entry, struct vtd_entry value)
{
	__atomic_store_n(&entry->high, value.high, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->low, value.low, __ATOMIC_RELEASE);
	vtd_make_visible(unit, entry, sizeof(*entry));
}

void vtd_retract(const struct vtd_unit *unit, struct vtd_entry *entry)
{
	__atomic_store_n(&entry->low, 0, __ATOMIC_RELEASE);
	vtd_make_visible(unit, entry, sizeof(*entry));
}

enum status vtd_tables_init(struct vtd_unit *unit)
{
	unit->root = pool_take(unit->pool);
	if (!unit->root)
		return ERR_NO_MEMORY;
	vtd_make_visible(unit, unit->root, PAGE_SIZE);
	return OK;
}

static struct vtd_entry *context_table(const struct vtd_unit *unit, u16 source_id)
{
	const struct vtd_entry *root = &unit->root[source_id >> 8];

	return root->low & VTD_ROOT_P ? pool_page(unit->pool, hpa(root->low & VTD_ROOT_CTP)) : NULL;
}

struct vtd_entry vtd_context_get(const struct vtd_unit *unit, u16 source_id)
{
	const struct vtd_entry *table = context_table(unit, source_id);

	return table ? table[source_id & 0xff] : (struct vtd_entry){0};
}

struct vtd_entry *vtd_context_slot(struct vtd_unit *unit, u16 source_id)
{
	struct vtd_entry *table = context_table(unit, source_id);

	if (!table) {
		table = pool_take(unit->pool);
		if (!table)
			return NULL;
		vtd_make_visible(unit, table, PAGE_SIZE);
		vtd_publish(unit, &unit->root[source_id >> 8],
			    vtd_root_make(pool_hpa(unit->pool, table)));
	}
	return &table[source_id & 0xff];
}
