#include "hv/base/pt.h"

#include "hv/base/cache.h"
#include "hv/base/panic.h"

#define PT_ENTRIES (1u << PT_INDEX_BITS)

static u64 level_size(unsigned level)
{
	return PAGE_SIZE << (PT_INDEX_BITS * (level - 1));
}

static unsigned index_at(u64 address, unsigned level)
{
	return (unsigned)(address / level_size(level)) % PT_ENTRIES;
}

static bool is_present(const struct pt *pt, u64 entry)
{
	return entry & pt->format->present;
}

static bool is_leaf(const struct pt *pt, u64 entry, unsigned level)
{
	return level == 1 || entry & pt->format->large;
}

static u64 *table_of(const struct pt *pt, u64 entry)
{
	return pool_page(pt->pool, hpa(entry & pt->format->address));
}

static void flush_lines(const struct pt *pt, const void *start, size_t size)
{
	if (pt->incoherent)
		cache_flush(start, size);
}

/* The one place where an entry that hardware may be walking changes. */
static void write_entry(const struct pt *pt, u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	flush_lines(pt, entry, sizeof(*entry));
}

static u64 *new_table(struct pt *pt)
{
	u64 *table = pool_take(pt->pool);

	if (table)
		pt->tables++;
	return table;
}

static void retire(struct pt *pt, const u64 *table, struct pool_chain *retired)
{
	pool_chain_add(pt->pool, retired, table);
	pt->tables--;
}

/* Fills are flushed wholly, then linked. */
static void link_table(const struct pt *pt, u64 *entry, const u64 *table)
{
	flush_lines(pt, table, PAGE_SIZE);
	write_entry(pt, entry, pool_hpa(pt->pool, table).v | pt->format->table);
}

static u64 leaf_make(const struct pt_format *format, hpa_t to, unsigned level, u32 prot)
{
	return to.v | format->leaf | (level > 1 ? format->large : 0) |
	       (prot & PT_READ ? format->read : 0) | (prot & PT_WRITE ? format->write : 0) |
	       (prot & PT_EXEC ? format->exec : format->no_exec) |
	       (prot & PT_UNCACHED ? format->uncached : format->cached);
}

enum status pt_init(struct pt *pt, const struct pt_format *format, struct pool *pool, u8 levels,
		    u8 leaf_sizes, bool incoherent)
{
	INVARIANT(levels >= 1 && levels <= PT_MAX_LEVELS);
	*pt = (struct pt){
		.format = format,
		.pool = pool,
		.levels = levels,
		.leaf_sizes = leaf_sizes | PT_4K,
		.incoherent = incoherent,
	};
	u64 *root = new_table(pt);

	if (!root)
		return ERR_NO_MEMORY;
	flush_lines(pt, root, PAGE_SIZE);
	pt->root = pool_hpa(pool, root);
	return OK;
}

static bool range_ok(const struct pt *pt, u64 address, u64 size)
{
	u64 limit = level_size(pt->levels) * PT_ENTRIES; /* at most 2^57 */

	return size && is_aligned(address | size, PAGE_SIZE) &&
	       range_within(address, size, 0, limit);
}

/* The deepest present entry for address, and its level in *level. */
static u64 *find_entry(const struct pt *pt, u64 address, unsigned *level)
{
	u64 *table = pool_page(pt->pool, pt->root);

	for (*level = pt->levels;; (*level)--) {
		u64 *entry = &table[index_at(address, *level)];

		if (!is_present(pt, *entry) || is_leaf(pt, *entry, *level))
			return entry;
		table = table_of(pt, *entry);
	}
}

static bool is_empty(const struct pt *pt, u64 address, u64 size)
{
	for (u64 at = address; at - address < size;) {
		unsigned level;

		if (is_present(pt, *find_entry(pt, at, &level)))
			return false;
		at = align_down(at, level_size(level)) + level_size(level);
	}
	return true;
}

/* The highest level whose leaf fits at address, for a mapping to `to` of size bytes. */
static unsigned fitting_level(const struct pt *pt, u64 address, hpa_t to, u64 size)
{
	for (unsigned level = 3; level > 1; level--)
		if (pt->leaf_sizes & BIT(level - 1) && level <= pt->levels &&
		    is_aligned(address | to.v, level_size(level)) && size >= level_size(level))
			return level;
	return 1;
}

/* The entry for address at the wanted level, with tables made down to it; NULL without memory. */
static u64 *make_entry(struct pt *pt, u64 address, unsigned wanted)
{
	unsigned level;
	u64 *entry = find_entry(pt, address, &level);

	while (level > wanted) {
		u64 *table = new_table(pt);

		if (!table)
			return NULL;
		link_table(pt, entry, table);
		level--;
		entry = &table[index_at(address, level)];
	}
	return entry;
}

static bool table_is_empty(const struct pt *pt, const u64 *table)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if (is_present(pt, table[i]))
			return false;
	return true;
}

/* Unlinks the tables above address that have become empty, from the lowest up; never the root. */
static void prune(struct pt *pt, u64 address, struct pool_chain *retired)
{
	for (unsigned lowest = 1; lowest < pt->levels; lowest++) {
		u64 *entry = NULL;
		u64 *table = pool_page(pt->pool, pt->root);

		for (unsigned level = pt->levels; level > lowest; level--) {
			entry = &table[index_at(address, level)];
			if (!is_present(pt, *entry) || is_leaf(pt, *entry, level))
				break;
			table = table_of(pt, *entry);
			if (level == lowest + 1 && table_is_empty(pt, table)) {
				write_entry(pt, entry, 0);
				retire(pt, table, retired);
			}
		}
	}
}

enum status pt_map(struct pt *pt, u64 address, hpa_t to, u64 size, u32 prot,
		   struct pool_chain *retired)
{
	u64 done = 0;

	if (!range_ok(pt, address, size) || !is_aligned(to.v, PAGE_SIZE) ||
	    !range_within(to.v, size, 0, pt->format->address + PAGE_SIZE))
		return ERR_INVALID;
	/* A leaf that reads as not present would leave an empty table, which nothing here expects. */
	if (!is_present(pt, leaf_make(pt->format, to, 1, prot)))
		return ERR_INVALID;
	if (!is_empty(pt, address, size))
		return ERR_EXISTS;
	while (done < size) {
		hpa_t target = hpa(to.v + done);
		unsigned level = fitting_level(pt, address + done, target, size - done);
		u64 *entry = make_entry(pt, address + done, level);

		if (!entry)
			break;
		write_entry(pt, entry, leaf_make(pt->format, target, level, prot));
		done += level_size(level);
	}
	if (done == size)
		return OK;
	/* A half-made path goes; then only whole leaves of ours are left, and none needs a split. */
	prune(pt, address + done, retired);
	if (done && pt_unmap(pt, address, done, retired) != OK)
		panic("page tables: unmapping what was just mapped failed");
	return ERR_NO_MEMORY;
}

/* Replaces the large leaf by a table of the next smaller leaves that says the same. */
static enum status split(struct pt *pt, u64 *entry, unsigned level)
{
	u64 *table = new_table(pt);
	u64 leaf = *entry;

	if (!table)
		return ERR_NO_MEMORY;
	if (level == 2)
		leaf &= ~pt->format->large;
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		table[i] = leaf + i * level_size(level - 1);
	link_table(pt, entry, table);
	return OK;
}

enum status pt_unmap(struct pt *pt, u64 address, u64 size, struct pool_chain *retired)
{
	if (!range_ok(pt, address, size))
		return ERR_INVALID;
	for (u64 at = address; at - address < size;) {
		unsigned level;
		u64 *entry = find_entry(pt, at, &level);
		u64 leaf_start = align_down(at, level_size(level));

		if (is_present(pt, *entry)) {
			if (!range_within(leaf_start, level_size(level), address, size)) {
				enum status status = split(pt, entry, level);

				if (status != OK)
					return status;
				continue;
			}
			write_entry(pt, entry, 0);
		}
		at = leaf_start + level_size(level);
		/* Once for each table that is left, not for each of its entries. */
		if (at - address >= size || is_aligned(at, level_size(level + 1)))
			prune(pt, leaf_start, retired);
	}
	return OK;
}

bool pt_lookup(const struct pt *pt, u64 address, struct pt_leaf *leaf)
{
	unsigned level;

	if (!range_within(address, 1, 0, level_size(pt->levels) * PT_ENTRIES))
		return false;

	u64 entry = *find_entry(pt, address, &level);

	if (!is_present(pt, entry))
		return false;
	*leaf = (struct pt_leaf){
		.address = hpa((entry & pt->format->address & ~(level_size(level) - 1)) |
			       (address & (level_size(level) - 1))),
		.size = level_size(level),
		.bits = entry & ~pt->format->address,
	};
	return true;
}

u64 *pt_entry(const struct pt *pt, u64 address)
{
	unsigned level;
	u64 *entry = find_entry(pt, address, &level);

	INVARIANT(level == 1);
	return entry;
}

/*
 * Retires the tables in post-order without recursion: the path is at most PT_MAX_LEVELS long. The
 * entries are left as they are, for a walker that still caches them.
 */
void pt_destroy(struct pt *pt, struct pool_chain *retired)
{
	u64 *table[PT_MAX_LEVELS + 1];
	unsigned index[PT_MAX_LEVELS + 1];
	unsigned level = pt->levels;

	table[level] = pool_page(pt->pool, pt->root);
	index[level] = 0;
	while (level <= pt->levels) {
		if (index[level] == PT_ENTRIES) {
			retire(pt, table[level], retired);
			level++;
			continue;
		}
		u64 entry = table[level][index[level]++];

		if (level > 1 && is_present(pt, entry) && !is_leaf(pt, entry, level)) {
			level--;
			table[level] = table_of(pt, entry);
			index[level] = 0;
		}
	}
	pt->root = hpa(0);
}

void pt_free_retired(struct pool *pool, struct pool_chain *retired, struct pt_flushed proof)
{
	INVARIANT(proof.done || !retired->count);
	pool_chain_give(pool, retired);
}
