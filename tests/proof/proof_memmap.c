// sources: hv/platform/memmap.c hv/base/log.c hv/base/format.c
// cbmc: --paths lifo
// cbmc-limits: MEMMAP_MAX=8
/*
 * The memory map: for any two ranges of firmware's, of any kinds, within a few pages, and a third one or one of
 * memmap_reserve(), memmap_take() and memmap_give() after them:
 *   the map is sorted and disjoint, no range is empty, neighbours of one kind are one;
 *   each page has the most restrictive kind that was said of it, and one of which nothing was said is in no range;
 *   overlaps are told if and only if there were some, and disorder too, where there were none;
 *   what is taken is the highest aligned place of RAM below the limit, and only where there is none, nothing is;
 *   what is given back has to be wholly reserved; what is refused changes nothing.
 */
#include "hv/platform/memmap.h"
#include "tests/proof/proof.h"

#ifdef PROOF_CBMC
#define STARTS 3u
#define SIZES  2u
#define ALIGNS 1u
#else
#define STARTS 6u
#define SIZES  3u
#define ALIGNS 3u
#endif
#define PAGES (STARTS + SIZES)
#define HOLE  MEMORY_KINDS

#ifdef PROOF_CBMC
static const u8 kinds[] = {MEMORY_RAM, MEMORY_RESERVED};
#else
static const u8 kinds[] = {MEMORY_RAM, MEMORY_ACPI, MEMORY_NVS, MEMORY_RESERVED, MEMORY_BAD};
#endif

PROOF_POINTS(5);

static struct memmap map;
static u8 kind_of[PAGES]; /* the model */

static void check(void)
{
	u32 range = 0;

	for (u32 page = 0; page < PAGES;) {
		u32 end = page;

		while (end < PAGES && kind_of[end] == kind_of[page])
			end++;
		if (kind_of[page] != HOLE) {
			MUST(range < map.count);
			MUST(map.range[range].start.v == page * PAGE_SIZE);
			MUST(map.range[range].size == (end - page) * PAGE_SIZE);
			MUST(map.range[range].kind == kind_of[page]);
			range++;
		}
		page = end;
	}
	MUST(range == map.count);
}

struct span {
	u32 start, size;
};

static struct span choose_span(u32 sizes)
{
	return (struct span){proof_choose(STARTS), 1 + proof_choose(sizes)};
}

static void raise(struct span span, u8 kind)
{
	for (u32 page = span.start; page < span.start + span.size; page++)
		if (kind_of[page] == HOLE || kind_of[page] < kind)
			kind_of[page] = kind;
}

static bool is_all(struct span span, u8 kind)
{
	for (u32 page = span.start; page < span.start + span.size; page++)
		if (page >= PAGES || kind_of[page] != kind)
			return false;
	return true;
}

/* What the ranges given so far were, in this order. */
static struct {
	u32 highest_start;
	bool overlaps, disorder;
} given;

static void add_chosen(u32 sizes)
{
	struct span span = choose_span(sizes);
	u8 kind = proof_one_of(kinds);

	given.disorder |= span.start < given.highest_start;
	given.highest_start = (u32)max_u64(given.highest_start, span.start);
	for (u32 page = span.start; page < span.start + span.size; page++)
		given.overlaps |= kind_of[page] != HOLE;
	MUST(memmap_add(&map, hpa(span.start * PAGE_SIZE), span.size * PAGE_SIZE, kind) == OK);
	raise(span, kind);
	MUST(map.had_overlaps == given.overlaps);
	MUST(given.overlaps || map.was_unsorted == given.disorder);
}

static void reserve(void)
{
	struct span span = choose_span(SIZES);

	MUST(memmap_reserve(&map, hpa(span.start * PAGE_SIZE), span.size * PAGE_SIZE) == OK);
	raise(span, MEMORY_RESERVED);
	REACHED(0);
}

static void take(void)
{
	u32 size = 1 + proof_choose(SIZES);
	u32 align = 1u << proof_choose(ALIGNS);
#ifdef PROOF_CBMC
	u32 limit = proof_choose(2) ? PAGES : 2;
#else
	u32 limit = proof_choose(PAGES + 1);
#endif
	u32 at = PAGES + 1;
	hpa_t start = hpa(1);

	for (u32 place = 0; place + size <= limit; place += align)
		if (is_all((struct span){place, size}, MEMORY_RAM))
			at = place;

	enum status status = memmap_take(&map, size * PAGE_SIZE, align * PAGE_SIZE,
					 hpa(limit * PAGE_SIZE), &start);

	MUST((status == OK) == (at <= PAGES));
	if (status != OK)
		return;
	REACHED(1);
	MUST(start.v == at * PAGE_SIZE);
	raise((struct span){at, size}, MEMORY_RESERVED);
}

static void give(void)
{
	struct span span = choose_span(SIZES);
	enum status status = memmap_give(&map, hpa(span.start * PAGE_SIZE), span.size * PAGE_SIZE);

	MUST((status == OK) == is_all(span, MEMORY_RESERVED));
	REACHED(status == OK ? 2 : 3);
	if (status == OK)
		memset(kind_of + span.start, MEMORY_RAM, span.size);
}

void proof(void)
{
	map.count = 0;
	map.was_unsorted = map.had_overlaps = false;
	memset(&given, 0, sizeof(given));
	memset(kind_of, HOLE, sizeof(kind_of));
#ifdef PROOF_CBMC
	add_chosen(1);
#else
	add_chosen(SIZES);
#endif
	add_chosen(SIZES);
	switch (proof_choose(4)) {
	case 0:
		add_chosen(SIZES);
		REACHED(4);
		break;
	case 1:
		reserve();
		break;
	case 2:
		take();
		break;
	default:
		give();
	}
	check();
}
