#include "hv/vm/scrub.h"

#include "arch/x86/paging.h"
#include "hv/base/string.h"
#include "hv/vm/housekeeping.h"

static void scrub_piece(hpa_t start, u64 size)
{
	for (u64 offset = 0; offset < size; offset += PAGE_SIZE)
		memset(paging_window(0, hpa(start.v + offset)), 0, PAGE_SIZE);
	paging_window_end(0);
}

void scrub(hpa_t start, u64 size)
{
	for (u64 done = 0; done < size; done += HOUSEKEEPING_PIECE) {
		scrub_piece(hpa(start.v + done), min_u64(size - done, HOUSEKEEPING_PIECE));
		housekeeping();
	}
}
