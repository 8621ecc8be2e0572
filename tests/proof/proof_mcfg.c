// sources: hv/platform/mcfg.c hv/platform/acpi_table.c
// cbmc: --unwind 93 --unwindset mcfg_parse.0:4,find_overlap.0:3
/*
 * mcfg_parse(): for each table of up to two windows and any number of bytes after them, with bases that are
 * zero, unaligned, sound or at the end of the address space, two segments, and first and last buses at both ends:
 *   it reads nothing outside of the table, and comes to an end;
 *   it is OK if and only if the windows fill the table exactly and each one is aligned, does not wrap, has a bus,
 *   and shares none with another of its segment;
 *   then all of them are there as they were told; else the error lies within the table, and it is ERR_TRUNCATED
 *   where only the bytes after them are wrong.
 * CBMC takes none or one byte after them.
 */
#include "hv/platform/acpi.h"
#include "tests/proof/proof.h"

#define ENTRIES 44u
#define ENTRY	16u
#ifdef PROOF_CBMC
#define RESTS 2u
#else
#define RESTS ENTRY
#endif

PROOF_POINTS(4);

static const u64 bases[] = {0, 0xe0000000, 0xe0080000, 0xfffffffffff00000, 0xfffffffff0000000};
static const u8 buses[] = {0, 1, 2, 255};

static bool is_sound(const struct mcfg_window *window)
{
	u64 size = ((u64)window->last_bus + 1) << 20;

	return window->base.v && !(window->base.v & 0xfffff) &&
	       window->first_bus <= window->last_bus && window->base.v + size > window->base.v;
}

/* Windows that share a bus share one that one of them begins or ends with. */
static bool share(const struct mcfg_window *a, const struct mcfg_window *b)
{
	for (u32 i = 0; i < ARRAY_SIZE(buses); i++) {
		u8 bus = buses[i];

		if (bus >= a->first_bus && bus <= a->last_bus && bus >= b->first_bus &&
		    bus <= b->last_bus)
			return a->segment == b->segment;
	}
	return false;
}

static struct mcfg_window choose_window(u8 *entry)
{
	struct mcfg_window window = {
		.base = hpa(proof_one_of(bases)),
		.segment = (u16)proof_choose(2),
		.first_bus = proof_one_of(buses),
		.last_bus = proof_one_of(buses),
	};

	for (u32 i = 0; i < 8; i++)
		entry[i] = (u8)(window.base.v >> 8 * i);
	entry[8] = (u8)window.segment;
	entry[10] = window.first_bus;
	entry[11] = window.last_bus;
	return window;
}

static void proof_of(u32 windows, u32 rest)
{
	struct mcfg_window wanted[2] = {0};
	u32 size = ENTRIES + windows * ENTRY + rest;
	u8 *data = proof_bytes(size);
	struct acpi_error error = {~0u, NULL};
	struct mcfg mcfg;
	bool windows_sound = true, sound;

	for (u32 i = 0; i < windows; i++) {
		wanted[i] = choose_window(data + ENTRIES + i * ENTRY);
		windows_sound &= is_sound(&wanted[i]);
	}
	if (windows == 2 && share(&wanted[0], &wanted[1]))
		windows_sound = false;
	sound = windows_sound && !rest;
	proof_seal(data, size, "MCFG");

	enum status status = mcfg_parse((struct bytes){data, size}, &mcfg, &error);

	MUST((status == OK) == sound);
	if (status != OK) {
		MUST(error.offset <= size && error.reason);
		MUST(!windows_sound || status == ERR_TRUNCATED);
		REACHED(rest ? 0 : 1);
		return;
	}
	MUST(mcfg.window_count == windows);
	for (u32 i = 0; i < windows; i++)
		MUST(mcfg.window[i].base.v == wanted[i].base.v &&
		     mcfg.window[i].segment == wanted[i].segment &&
		     mcfg.window[i].first_bus == wanted[i].first_bus &&
		     mcfg.window[i].last_bus == wanted[i].last_bus);
	REACHED(windows == 2 ? 2 : 3);
}

void proof(void)
{
	PROOF_EACH (windows, 3)
		PROOF_EACH (rest, RESTS)
			proof_of(windows, rest);
}
