#include "arch/x86/backtrace.h"

#include "arch/x86/paging.h"
#include "hv/base/log.h"

#define MAX_FRAMES 24

/* Made by tools/symbols.py: sorted by address. Empty in the first of the two linking passes. */
struct symbol {
	u64 address;
	const char *name;
};

extern const u8 image_start[], text_end[];
extern const u64 symbol_count;
extern const struct symbol symbol_table[];

static bool is_code(u64 address)
{
	return address >= (u64)(uintptr_t)image_start && address < (u64)(uintptr_t)text_end;
}

/* Named by the byte at `by`, which is address or, for a return address, the byte before. */
static void print_frame(u64 address, u64 by)
{
	const struct symbol *best = NULL;

	for (u64 i = 0; is_code(by) && i < symbol_count && symbol_table[i].address <= by; i++)
		best = &symbol_table[i];
	if (best)
		log_raw("  %016lx %s+%#lx\n", address, best->name, address - best->address);
	else
		log_raw("  %016lx ?\n", address);
}

/* A call that never returns may be a function's last instruction: the address after it is another's. */
static void print_caller(u64 address)
{
	print_frame(address, address - 1);
}

void backtrace_print(u64 rip, u64 rsp, u64 rbp)
{
	log_raw("backtrace:\n");
	print_frame(rip, rip);
	if (!is_code(rip) && rsp % 8 == 0 && paging_readable(rsp, 8))
		print_caller(*(const u64 *)(uintptr_t)rsp);
	for (unsigned i = 0; i < MAX_FRAMES; i++) {
		const u64 *frame = (const u64 *)(uintptr_t)rbp;

		if (rbp % 8 || !paging_readable(rbp, 16) || !frame[1])
			return;
		print_caller(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}
