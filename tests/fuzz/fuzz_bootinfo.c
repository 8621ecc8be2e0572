// sources: hv/platform/bootinfo.c hv/platform/memmap.c
// runs: 100000
// max_len: 4096
/* The boot loader's information: as it is, and with the total size put right. */
#include "tests/fuzz/fuzz.h"

#include "hv/platform/bootinfo.h"

#define OWN_START 0x200000ull
#define OWN_SIZE  0x80000ull

static struct bootinfo boot;

static void check_map(const struct memmap *map)
{
	MUST(map->count && map->count <= MEMMAP_MAX);
	for (u32 i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];

		MUST(range->size && range->kind < MEMORY_KINDS);
		MUST(range->start.v <= ~0ull - range->size);
		if (!i)
			continue;

		u64 end = range[-1].start.v + range[-1].size;

		MUST(end <= range->start.v);
		MUST(end < range->start.v || range[-1].kind != range->kind);
	}
}

static void check_module(u32 n)
{
	const struct boot_module *module = &boot.module[n];
	u64 start = module->start.v;

	MUST(module->size && start + module->size <= GIB(4));
	MUST(memmap_kind(&boot.memory, module->start, module->size) == MEMORY_RAM);
	MUST(!ranges_overlap(start, module->size, OWN_START, OWN_SIZE));
	MUST(fuzz_is_text(module->command, sizeof(module->command)));
	for (u32 i = 0; i < n; i++)
		MUST(!ranges_overlap(start, module->size, boot.module[i].start.v,
				     boot.module[i].size));
}

static void check_framebuffer(const struct framebuffer *fb)
{
	if (fb->kind == FRAMEBUFFER_NONE)
		return;
	MUST(fb->width && fb->height);
	if (fb->kind == FRAMEBUFFER_TEXT)
		MUST(fb->pitch / 2 >= fb->width);
	else
		MUST((u64)fb->pitch * 8 >= (u64)fb->width * fb->bits_per_pixel);
	MUST(fb->address.v <= ~0ull - (u64)fb->pitch * fb->height);
}

static void parse(struct bytes info)
{
	struct bootinfo_error error = {0};

	memset(&boot, 0xa5, sizeof(boot));
	if (bootinfo_parse(info, hpa(OWN_START), OWN_SIZE, &boot, &error) != OK) {
		fuzz_check_reason(error.reason);
		MUST(error.offset <= info.size);
		return;
	}
	check_map(&boot.memory);
	MUST(boot.module_count <= BOOT_MAX_MODULES);
	for (u32 n = 0; n < boot.module_count; n++)
		check_module(n);
	MUST(boot.rsdp_size == 0 || boot.rsdp_size == 20 || boot.rsdp_size == 36);
	MUST(fuzz_is_text(boot.loader, sizeof(boot.loader)));
	MUST(fuzz_is_text(boot.command, sizeof(boot.command)));
	check_framebuffer(&boot.framebuffer);
	bootinfo_print(&boot);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *copy = fuzz_copy((struct bytes){data, size});
	u32 total = (u32)size;

	parse((struct bytes){copy, size});
	if (size >= 8) {
		memcpy(copy, &total, sizeof(total));
		parse((struct bytes){copy, size});
	}
	free(copy);
	return 0;
}
