// sources: hv/platform/memmap.c
#include "tests/host/harness.h"

#include "hv/platform/memmap.h"

static void check_range(const struct memmap *map, u32 index, u64 start, u64 end,
			enum memory_kind kind)
{
	assert_true(index < map->count);
	assert_int_equal(map->range[index].start.v, start);
	assert_int_equal(map->range[index].start.v + map->range[index].size, end);
	assert_int_equal(map->range[index].kind, kind);
}

/* What must hold of any map. */
static void check_form(const struct memmap *map)
{
	for (u32 i = 0; i < map->count; i++) {
		assert_true(map->range[i].size > 0);
		if (i == 0)
			continue;

		const struct memory_range *last = &map->range[i - 1];
		u64 end = last->start.v + last->size;

		assert_true(end <= map->range[i].start.v);
		assert_true(end < map->range[i].start.v || last->kind != map->range[i].kind);
	}
}

static void sorted_ranges_stay_as_they_are(void **state)
{
	struct memmap map = {0};

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0), 0x9fc00, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(0xf0000), 0x10000, MEMORY_RESERVED), OK);
	assert_int_equal(memmap_add(&map, hpa(0x100000), 0x700000, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(0x800000), 0x1000, MEMORY_NVS), OK);
	assert_int_equal(map.count, 4);
	check_range(&map, 0, 0, 0x9fc00, MEMORY_RAM);
	check_range(&map, 1, 0xf0000, 0x100000, MEMORY_RESERVED);
	check_range(&map, 2, 0x100000, 0x800000, MEMORY_RAM);
	check_range(&map, 3, 0x800000, 0x801000, MEMORY_NVS);
	assert_false(map.was_unsorted);
	assert_false(map.had_overlaps);
	assert_int_equal(memmap_ram(&map), 0x9fc00 + 0x700000);
	assert_int_equal(memmap_top(&map).v, 0x800000);
}

static void unsorted_neighbours_are_sorted_and_merged(void **state)
{
	struct memmap map = {0};

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0x2000), 0x1000, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(0x4000), 0x1000, MEMORY_RAM), OK);
	assert_false(map.was_unsorted);
	assert_int_equal(memmap_add(&map, hpa(0x1000), 0x1000, MEMORY_RAM), OK);
	assert_true(map.was_unsorted);
	assert_false(map.had_overlaps);
	assert_int_equal(map.count, 2);
	check_range(&map, 0, 0x1000, 0x3000, MEMORY_RAM);
	assert_int_equal(memmap_add(&map, hpa(0x3000), 0x1000, MEMORY_RAM), OK);
	assert_int_equal(map.count, 1);
	check_range(&map, 0, 0x1000, 0x5000, MEMORY_RAM);
}

static void the_more_restrictive_kind_wins(void **state)
{
	struct memmap map = {0};

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0x1000), 0x9000, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(0x3000), 0x2000, MEMORY_RESERVED), OK);
	assert_true(map.had_overlaps);
	assert_false(map.was_unsorted);
	/* Crosses all three pieces and both outer edges. */
	assert_int_equal(memmap_add(&map, hpa(0), 0xb000, MEMORY_ACPI), OK);
	assert_int_equal(map.count, 3);
	check_range(&map, 0, 0, 0x3000, MEMORY_ACPI);
	check_range(&map, 1, 0x3000, 0x5000, MEMORY_RESERVED);
	check_range(&map, 2, 0x5000, 0xb000, MEMORY_ACPI);
	assert_int_equal(memmap_add(&map, hpa(0x4000), 0x1000, MEMORY_RAM), OK);
	assert_int_equal(map.count, 3);
	check_form(&map);
}

static void wrong_ranges_are_refused(void **state)
{
	struct memmap map = {0};

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0x1000), 0, MEMORY_RAM), ERR_INVALID);
	assert_int_equal(memmap_add(&map, hpa(~0ull - 0xfff), 0x2000, MEMORY_RAM), ERR_INVALID);
	assert_int_equal(memmap_add(&map, hpa(~0ull), 1, MEMORY_RAM), ERR_INVALID);
	assert_int_equal(memmap_add(&map, hpa(0), 1, MEMORY_KINDS), ERR_INVALID);
	assert_int_equal(map.count, 0);
	assert_int_equal(memmap_ram(&map), 0);
	assert_int_equal(memmap_top(&map).v, 0);
}

static void a_full_map_is_an_error_and_keeps_its_form(void **state)
{
	struct memmap map = {0};

	(void)state;
	for (u32 i = 0; i < MEMMAP_MAX; i++)
		assert_int_equal(memmap_add(&map, hpa(i * 0x2000ull), 0x1000, MEMORY_RAM), OK);
	assert_int_equal(map.count, MEMMAP_MAX);
	assert_int_equal(memmap_add(&map, hpa(MIB(64)), 0x1000, MEMORY_RAM), ERR_NO_MEMORY);
	assert_int_equal(memmap_add(&map, hpa(0x2400), 0x400, MEMORY_BAD), ERR_NO_MEMORY);
	assert_int_equal(map.count, MEMMAP_MAX);
	check_form(&map);
	assert_int_equal(memmap_add(&map, hpa(0x1000), 0x1000, MEMORY_RAM), OK);
	assert_int_equal(map.count, MEMMAP_MAX - 1);
}

static void kind_is_that_of_the_whole_range(void **state)
{
	struct memmap map = {0};

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0x1000), 0x2000, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(0x3000), 0x1000, MEMORY_ACPI), OK);
	assert_int_equal(memmap_kind(&map, hpa(0x1000), 0x2000), MEMORY_RAM);
	assert_int_equal(memmap_kind(&map, hpa(0x3fff), 1), MEMORY_ACPI);
	assert_int_equal(memmap_kind(&map, hpa(0x2fff), 2), MEMORY_RESERVED);
	assert_int_equal(memmap_kind(&map, hpa(0xfff), 2), MEMORY_RESERVED);
	assert_int_equal(memmap_kind(&map, hpa(0x2000), ~0ull), MEMORY_RESERVED);
	assert_int_equal(memmap_kind(&map, hpa(0x8000), 1), MEMORY_RESERVED);
}

static void take_gives_the_highest_that_fits(void **state)
{
	struct memmap map = {0};
	hpa_t at;

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0x1000), MIB(4) - 0x1000, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(MIB(8)), 0x3800, MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(GIB(4)), MIB(16), MEMORY_RAM), OK);

	assert_int_equal(memmap_take(&map, MIB(2), MIB(2), hpa(~0ull), &at), OK);
	assert_int_equal(at.v, GIB(4) + MIB(14));
	assert_int_equal(memmap_take(&map, MIB(1), MIB(2), hpa(GIB(4) + MIB(13)), &at), OK);
	assert_int_equal(at.v, GIB(4) + MIB(12));
	/* The part of a page at the end of RAM is not used. */
	assert_int_equal(memmap_take(&map, PAGE_SIZE, PAGE_SIZE, hpa(GIB(4)), &at), OK);
	assert_int_equal(at.v, MIB(8) + 0x2000);
	/* Too big for what is left at 8 MiB. */
	assert_int_equal(memmap_take(&map, 0x3000, PAGE_SIZE, hpa(GIB(4)), &at), OK);
	assert_int_equal(at.v, MIB(4) - 0x3000);
	assert_int_equal(memmap_kind(&map, at, 0x3000), MEMORY_RESERVED);
	assert_int_equal(memmap_kind(&map, hpa(0x1000), 0x1000), MEMORY_RAM);
	assert_int_equal(memmap_take(&map, MIB(4), PAGE_SIZE, hpa(GIB(4)), &at), ERR_NO_MEMORY);
	assert_int_equal(memmap_take(&map, GIB(1), PAGE_SIZE, hpa(~0ull), &at), ERR_NO_MEMORY);
	assert_int_equal(memmap_take(&map, 0, PAGE_SIZE, hpa(~0ull), &at), ERR_INVALID);
	assert_false(map.was_unsorted);
	assert_false(map.had_overlaps);
	check_form(&map);
}

static void all_ram_can_be_taken_and_no_byte_twice(void **state)
{
	struct memmap map = {0};
	u64 last = MIB(1);
	hpa_t at;

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0), MIB(1), MEMORY_RAM), OK);
	for (u32 i = 0; i < MIB(1) / PAGE_SIZE; i++) {
		assert_int_equal(memmap_take(&map, PAGE_SIZE, PAGE_SIZE, hpa(GIB(1)), &at), OK);
		assert_int_equal(at.v, last - PAGE_SIZE);
		last = at.v;
	}
	assert_int_equal(memmap_ram(&map), 0);
	assert_int_equal(memmap_take(&map, PAGE_SIZE, PAGE_SIZE, hpa(GIB(1)), &at), ERR_NO_MEMORY);
}

static void what_is_given_back_is_as_before(void **state)
{
	enum { PIECES = 16 };
	struct memmap map = {0};
	struct memmap before;
	hpa_t at[PIECES];
	u64 size[PIECES];

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0), MIB(1), MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(MIB(1)), MIB(1), MEMORY_RESERVED), OK);
	assert_int_equal(memmap_add(&map, hpa(MIB(3)), MIB(1), MEMORY_RAM), OK);
	before = map;
	for (u32 round = 0; round < 100; round++) {
		for (u32 i = 0; i < PIECES; i++) {
			size[i] = (1 + (round + i) % 3) * PAGE_SIZE;
			assert_int_equal(memmap_take(&map, size[i], PAGE_SIZE, hpa(~0ull), &at[i]),
					 OK);
		}
		/* In another order: 7 and 16 have no common divisor. */
		for (u32 i = 0; i < PIECES; i++) {
			u32 n = (i * 7 + round) % PIECES;

			assert_int_equal(memmap_give(&map, at[n], size[n]), OK);
			check_form(&map);
		}
		assert_memory_equal(&map, &before,
				    sizeof(map.count) + map.count * sizeof(*map.range));
	}
}

static void only_what_was_taken_can_be_given_back(void **state)
{
	struct memmap map = {0};
	struct memmap before;

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(0), MIB(1), MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(MIB(1)), MIB(1), MEMORY_RESERVED), OK);
	assert_int_equal(memmap_add(&map, hpa(MIB(4)), MIB(1), MEMORY_NVS), OK);
	before = map;
	assert_int_equal(memmap_give(&map, hpa(0), PAGE_SIZE), ERR_INVALID);
	assert_int_equal(memmap_give(&map, hpa(MIB(1) - PAGE_SIZE), 2 * PAGE_SIZE), ERR_INVALID);
	assert_int_equal(memmap_give(&map, hpa(MIB(2) - PAGE_SIZE), 2 * PAGE_SIZE), ERR_INVALID);
	assert_int_equal(memmap_give(&map, hpa(MIB(3)), PAGE_SIZE), ERR_INVALID);
	assert_int_equal(memmap_give(&map, hpa(MIB(4)), PAGE_SIZE), ERR_INVALID);
	assert_int_equal(memmap_give(&map, hpa(MIB(1)), 0), ERR_INVALID);
	assert_memory_equal(&map, &before, sizeof(map));

	/* No room for the pieces: nothing changes. */
	map.count = 0;
	for (u32 i = 0; i < MEMMAP_MAX; i++)
		assert_int_equal(memmap_add(&map, hpa(i * MIB(1)), 3 * PAGE_SIZE,
					    i ? MEMORY_NVS : MEMORY_RESERVED),
				 OK);
	before = map;
	assert_int_equal(memmap_give(&map, hpa(PAGE_SIZE), PAGE_SIZE), ERR_NO_MEMORY);
	assert_memory_equal(&map, &before, sizeof(map));
	map.count = before.count = MEMMAP_MAX - 1;
	assert_int_equal(memmap_give(&map, hpa(PAGE_SIZE), PAGE_SIZE), ERR_NO_MEMORY);
	assert_int_equal(map.count, before.count);
	check_range(&map, 0, 0, 3 * PAGE_SIZE, MEMORY_RESERVED);
}

/* Against a plain model: one kind for each of 64 pages, 0xff for a hole. */
static void random_ranges_agree_with_a_model(void **state)
{
	enum { PAGES = 64 };
	u32 seed = 1;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct memmap map = {0};
		u8 model[PAGES];

		memset(model, 0xff, sizeof(model));
		for (int i = 0; i < 12; i++) {
			seed = seed * 1664525 + 1013904223;

			u32 first = seed >> 24 & 63;
			u32 count = 1 + (seed >> 16 & 15);
			u8 kind = (u8)((seed >> 8 & 0xff) % MEMORY_KINDS);

			if (first + count > PAGES)
				count = PAGES - first;
			assert_int_equal(
				memmap_add(&map, hpa(first * PAGE_SIZE), count * PAGE_SIZE, kind),
				OK);
			for (u32 page = first; page < first + count; page++)
				if (model[page] == 0xff || model[page] < kind)
					model[page] = kind;
			check_form(&map);
		}
		for (u32 page = 0; page < PAGES; page++) {
			bool hole = model[page] == 0xff;

			assert_int_equal(memmap_kind(&map, hpa(page * PAGE_SIZE), PAGE_SIZE),
					 hole ? MEMORY_RESERVED : model[page]);
		}
	}
}

static void print_shows_ranges_and_flaws(void **state)
{
	struct memmap map = {0};

	(void)state;
	assert_int_equal(memmap_add(&map, hpa(MIB(1)), MIB(3), MEMORY_RAM), OK);
	assert_int_equal(memmap_add(&map, hpa(0), 0x1000, MEMORY_NVS), OK);
	captured_log_clear();
	memmap_print(&map);
	assert_non_null(strstr(captured_log(), "000000100000-0000003fffff RAM\n"));
	assert_non_null(strstr(captured_log(), "000000000000-000000000fff ACPI NVS\n"));
	assert_non_null(strstr(captured_log(), "3 MiB of RAM; firmware's map was not sorted\n"));
	assert_string_equal(memory_kind_name(MEMORY_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_ranges_stay_as_they_are),
		cmocka_unit_test(unsorted_neighbours_are_sorted_and_merged),
		cmocka_unit_test(the_more_restrictive_kind_wins),
		cmocka_unit_test(wrong_ranges_are_refused),
		cmocka_unit_test(a_full_map_is_an_error_and_keeps_its_form),
		cmocka_unit_test(kind_is_that_of_the_whole_range),
		cmocka_unit_test(take_gives_the_highest_that_fits),
		cmocka_unit_test(all_ram_can_be_taken_and_no_byte_twice),
		cmocka_unit_test(what_is_given_back_is_as_before),
		cmocka_unit_test(only_what_was_taken_can_be_given_back),
		cmocka_unit_test(random_ranges_agree_with_a_model),
		cmocka_unit_test(print_shows_ranges_and_flaws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
