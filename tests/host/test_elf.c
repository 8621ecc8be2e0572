// sources: hv/vm/elf.c
#include "tests/host/harness.h"

#include "hv/base/bits.h"
#include "hv/vm/elf.h"
#include "tests/host/elf_builder.h"

static struct elf_file file;
static struct elf elf;
static const char *reason;

static enum status open_file(void)
{
	reason = NULL;
	return elf_open(elf_bytes(&file), &elf, &reason);
}

static void check_fields(bool wide)
{
	struct elf_segment segment;

	elf_begin(&file, wide, 0x80100020);
	elf_add(&file, (struct elf_part){1, 0x1000, 0x80100000, 0x100000, 0x200, 0x300, 0x1000});
	elf_add(&file, (struct elf_part){4, 0x1100, 0, 0, 0x10, 0x10, 4});
	assert_int_equal(open_file(), OK);
	assert_int_equal(elf.wide, wide);
	assert_int_equal(elf.entry, 0x80100020);
	assert_int_equal(elf.count, 2);
	assert_int_equal(elf_segment(&elf, 0, &segment, &reason), OK);
	assert_int_equal(segment.type, ELF_LOAD);
	assert_ptr_equal(segment.content.data, file.data + 0x1000);
	assert_int_equal(segment.content.size, 0x200);
	assert_int_equal(segment.virtual, 0x80100000);
	assert_int_equal(segment.physical, 0x100000);
	assert_int_equal(segment.size, 0x300);
	assert_int_equal(segment.align, 0x1000);
	assert_int_equal(elf_segment(&elf, 1, &segment, &reason), OK);
	assert_int_equal(segment.type, ELF_NOTE);
}

static void test_fields(void **state)
{
	(void)state;
	check_fields(false);
	check_fields(true);
}

static void good_file(bool wide)
{
	elf_begin(&file, wide, 0x100000);
	elf_add(&file, (struct elf_part){1, 0x1000, 0x100000, 0x100000, 0x200, 0x300, 0x1000});
}

static void test_bad_headers(void **state)
{
	static const struct {
		u32 at;
		u64 value;
		u32 width;
		enum status status;
	} bad[] = {
		{0, 0x7e, 1, ERR_NOT_FOUND},
		{4, 0, 1, ERR_INVALID},
		{4, 3, 1, ERR_INVALID},
		{5, 2, 1, ERR_UNSUPPORTED},
		{16, 1, 2, ERR_UNSUPPORTED},
		{16, 4, 2, ERR_UNSUPPORTED},
		{18, 40, 2, ERR_UNSUPPORTED},
		{56, 0, 2, ERR_INVALID},
		{54, 55, 2, ERR_INVALID},
		{54, 0, 2, ERR_INVALID},
		{32, ELF_FILE_SIZE, 8, ERR_TRUNCATED},
		{32, UINT64_MAX - 1, 8, ERR_TRUNCATED},
		{56, 0xffff, 2, ERR_TRUNCATED},
	};

	(void)state;
	good_file(true);
	assert_int_equal(open_file(), OK);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		good_file(true);
		elf_put(&file, bad[i].at, bad[i].value, bad[i].width);
		assert_int_equal(open_file(), bad[i].status);
		assert_non_null(reason);
	}
}

static void test_short_files(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		size_t whole = wide ? 64 + 56 : 52 + 32;

		good_file(wide);
		for (size_t size = 0; size < whole; size++) {
			u8 *copy = malloc(size ? size : 1);
			enum status status;

			memcpy(copy, file.data, size);
			status = elf_open((struct bytes){copy, size}, &elf, &reason);
			assert_int_not_equal(status, OK);
			free(copy);
		}
		assert_int_equal(elf_open((struct bytes){file.data, whole}, &elf, &reason), OK);
	}
}

static void test_bad_segments(void **state)
{
	static const struct elf_part bad[] = {
		{1, ELF_FILE_SIZE, 0, 0, 1, 1, 0},
		{1, ELF_FILE_SIZE - 1, 0, 0, 2, 2, 0},
		{1, UINT64_MAX, 0, 0, 2, 2, 0},
		{1, 0x1000, 0, 0, UINT64_MAX, UINT64_MAX, 0},
		{1, 0x1000, 0, 0, 0x11, 0x10, 0},
		{1, 0x1000, 0, UINT64_MAX - 0xf, 0x10, 0x11, 0},
		{1, 0x1000, UINT64_MAX - 0xf, 0, 0x10, 0x11, 0},
		{1, 0x1000, 0, 0x100000, 0x10, UINT64_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct elf_segment segment;

		elf_begin(&file, true, 0);
		elf_add(&file, bad[i]);
		assert_int_equal(open_file(), OK);
		assert_int_equal(elf_segment(&elf, 0, &segment, &reason), ERR_INVALID);
		assert_non_null(reason);
	}
}

static void check_note(u32 align)
{
	struct bytes value = {};
	u32 end = 0x1000;

	elf_begin(&file, true, 0);
	end += elf_note_at(&file, end, "GNU", 18, 0xbad, 4);
	end += elf_note_at(&file, end, "Xen", 6, 0xbad, 4);
	elf_note_at(&file, end, "Xen", 18, 0x1000200, 8);
	elf_add(&file, (struct elf_part){1, 0, 0, 0x100000, 0x100, 0x100, 0});
	elf_add(&file, (struct elf_part){4, 0x1000, 0, 0, 0x100, 0x100, align});
	assert_int_equal(open_file(), OK);
	assert_int_equal(elf_note(&elf, "Xen", 18, &value), OK);
	assert_int_equal(value.size, 8);
	assert_int_equal(bytes_u64(value, 0), 0x1000200);
	assert_int_equal(elf_note(&elf, "Xen", 19, &value), ERR_NOT_FOUND);
	assert_int_equal(elf_note(&elf, "Xe", 18, &value), ERR_NOT_FOUND);
}

static void test_notes(void **state)
{
	(void)state;
	check_note(4);
	check_note(1);
	check_note(0);
}

/* With 8-byte alignment both name and descriptor are padded to 8 bytes. */
static void test_notes_of_eight(void **state)
{
	struct bytes value = {};

	(void)state;
	elf_begin(&file, true, 0);
	elf_put(&file, 0x1000, 4, 4);
	elf_put(&file, 0x1004, 4, 4);
	elf_put(&file, 0x1008, 5, 4);
	memcpy(file.data + 0x100c, "GNU", 4);
	elf_note_at(&file, 0x1018, "Xen", 18, 0x77, 4);
	elf_add(&file, (struct elf_part){4, 0x1000, 0, 0, 0x2c, 0x2c, 8});
	assert_int_equal(open_file(), OK);
	assert_int_equal(elf_note(&elf, "Xen", 18, &value), OK);
	assert_int_equal(bytes_u32(value, 0), 0x77);
}

static void test_broken_notes(void **state)
{
	static const struct {
		u32 at;
		u32 value;
	} bad[] = {{0x1000, 0xffffffff}, {0x1004, 0xffffffff}, {0x1000, 0x40}, {0x1004, 0x40}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct bytes value;

		elf_begin(&file, true, 0);
		elf_note_at(&file, 0x1000, "Xen", 18, 1, 4);
		elf_put(&file, bad[i].at, bad[i].value, 4);
		elf_add(&file, (struct elf_part){4, 0x1000, 0, 0, 0x14, 0x14, 4});
		assert_int_equal(open_file(), OK);
		assert_int_equal(elf_note(&elf, "Xen", 18, &value), ERR_NOT_FOUND);
	}
}

/* A note of zero sizes still takes its header: the walk ends. */
static void test_empty_notes(void **state)
{
	struct bytes value;

	(void)state;
	elf_begin(&file, true, 0);
	elf_add(&file, (struct elf_part){4, 0x1000, 0, 0, 0x1000, 0x1000, 4});
	assert_int_equal(open_file(), OK);
	assert_int_equal(elf_note(&elf, "Xen", 18, &value), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),	     cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_short_files),  cmocka_unit_test(test_bad_segments),
		cmocka_unit_test(test_notes),	     cmocka_unit_test(test_notes_of_eight),
		cmocka_unit_test(test_broken_notes), cmocka_unit_test(test_empty_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
