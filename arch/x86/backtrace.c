#include "arch/x86/backtrace.h"

#include "arch/x86/paging.h"
#include "hv/base/log.h"

#define MAX_FRAMES 24

/* Made by tools/symbols.py: sorted by address. Empty in the first of the two linking passes. */
struct symbol {
	u64 address;
	const char *name;
};

extern const u64 symbol_count;
extern const struct symbol symbol_table[];

static void print_frame(u64 address)
{
	const struct symbol *best = NULL;

	for (u64 i = 0; i < symbol_count && symbol_table[i].address <= address; i++)
		best = &symbol_table[i];
	if (best)
		log_raw("  %016lx %s+%#lx\n", address, best->name, address - best->address);
	else
		log_raw("  %016lx ?\n", address);
}

void backtrace_print(u64 rip, u64 rbp)
{
	log_raw("backtrace:\n");
	print_frame(rip);
	for (unsigned i = 0; i < MAX_FRAMES; i++) {
		const u64 *frame = (const u64 *)(uintptr_t)rbp;

		if (rbp % 8 || !paging_readable(rbp, 16) || !frame[1])
			return;
		print_frame(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}
