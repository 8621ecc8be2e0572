#include "hv/vm/lines.h"

#include "drivers/intx.h"

#define MAX_LINES (VM_MAX * VM_MAX_DEVICES + 1)

static struct line {
	u32 gsi;
	const struct vm *owner;
} lines[MAX_LINES];
static u32 line_count;

enum status line_find(const struct hv_config *config, const struct pci_topology *pci,
		      const struct pci_function *function, u32 *gsi)
{
	for (u32 i = 0; i < config->intx_count; i++)
		if (sbdf_equal(config->intx[i].device, function->address)) {
			*gsi = config->intx[i].gsi;
			return OK;
		}
	return intx_find_gsi(pci, function, gsi);
}

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
