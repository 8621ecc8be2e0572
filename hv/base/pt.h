/*
 * The page-table engine: 4 KiB tables of 512 entries, 1 to 5 levels, leaves of 4K, 2M and 1G. It
 * serves the hypervisor's own paging, NPT, EPT and the VT-d second stage; what differs among them is
 * data, in struct pt_format.
 *
 * Order of writes: a table is filled wholly before the entry that links it is written. Pages that a
 * change unlinks are not freed but retired, because a walker may still have them cached: they go back
 * to the pool by pt_free_retired(), which asks for the proof that all walkers were flushed since.
 *
 * A table is not locked: its owner changes it from one CPU at a time.
 */
#ifndef HV_BASE_PT_H
#define HV_BASE_PT_H

#include "hv/base/pool.h"

#define PT_MAX_LEVELS 5
#define PT_INDEX_BITS 9 /* of an address, for each level: tables of 512 entries */

/* What a mapping allows. */
#define PT_READ	    BIT(0)
#define PT_WRITE    BIT(1)
#define PT_EXEC	    BIT(2)
#define PT_UNCACHED BIT(3) /* device registers */

/* Bits for pt.leaf_sizes. */
#define PT_4K BIT(0)
#define PT_2M BIT(1)
#define PT_1G BIT(2)

/* One consumer's entry layout; all are masks over the 64-bit entry. */
struct pt_format {
	const char *name;
	u64 present; /* an entry with none of these is not present */
	u64 address; /* bits of the physical address */
	u64 large;   /* set in a leaf above level 1, clear in an entry that points to a table */
	u64 table;   /* all attribute bits of an entry that points to a table */
	u64 leaf;    /* set in every leaf */
	u64 read;    /* set in a leaf that may be read; likewise below */
	u64 write;
	u64 exec;
	u64 no_exec;  /* set in a leaf that may not be executed */
	u64 cached;   /* set in a leaf of ordinary memory */
	u64 uncached; /* set in a leaf of device registers */
};

struct pt {
	const struct pt_format *format;
	struct pool *pool;
	hpa_t root;
	u8 levels;	 /* the root table's level: an address has 12 + 9 * levels bits */
	u8 leaf_sizes;	 /* PT_4K and whichever larger ones the walker knows */
	bool incoherent; /* the walker does not snoop caches: each written line is flushed */
	u32 tables;	 /* pages in use, the root included */
};

/*
 * The proof that every walker of a table was flushed and has said so. Made only by the functions that
 * wait for such a flush; carried to the ones that free.
 */
struct pt_flushed {
	bool done;
};

struct pt_leaf {
	hpa_t address; /* of the byte that was looked up */
	u64 size;      /* of the leaf */
	u64 bits;      /* the entry's attribute bits, in the format's terms */
};

/* ERR_NO_MEMORY if there is no page for the root. */
enum status pt_init(struct pt *pt, const struct pt_format *format, struct pool *pool, u8 levels,
		    u8 leaf_sizes, bool incoherent);

/*
 * Maps [address, address+size) to [to, to+size) with the largest leaves that fit. All page aligned,
 * size > 0. ERR_INVALID: unaligned, outside what the levels can address, or prot allows nothing that
 * the format could tell from an entry that is not present; ERR_EXISTS: something in
 * the range is mapped already (nothing was changed); ERR_NO_MEMORY: the pool ran out (what was mapped
 * up to there is unmapped again; the pages are in *retired).
 */
enum status pt_map(struct pt *pt, u64 address, hpa_t to, u64 size, u32 prot,
		   struct pool_chain *retired);

/*
 * Unmaps the range; holes in it are fine. A large leaf that the range cuts is split. ERR_NO_MEMORY
 * only if such a split finds no page: then the cut leaf is left whole, and all before it is unmapped.
 */
enum status pt_unmap(struct pt *pt, u64 address, u64 size, struct pool_chain *retired);

/* True and *leaf if address is mapped. */
bool pt_lookup(const struct pt *pt, u64 address, struct pt_leaf *leaf);

/* The level 1 entry for an address that is mapped by a 4 KiB leaf: for an owner that rewrites it itself. */
u64 *pt_entry(const struct pt *pt, u64 address);

/* Retires all tables, the root too. The walker must have been pointed elsewhere. */
void pt_destroy(struct pt *pt, struct pool_chain *retired);

/* Gives the retired pages back to the pool. */
void pt_free_retired(struct pool *pool, struct pool_chain *retired, struct pt_flushed proof);

#endif
