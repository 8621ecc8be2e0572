#include "hv/vm/memory_layout.h"

static void add(struct memory_layout *layout, u64 start, u64 end, enum layout_type type)
{
	if (start < end)
		layout->entry[layout->count++] = (struct layout_entry){start, end - start, type};
}

static void add_first(struct memory_layout *layout)
{
	add(layout, 0, LAYOUT_LEGACY_START, LAYOUT_RAM);
	add(layout, LAYOUT_LEGACY_START, LAYOUT_LEGACY_END, LAYOUT_RESERVED);
}

void memory_layout_make(struct memory_layout *layout, u64 memory)
{
	u64 low = min_u64(memory, LAYOUT_LOW_MAX);

	*layout = (struct memory_layout){.low_size = low, .high_size = memory - low};
	layout->mmio_high = max_u64(LAYOUT_MMIO_HIGH_MIN,
				    align_up(LAYOUT_HIGH_START + layout->high_size, GIB(1)));
	add_first(layout);
	add(layout, LAYOUT_LEGACY_END, low, LAYOUT_RAM);
	add(layout, LAYOUT_HIGH_START, LAYOUT_HIGH_START + layout->high_size, LAYOUT_RAM);
}

enum status memory_layout_identity(struct memory_layout *layout, u64 memory,
				   const struct memmap *host)
{
	u64 left = memory - LAYOUT_LEGACY_END;
	u64 end = LAYOUT_LEGACY_END;

	*layout = (struct memory_layout){.mmio_high = LAYOUT_MMIO_HIGH_MIN};
	add_first(layout);
	for (u32 i = 0; i < host->count && left; i++) {
		const struct memory_range *range = &host->range[i];
		u64 from = max_u64(align_up(range->start.v, PAGE_SIZE), end);
		u64 to = align_down(min_u64(range->start.v + range->size, LAYOUT_LOW_MAX),
				    PAGE_SIZE);

		if (range->kind != MEMORY_RAM || to < from + LAYOUT_MIN_PIECE)
			continue;
		if (layout->count + 2 > LAYOUT_MAX_ENTRIES)
			break;
		to = min_u64(to, from + left);
		add(layout, end, from, LAYOUT_RESERVED);
		add(layout, from, to, LAYOUT_RAM);
		left -= to - from;
		end = to;
	}
	layout->low_size = end;
	return left ? ERR_NO_MEMORY : OK;
}

u64 memory_layout_upper(const struct memory_layout *layout)
{
	for (u32 i = 0; i < layout->count; i++)
		if (layout->entry[i].start == LAYOUT_LEGACY_END &&
		    layout->entry[i].type == LAYOUT_RAM)
			return layout->entry[i].size;
	return 0;
}
