#include "hv/vm/memory_layout.h"

static void add(struct memory_layout *layout, u64 start, u64 end, enum layout_type type)
{
	if (start < end)
		layout->entry[layout->count++] = (struct layout_entry){start, end - start, type};
}

void memory_layout_make(struct memory_layout *layout, u64 memory)
{
	u64 low = min_u64(memory, LAYOUT_LOW_MAX);

	*layout = (struct memory_layout){.low_size = low, .high_size = memory - low};
	layout->mmio_high = max_u64(LAYOUT_MMIO_HIGH_MIN,
				    align_up(LAYOUT_HIGH_START + layout->high_size, GIB(1)));
	add(layout, 0, LAYOUT_LEGACY_START, LAYOUT_RAM);
	add(layout, LAYOUT_LEGACY_START, LAYOUT_LEGACY_END, LAYOUT_RESERVED);
	add(layout, LAYOUT_LEGACY_END, low, LAYOUT_RAM);
	add(layout, LAYOUT_HIGH_START, LAYOUT_HIGH_START + layout->high_size, LAYOUT_RAM);
}
