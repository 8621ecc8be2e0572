// sources: hv/platform/bootinfo.c hv/platform/memmap.c hv/base/log.c hv/base/format.c
// cbmc-skip: path by path it takes about a second for each of 1434 paths, and was not run to their end
// cbmc: --paths lifo
// cbmc-limits: BOOT_MAX_MODULES=2 BOOT_COMMAND_MAX=32 MEMMAP_MAX=4
/*
 * bootinfo_parse(): for each boot information that ends with up to ROOM bytes of tags, of the types that say the
 * most, one that says nothing and the end, of each size that there is room for and one beyond, with texts that
 * end or do not, and modules that are sound, empty, backwards, in no RAM or in the hypervisor, of which less may be
 * there than is told:
 *   nothing is read outside of the bytes given, and the walk comes to an end;
 *   it is OK if and only if an end tag comes, each tag before it has what its type needs, there is RAM, and all
 *   modules are sound and apart from each other;
 *   then each text ends within its array; else the error lies within what was told.
 * CBMC takes a few sizes of tags and of their room.
 */
#include "hv/platform/bootinfo.h"
#include "hv/platform/multiboot2.h"
#include "tests/proof/proof.h"

#define ROOM	   40u
#define FIRST	   8u
#define MAP_SIZE   40u /* a memory map of one entry */
#define RAM	   0x100000u
#define OWN	   (RAM + 0x10000)
#define MODULE_END (OWN + 0x30000)

PROOF_POINTS(6);

static const u8 types[] = {MB2_END, MB2_COMMAND, MB2_MODULE, MB2_ACPI_OLD, MB2_LOADER, 99};

/* Start and end of a module: sound, then in each way not. */
static const u32 modules[][2] = {
	{OWN + 0x20000, MODULE_END}, {OWN + 0x20000, OWN + 0x20000},
	{MODULE_END, OWN + 0x20000}, {0x1000, 0x2000},
	{OWN - 1, OWN + 1},
};

/* How much room there is for tags, and what size one tells of. */
#ifdef PROOF_CBMC
static const u32 rooms[] = {16, ROOM};

static u32 choose_room(void)
{
	return proof_one_of(rooms);
}

static u32 choose_size(u32 room)
{
	const u32 wrong_or_all[] = {7, room + 1, room}, some[] = {17, 28, room};

	return room > 16 ? proof_one_of(some) : proof_one_of(wrong_or_all);
}
#else
static u32 choose_room(void)
{
	return proof_choose(ROOM + 1);
}

static u32 choose_size(u32 room)
{
	return proof_choose(room + 2);
}
#endif

struct model {
	bool sound, ended;
	u32 modules;
};

static void put_u32(u8 *data, u32 value)
{
	for (u32 i = 0; i < 4; i++)
		data[i] = (u8)(value >> 8 * i);
}

/* A text of all that is left of a tag, which ends there or does not. */
static bool choose_text(u8 *text, u32 size)
{
	bool ends = size && proof_choose(2);

	memset(text, 'x', size);
	if (ends)
		text[size - 1] = 0;
	return ends;
}

static bool choose_content(u8 *tag, u8 type, u32 size)
{
	u32 module;

	switch (type) {
	case MB2_COMMAND:
	case MB2_LOADER:
		return choose_text(tag + 8, size - 8);
	case MB2_MODULE:
		if (size < 16)
			return false;
		module = proof_choose(ARRAY_SIZE(modules));
		put_u32(tag + 8, modules[module][0]);
		put_u32(tag + 12, modules[module][1]);
		/* One more would overlap it. */
		return choose_text(tag + 16, size - 16) && module == 0;
	case MB2_ACPI_OLD:
		return size >= 28;
	default:
		return true;
	}
}

/* Returns where the next one may begin. */
static u32 choose_tag(u8 *tag, u32 room, struct model *model)
{
	u8 type;
	u32 size;

	if (room < 8) {
		model->sound = false;
		return room;
	}
	tag[0] = type = proof_one_of(types);
	tag[4] = (u8)(size = choose_size(room));
	if (size < 8 || size > room) {
		model->sound = false;
		return room;
	}
	if (type == MB2_END) {
		model->ended = true;
		return room;
	}
	model->sound &= choose_content(tag, type, size);
	model->modules += type == MB2_MODULE;
	return (size + 7) & ~7u;
}

static void put_map(u8 *tag)
{
	tag[0] = MB2_MMAP;
	tag[4] = MAP_SIZE;
	tag[8] = 24;
	put_u32(tag + 16, RAM);
	put_u32(tag + 24, 0x100000);
	tag[32] = MB2_MMAP_RAM;
}

static void check_texts(const struct bootinfo *boot)
{
	MUST(memchr(boot->command, 0, sizeof(boot->command)));
	MUST(memchr(boot->loader, 0, sizeof(boot->loader)));
	for (u32 i = 0; i < boot->module_count; i++)
		MUST(memchr(boot->module[i].command, 0, BOOT_COMMAND_MAX));
}

void proof(void)
{
	static struct bootinfo boot;
	bool has_map = proof_choose(2);
	u32 first = FIRST + (has_map ? MAP_SIZE : 0);
	u32 room = choose_room();
	u32 total = first + room;
	bool cut = proof_choose(2);
	u32 given = total - (cut && total);
	u8 *data = proof_bytes(given);
	u8 whole[FIRST + MAP_SIZE + ROOM] = {0};
	struct model model = {.sound = true};
	struct bootinfo_error error = {~0u, NULL};

	put_u32(whole, total);
	if (has_map)
		put_map(whole + FIRST);
	/* What comes after a tag that is not sound is sound or not, too: it may not hide it. */
	for (u32 at = first; !model.ended && !cut;) {
		if (at >= total) {
			model.sound = false;
			break;
		}
		at += choose_tag(whole + at, total - at, &model);
	}
	memcpy(data, whole, given);

	enum status status =
		bootinfo_parse((struct bytes){data, given}, hpa(OWN), 0x10000, &boot, &error);
	bool good = model.sound && model.ended && !cut && has_map && model.modules < 2;

	MUST((status == OK) == good);
	if (status != OK) {
		MUST(error.offset <= total && error.reason);
		REACHED(cut ? 0 : 1);
		return;
	}
	MUST(boot.module_count == model.modules);
	check_texts(&boot);
	if (boot.module_count)
		REACHED(2);
	if (boot.command[0])
		REACHED(3);
	if (boot.rsdp_size)
		REACHED(4);
	if (boot.loader[0])
		REACHED(5);
}
