// sources: hv/platform/mcfg.c hv/platform/acpi_table.c
// runs: 100000
// max_len: 1024
// corpus: mcfg
/* MCFG: as it is, and with signature, length and checksum put right. */
#include "tests/fuzz/fuzz.h"

#include "hv/platform/acpi.h"

static struct mcfg mcfg;

static void check(struct bytes table)
{
	MUST(mcfg.window_count <= MCFG_MAX_WINDOWS);
	MUST(mcfg.window_count * 16ull <= table.size);
	for (u32 n = 0; n < mcfg.window_count; n++) {
		const struct mcfg_window *window = &mcfg.window[n];

		MUST(window->first_bus <= window->last_bus);
		MUST(window->base.v && is_aligned(window->base.v, MIB(1)));
		MUST(window->base.v <= ~0ull - (window->last_bus + 1ull) * MIB(1));
		for (const struct mcfg_window *other = mcfg.window; other < window; other++)
			MUST(other->segment != window->segment ||
			     other->last_bus < window->first_bus ||
			     window->last_bus < other->first_bus);
	}
}

static void parse(struct bytes table)
{
	struct acpi_error error = {0};

	memset(&mcfg, 0xa5, sizeof(mcfg));
	if (mcfg_parse(table, &mcfg, &error) != OK) {
		fuzz_check_reason(error.reason);
		MUST(error.offset <= table.size);
		return;
	}
	check(table);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_table((struct bytes){data, size}, "MCFG", parse);
	return 0;
}
