// sources: hv/platform/bootinfo.c hv/platform/memmap.c
#include "tests/host/mb2_builder.h"

static void check_module_refused(u32 start, u32 end, const char *reason)
{
	struct info info;

	begin(&info);
	add_module(&info, 0x400000, 0x500000, "first");
	add_module(&info, start, end, "second");

	u32 at = info.tag;

	add_plain_mmap(&info);
	finish(&info);
	assert_int_equal(parse(&info), ERR_INVALID);
	assert_string_equal(error.reason, reason);
	assert_int_equal(error.offset, at);
}

static void misplaced_modules_are_refused(void **state)
{
	(void)state;
	check_module_refused(0x600000, 0x600000, "an empty module");
	check_module_refused(0x600000, 0x5fffff,
			     "a module that ends before it starts or above 4 GiB");
	check_module_refused(MIB(64) - 1, MIB(64) + 1, "a module that is not wholly in usable RAM");
	check_module_refused(MIB(65), MIB(66), "a module that is not wholly in usable RAM");
	check_module_refused(0xfffff000, 0xffffffff, "a module that is not wholly in usable RAM");
	check_module_refused(OWN_START + OWN_SIZE - 1, OWN_START + OWN_SIZE + 1,
			     "a module that overlaps the hypervisor");
	check_module_refused(0x100000, 0x300000, "a module that overlaps the hypervisor");
	check_module_refused(0x4fffff, 0x500001, "a module that overlaps another");
}

static void too_many_modules_are_refused(void **state)
{
	struct info info;

	(void)state;
	begin(&info);
	for (u32 i = 0; i <= BOOT_MAX_MODULES; i++)
		add_module(&info, 0x400000 + i * 0x1000, 0x401000 + i * 0x1000, "m");

	u32 at = info.tag;

	add_plain_mmap(&info);
	finish(&info);
	assert_int_equal(parse(&info), ERR_INVALID);
	assert_int_equal(error.offset, at);
}

static void command_lines_must_end_and_fit(void **state)
{
	char text[BOOT_COMMAND_MAX + 1];
	struct info info;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[BOOT_COMMAND_MAX - 1] = 0;
	begin(&info);
	add_plain_mmap(&info);
	add_text(&info, MB2_COMMAND, text);
	finish(&info);
	assert_int_equal(parse(&info), OK);
	assert_string_equal(boot.command, text);

	text[BOOT_COMMAND_MAX - 1] = 'x';
	text[BOOT_COMMAND_MAX] = 0;
	begin(&info);
	add_plain_mmap(&info);
	add_text(&info, MB2_COMMAND, text);
	finish(&info);
	assert_int_equal(parse(&info), ERR_INVALID);
	assert_string_equal(error.reason, "a command line that is too long");

	begin(&info);
	add_plain_mmap(&info);
	tag_begin(&info, MB2_COMMAND);
	put(&info, 0x64636261, 4);
	tag_end(&info);
	finish(&info);
	assert_int_equal(parse(&info), ERR_INVALID);
	assert_string_equal(error.reason, "a command line without an end");
	assert_int_equal(error.offset, info.tag - 16);
}

static void broken_lists_are_refused(void **state)
{
	struct info info;

	(void)state;
	begin(&info);
	add_plain_mmap(&info);
	put_at(&info, MB2_TOTAL_SIZE, info.size);
	assert_int_equal(parse(&info), ERR_TRUNCATED);
	assert_string_equal(error.reason, "a list of tags without an end tag");

	begin(&info);
	finish(&info);
	assert_int_equal(parse(&info), ERR_NOT_FOUND);

	make_full(&info);
	put_at(&info, MB2_FIRST_TAG + MB2_TAG_SIZE, 7);
	assert_int_equal(parse(&info), ERR_INVALID);
	assert_int_equal(error.offset, MB2_FIRST_TAG);
	put_at(&info, MB2_FIRST_TAG + MB2_TAG_SIZE, 0);
	assert_int_equal(parse(&info), ERR_INVALID);
	put_at(&info, MB2_FIRST_TAG + MB2_TAG_SIZE, 0xffffffff);
	assert_int_equal(parse(&info), ERR_TRUNCATED);
	assert_string_equal(error.reason, "a tag that reaches past the end");
	assert_int_equal(error.offset, MB2_FIRST_TAG);
	put_at(&info, MB2_FIRST_TAG + MB2_TAG_SIZE, 0x7ffffff8);
	assert_int_equal(parse(&info), ERR_TRUNCATED);

	make_full(&info);
	put_at(&info, MB2_TOTAL_SIZE, info.size + 1);
	assert_int_equal(parse(&info), ERR_TRUNCATED);
	put_at(&info, MB2_TOTAL_SIZE, 15);
	assert_int_equal(parse(&info), ERR_INVALID);
}

/* As the last tag but the end, a short RSDP would be read past the end of all. */
static void tags_too_short_for_their_type_are_refused(void **state)
{
	static const struct {
		u32 type, size;
	} cases[] = {
		{MB2_MODULE, 15},   {MB2_MMAP, 15},	{MB2_FRAMEBUFFER, 29},
		{MB2_ACPI_OLD, 27}, {MB2_ACPI_NEW, 43}, {MB2_ACPI_NEW, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct info info;

		begin(&info);
		add_plain_mmap(&info);
		tag_begin(&info, cases[i].type);

		u32 at = info.tag;

		for (u32 size = MB2_TAG_HEADER; size < cases[i].size; size++)
			put(&info, 1, 1);
		tag_end(&info);
		finish(&info);
		assert_int_equal(parse(&info), ERR_INVALID);
		assert_string_equal(error.reason, "a tag that is shorter than its type needs");
		assert_int_equal(error.offset, at);
	}
}

static void bad_memory_maps_are_refused(void **state)
{
	struct info info;

	(void)state;
	begin(&info);
	mmap_begin(&info);
	put_entry(&info, ~0ull - 4095, 8192, 1);
	tag_end(&info);
	finish(&info);
	assert_int_equal(parse(&info), ERR_INVALID);
	assert_string_equal(error.reason, "a memory map entry that wraps");
	assert_int_equal(error.offset, MB2_FIRST_TAG + MB2_MMAP_ENTRIES);

	for (u32 entry_size = 0; entry_size < 24; entry_size += 8) {
		begin(&info);
		add_plain_mmap(&info);
		put_at(&info, MB2_FIRST_TAG + MB2_MMAP_ENTRY_SIZE, entry_size);
		finish(&info);
		assert_int_equal(parse(&info), ERR_INVALID);
	}

	begin(&info);
	add_plain_mmap(&info);
	put_at(&info, MB2_FIRST_TAG + MB2_TAG_SIZE, 16 + 24 + 8);
	finish(&info);
	assert_int_equal(parse(&info), ERR_TRUNCATED);
	assert_int_equal(error.offset, MB2_FIRST_TAG + 16 + 24);

	begin(&info);
	mmap_begin(&info);
	put_entry(&info, 0, MIB(64), 2);
	tag_end(&info);
	finish(&info);
	assert_int_equal(parse(&info), ERR_NOT_FOUND);
}

/* A cut list is refused, both where total_size tells of it and where it follows the cut. */
static void every_truncation_is_refused(void **state)
{
	struct info info;

	(void)state;
	make_full(&info);
	for (u32 size = 0; size < info.size; size++) {
		struct info cut = info;

		assert_int_not_equal(parse_bytes(cut.data, size), OK);
		put_at(&cut, MB2_TOTAL_SIZE, size);
		assert_int_not_equal(parse_bytes(cut.data, size), OK);
	}
}

static void check_modules_are_safe(void)
{
	for (u32 i = 0; i < boot.module_count; i++) {
		const struct boot_module *module = &boot.module[i];

		assert_int_equal(memmap_kind(&boot.memory, module->start, module->size),
				 MEMORY_RAM);
		assert_true(strnlen(module->command, BOOT_COMMAND_MAX) < BOOT_COMMAND_MAX);
	}
}

static void every_changed_byte_is_survived(void **state)
{
	static const u8 values[] = {0x00, 0x01, 0x07, 0x7f, 0x80, 0xff};
	struct info info;

	(void)state;
	make_full(&info);
	for (u32 at = 0; at < info.size; at++) {
		for (size_t v = 0; v < ARRAY_SIZE(values) + 8; v++) {
			struct info changed = info;

			if (v < ARRAY_SIZE(values))
				changed.data[at] = values[v];
			else
				changed.data[at] ^= (u8)(1 << (v - ARRAY_SIZE(values)));
			if (parse(&changed) == OK)
				check_modules_are_safe();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misplaced_modules_are_refused),
		cmocka_unit_test(too_many_modules_are_refused),
		cmocka_unit_test(command_lines_must_end_and_fit),
		cmocka_unit_test(broken_lists_are_refused),
		cmocka_unit_test(tags_too_short_for_their_type_are_refused),
		cmocka_unit_test(bad_memory_maps_are_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_changed_byte_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
