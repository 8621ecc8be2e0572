#include "hv/vm/lines.h"

#include "hv/vm/config.h"

#define MAX_LINES (VM_MAX * VM_MAX_DEVICES + 1)

static struct line {
	u32 gsi;
	const struct vm *owner;
} lines[MAX_LINES];
static u32 line_count;

enum status line_claim(u32 gsi, const struct vm *vm)
{
	for (u32 i = 0; i < line_count; i++)
		if (lines[i].gsi == gsi)
			return lines[i].owner == vm ? OK : ERR_BUSY;
	if (line_count == MAX_LINES)
		return ERR_NO_MEMORY;
	lines[line_count++] = (struct line){gsi, vm};
	return OK;
}

void line_release(const struct vm *vm)
{
	u32 kept = 0;

	for (u32 i = 0; i < line_count; i++)
		if (lines[i].owner != vm)
			lines[kept++] = lines[i];
	line_count = kept;
}

u32 lines_in_use(void)
{
	return line_count;
}
