// sources: hv/platform/bootinfo.c hv/platform/memmap.c
#include "tests/host/mb2_builder.h"

static void all_tags_are_read(void **state)
{
	struct info info;

	(void)state;
	make_full(&info);
	assert_int_equal(parse(&info), OK);
	assert_string_equal(boot.command, "console=com1 iommu=on");
	assert_string_equal(boot.loader, "GRUB 2.06");
	assert_int_equal(boot.module_count, 2);
	assert_int_equal(boot.module[0].start.v, 0x400000);
	assert_int_equal(boot.module[0].size, 0x100001);
	assert_string_equal(boot.module[0].command, "net mem=64M");
	assert_int_equal(boot.module[1].size, 0x1000);
	assert_string_equal(boot.module[1].command, "");
	assert_true(boot.efi);
	assert_int_equal(boot.rsdp_size, 36);
	assert_int_equal(boot.rsdp[0], 0x22);
	assert_int_equal(boot.rsdp[35], 0x22);
	assert_int_equal(boot.framebuffer.kind, FRAMEBUFFER_RGB);
	assert_int_equal(boot.framebuffer.address.v, 0xc0000000);
	assert_int_equal(boot.framebuffer.pitch, 3200);
	assert_int_equal(boot.framebuffer.width, 800);
	assert_int_equal(boot.framebuffer.height, 600);
	assert_int_equal(boot.framebuffer.bits_per_pixel, 32);
}

static void memory_types_become_kinds(void **state)
{
	struct info info;

	(void)state;
	make_full(&info);
	assert_int_equal(parse(&info), OK);
	assert_int_equal(boot.memory.count, 7);
	assert_int_equal(memmap_kind(&boot.memory, hpa(0x100000), MIB(63)), MEMORY_RAM);
	assert_int_equal(memmap_kind(&boot.memory, hpa(MIB(64)), 0x1000), MEMORY_ACPI);
	assert_int_equal(memmap_kind(&boot.memory, hpa(MIB(64) + 0x1000), 0x1000), MEMORY_NVS);
	assert_int_equal(memmap_kind(&boot.memory, hpa(MIB(64) + 0x2000), 0x1000), MEMORY_BAD);
	assert_int_equal(memmap_kind(&boot.memory, hpa(MIB(64) + 0x3000), 0x1000), MEMORY_RESERVED);
	assert_false(boot.memory.was_unsorted);
	assert_false(boot.memory.had_overlaps);
}

static void a_messy_memory_map_is_put_in_order(void **state)
{
	struct info info;

	(void)state;
	begin(&info);
	mmap_begin(&info);
	put_entry(&info, 0x100000, MIB(63), 1);
	put_entry(&info, 0, 0xa0000, 1);
	put_entry(&info, MIB(32), MIB(1), 2);
	tag_end(&info);
	finish(&info);
	assert_int_equal(parse(&info), OK);
	assert_true(boot.memory.was_unsorted);
	assert_true(boot.memory.had_overlaps);
	assert_int_equal(boot.memory.count, 4);
	assert_int_equal(memmap_kind(&boot.memory, hpa(MIB(32)), MIB(1)), MEMORY_RESERVED);
}

static void the_newer_rsdp_wins_in_any_order(void **state)
{
	struct info info;

	(void)state;
	begin(&info);
	add_plain_mmap(&info);
	add_rsdp(&info, MB2_ACPI_NEW, 36, 0x22);
	add_rsdp(&info, MB2_ACPI_OLD, 20, 0x11);
	finish(&info);
	assert_int_equal(parse(&info), OK);
	assert_int_equal(boot.rsdp_size, 36);
	assert_int_equal(boot.rsdp[0], 0x22);

	begin(&info);
	add_plain_mmap(&info);
	add_rsdp(&info, MB2_ACPI_OLD, 20, 0x11);
	finish(&info);
	assert_int_equal(parse(&info), OK);
	assert_int_equal(boot.rsdp_size, 20);
	assert_int_equal(boot.rsdp[19], 0x11);
	assert_int_equal(boot.rsdp[20], 0);
	assert_false(boot.efi);
}

static void each_efi_tag_tells_of_efi(void **state)
{
	static const u32 type[] = {MB2_EFI32, MB2_EFI64, MB2_EFI_MMAP, MB2_EFI_ACTIVE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(type); i++) {
		struct info info;

		begin(&info);
		add_plain_mmap(&info);
		tag_begin(&info, type[i]);
		tag_end(&info);
		finish(&info);
		assert_int_equal(parse(&info), OK);
		assert_true(boot.efi);
	}
}

static void a_senseless_framebuffer_is_left_out(void **state)
{
	static const struct {
		u64 address;
		u32 pitch, width, height;
		u8 bits, type;
		enum framebuffer_kind kind;
	} cases[] = {
		{0xb8000, 160, 80, 25, 16, MB2_FB_EGA, FRAMEBUFFER_TEXT},
		{0xb8000, 159, 80, 25, 16, MB2_FB_EGA, FRAMEBUFFER_NONE},
		{0xc0000000, 800, 800, 600, 8, MB2_FB_INDEXED, FRAMEBUFFER_INDEXED},
		{0xc0000000, 3199, 800, 600, 32, MB2_FB_RGB, FRAMEBUFFER_NONE},
		{0xc0000000, 3200, 0, 600, 32, MB2_FB_RGB, FRAMEBUFFER_NONE},
		{0xc0000000, 3200, 800, 0, 32, MB2_FB_RGB, FRAMEBUFFER_NONE},
		{0xc0000000, 3200, 800, 600, 0, MB2_FB_RGB, FRAMEBUFFER_NONE},
		{0xc0000000, 3200, 800, 600, 32, 3, FRAMEBUFFER_NONE},
		{~0ull - 4096, 3200, 800, 600, 32, MB2_FB_RGB, FRAMEBUFFER_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct info info;

		begin(&info);
		add_plain_mmap(&info);
		add_framebuffer(&info, cases[i].address, cases[i].pitch, cases[i].width,
				cases[i].height, cases[i].bits, cases[i].type);
		finish(&info);
		assert_int_equal(parse(&info), OK);
		assert_int_equal(boot.framebuffer.kind, cases[i].kind);
	}
}

static void a_long_loader_name_is_cut(void **state)
{
	struct info info;
	char name[101];

	(void)state;
	memset(name, 'n', 100);
	name[100] = 0;
	begin(&info);
	add_plain_mmap(&info);
	add_text(&info, MB2_LOADER, name);
	finish(&info);
	assert_int_equal(parse(&info), OK);
	assert_int_equal(strlen(boot.loader), sizeof(boot.loader) - 1);
}

static void larger_map_entries_are_stepped_over(void **state)
{
	struct info info;

	(void)state;
	begin(&info);
	tag_begin(&info, MB2_MMAP);
	put(&info, 32, 4);
	put(&info, 1, 4);
	put_entry(&info, 0, MIB(1), 1);
	put(&info, ~0ull, 8);
	put_entry(&info, MIB(2), MIB(1), 1);
	put(&info, ~0ull, 8);
	tag_end(&info);
	finish(&info);
	assert_int_equal(parse(&info), OK);
	assert_int_equal(boot.memory.count, 2);
	assert_int_equal(memmap_ram(&boot.memory), MIB(2));
}

static void print_shows_what_was_found(void **state)
{
	struct info info;

	(void)state;
	make_full(&info);
	assert_int_equal(parse(&info), OK);
	captured_log_clear();
	bootinfo_print(&boot);
	assert_non_null(strstr(captured_log(), "loaded by GRUB 2.06 (UEFI)\n"));
	assert_non_null(strstr(captured_log(), "command line: console=com1 iommu=on\n"));
	assert_non_null(strstr(captured_log(), "module 0: 0x400000, 1048577 bytes: net mem=64M\n"));
	assert_non_null(strstr(captured_log(), "RGB framebuffer at 0xc0000000, 800x600"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_tags_are_read),
		cmocka_unit_test(memory_types_become_kinds),
		cmocka_unit_test(a_messy_memory_map_is_put_in_order),
		cmocka_unit_test(the_newer_rsdp_wins_in_any_order),
		cmocka_unit_test(each_efi_tag_tells_of_efi),
		cmocka_unit_test(a_senseless_framebuffer_is_left_out),
		cmocka_unit_test(a_long_loader_name_is_cut),
		cmocka_unit_test(larger_map_entries_are_stepped_over),
		cmocka_unit_test(print_shows_what_was_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
