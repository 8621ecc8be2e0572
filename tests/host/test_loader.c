// sources: hv/vm/loader.c hv/vm/loading.c hv/vm/multiboot.c hv/vm/pvh.c hv/vm/elf.c
// sources: hv/vm/memory_layout.c hv/platform/memmap.c tests/host/guest_memory.c
#include "tests/host/loader_fixture.h"

static void test_pvh(void **state)
{
	u64 mods, map;

	(void)state;
	pvh_kernel();
	add_modules();
	image.rsdp = gpa(0xe0000);
	assert_int_equal(load(), OK);
	assert_kernel_is_there();
	assert_int_equal(start.rip, 0x100020);
	assert_int_equal(guest_u32(start.rbx), 0x336ec578);
	assert_int_equal(guest_u32(start.rbx + 4), 1);
	assert_int_equal(guest_u32(start.rbx + 8), 0);
	assert_int_equal(guest_u32(start.rbx + 12), 2);
	assert_string_equal(guest_text(guest_u64(start.rbx + 24)), "quiet  ip=dhcp");
	assert_int_equal(guest_u64(start.rbx + 32), 0xe0000);

	mods = guest_u64(start.rbx + 16);
	assert_modules_are_there(guest_u64(mods), guest_u64(mods + 32));
	assert_int_equal(guest_u64(mods + 8), PAGE_SIZE + 1);
	assert_int_equal(guest_u64(mods + 40), 100);
	assert_string_equal(guest_text(guest_u64(mods + 16)), "first  one");

	map = guest_u64(start.rbx + 40);
	assert_int_equal(guest_u32(start.rbx + 48), 3);
	assert_int_equal(guest_u64(map + 24), 0x9f000);
	assert_int_equal(guest_u64(map + 32), 0x61000);
	assert_int_equal(guest_u32(map + 40), 2);
	assert_int_equal(guest_u64(map + 56), RAM - MIB(1));
}

static void test_pvh_narrow_note(void **state)
{
	(void)state;
	simple_kernel(false);
	elf_note_at(&file, 0x2000, "Xen", 18, 0x100020, 4);
	elf_add(&file, (struct elf_part){4, 0x2000, 0, 0, 20, 20, 4});
	assert_int_equal(load(), OK);
	assert_int_equal(start.rip, 0x100020);
	elf_put(&file, 0x2004, 2, 4);
	assert_refused("not a multiboot or PVH");
}

static void test_both_protocols(void **state)
{
	(void)state;
	pvh_kernel();
	elf_multiboot_header(&file, 0x1004, 3);
	assert_int_equal(load(), OK);
	assert_int_equal(start.rax, 0x2badb002);
	elf_put(&file, 0x1004, 0, 4);
	assert_int_equal(load(), OK);
	assert_int_equal(start.rax, 0);
	assert_int_equal(guest_u32(start.rbx), 0x336ec578);
}

static void test_pvh_entry_outside(void **state)
{
	(void)state;
	pvh_kernel();
	elf_put(&file, 0x2010, 0x103456, 4);
	assert_refused("PVH: the entry is not in the kernel");
	elf_put(&file, 0x2010, LAYOUT_LEGACY_START, 4);
	assert_refused("PVH: the entry is not in the kernel");
}

static void test_unknown_files(void **state)
{
	(void)state;
	memset(&file, 0, sizeof(file));
	memcpy(file.data + 0x202, "HdrS", 4);
	assert_refused("bzImage");
	memset(&file, 0, sizeof(file));
	assert_refused("not a multiboot or PVH ELF kernel");
	simple_kernel(true);
	assert_refused("not a multiboot or PVH ELF kernel");
	image.kernel.size = 0;
	assert_refused("not a multiboot or PVH ELF kernel");
	pvh_kernel();
	image.kernel.size = 70;
	assert_refused("ELF:");
}

static void test_bad_segments(void **state)
{
	static const struct {
		struct elf_part part;
		const char *reason;
	} bad[] = {
		{{1, 0x1000, 0, RAM - 0x100, 0x100, 0x101, 0}, "does not fit"},
		{{1, 0x1000, 0, RAM, 0x100, 0x100, 0}, "does not fit"},
		{{1, 0x1000, 0, 0x200000, 0x100, RAM, 0}, "does not fit"},
		{{1, 0x1000, 0, 0x200000, 0, UINT64_MAX - 0x200000, 0}, "does not fit"},
		{{1, 0x1000, 0, 0x200000, 0, UINT64_MAX, 0}, "wrap"},
		{{1, 0x1000, 0, 0x9efff, 0, 2, 0}, "0x9f000-0xfffff"},
		{{1, 0x1000, 0, 0xfffff, 0, 0x1000, 0}, "0x9f000-0xfffff"},
		{{1, 0x1000, 0, 0x103455, 0, 1, 0}, "overlap"},
		{{1, 0x1000, 0, 0xff000, 0, 0x1000, 0}, "0x9f000-0xfffff"},
		{{1, ELF_FILE_SIZE, 0, 0x200000, 1, 1, 0}, "not within the file"},
		{{1, 0x1000, 0, 0x200000, 2, 1, 0}, "more in the file"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		multiboot_kernel(true);
		elf_add(&file, bad[i].part);
		assert_refused(bad[i].reason);
	}
	assert_filled(LAYOUT_LEGACY_START, FILL, LAYOUT_LEGACY_END - LAYOUT_LEGACY_START);
}

/* A kernel in low memory: what the loader places goes around it. */
static void test_low_kernel(void **state)
{
	(void)state;
	elf_begin(&file, true, 0x10000);
	elf_add(&file, (struct elf_part){1, 0x1000, 0x10000, 0x10000, 0x1000, 0x8e000, 0});
	elf_add(&file, (struct elf_part){1, 0x1000, 0x100000, 0x100000, 0x10, 0x10, 0});
	elf_multiboot_header(&file, 0x1000, 0);
	add_modules();
	assert_int_equal(load(), OK);
	assert_filled(0x11000, 0, 0x8d000);
	assert_memory_equal(guest_memory().data + 0x10000, file.data + 0x1000, 0x1000);
	assert_memory_equal(guest_memory().data + 0x100000, file.data + 0x1000, 0x10);
	assert_int_equal(start.rip, 0x10000);
	assert_string_equal(guest_text(guest_u32(start.rbx + 16)), "quiet  ip=dhcp");
}

/* Modules go below a kernel that leaves no room above itself, and are refused when none is left. */
static void test_module_places(void **state)
{
	static u8 large[MIB(15)];
	u32 mods;

	(void)state;
	elf_begin(&file, true, 0xf00000);
	elf_add(&file, (struct elf_part){1, 0x1000, 0xf00000, 0xf00000, 0x10, MIB(1), 0});
	elf_multiboot_header(&file, 0x1000, 0);
	image.module_count = 1;
	image.module[0].content = (struct bytes){large, MIB(14)};
	assert_int_equal(load(), OK);
	mods = guest_u32(start.rbx + 24);
	assert_int_equal(guest_u32(mods), MIB(1));
	assert_int_equal(guest_u32(mods + 4), MIB(15));

	image.module[0].content.size = MIB(14) + 1;
	assert_refused("modules do not fit");
	image.module_count = LOADER_MAX_MODULES + 1;
	assert_refused("too many modules");
}

static void test_too_many_segments(void **state)
{
	(void)state;
	elf_begin(&file, true, 0x100000);
	for (u32 i = 0; i < 100; i++)
		elf_add(&file, (struct elf_part){1, 0, 0, 0x100000 + i, 0, 1, 0});
	elf_multiboot_header(&file, 0x1f00, 0);
	assert_refused("too many segments");
}

static u32 random_state = 1;

static u32 random_u32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Damages one to four bytes of headers or notes, which is where all decisions are made. */
static void damage(void)
{
	static const u32 places[] = {0, 64, 0x1000, 0x2000};

	for (u32 n = random_u32() % 4 + 1; n; n--) {
		u32 at = places[random_u32() % 4] + random_u32() % 112;

		file.data[at] = random_u32() % 3 ? (u8)random_u32() : 0xff;
	}
}

/* No file makes the loader touch the legacy hole, or start outside what it loaded. */
static void test_damaged_files(void **state)
{
	u32 loaded = 0;

	(void)state;
	add_modules();
	for (u32 round = 0; round < 20000; round++) {
		pvh_kernel();
		if (round & 1)
			elf_multiboot_header(&file, 0x1000, round & 2 ? 0x10003 : 3);
		damage();
		if (load() == OK) {
			loaded++;
			assert_true(start.rip < RAM && start.rbx < RAM);
		} else {
			assert_non_null(reason);
		}
	}
	assert_true(loaded > 100);
	assert_filled(LAYOUT_LEGACY_START, FILL, LAYOUT_LEGACY_END - LAYOUT_LEGACY_START);
}

static void test_layout(void **state)
{
	struct memory_layout layout;

	(void)state;
	memory_layout_make(&layout, MIB(16));
	assert_int_equal(layout.low_size, MIB(16));
	assert_int_equal(layout.high_size, 0);
	assert_int_equal(layout.count, 3);
	assert_int_equal(layout.mmio_high, GIB(64));

	memory_layout_make(&layout, GIB(3));
	assert_int_equal(layout.low_size, GIB(3));
	assert_int_equal(layout.count, 3);

	memory_layout_make(&layout, GIB(70) + MIB(2));
	assert_int_equal(layout.low_size, GIB(3));
	assert_int_equal(layout.high_size, GIB(67) + MIB(2));
	assert_int_equal(layout.count, 4);
	assert_int_equal(layout.entry[2].start + layout.entry[2].size, GIB(3));
	assert_int_equal(layout.entry[3].start, GIB(4));
	assert_int_equal(layout.entry[3].size, GIB(67) + MIB(2));
	assert_int_equal(layout.entry[3].type, LAYOUT_RAM);
	assert_int_equal(layout.mmio_high, GIB(72));
}

static void check_entry(const struct layout_entry *entry, u64 from, u64 end, enum layout_type type)
{
	assert_int_equal(entry->start, from);
	assert_int_equal(entry->start + entry->size, end);
	assert_int_equal(entry->type, type);
}

/* The image, a hole that is small, pieces that are too small, and more than there is below 3 GiB. */
static void test_identity_layout(void **state)
{
	static struct memmap host;
	struct memory_layout layout;

	(void)state;
	host = (struct memmap){0};
	assert_int_equal(memmap_add(&host, hpa(0x9000), GIB(4), MEMORY_RAM), OK);
	assert_int_equal(memmap_reserve(&host, hpa(0), MIB(1)), OK);
	assert_int_equal(memmap_reserve(&host, hpa(MIB(48)), MIB(1)), OK);
	assert_int_equal(memmap_reserve(&host, hpa(MIB(51) - 1), 1), OK);
	assert_int_equal(memmap_reserve(&host, hpa(GIB(2) + 7), 5), OK);

	assert_int_equal(memory_layout_identity(&layout, MIB(128), &host), OK);
	assert_int_equal(layout.count, 5);
	check_entry(&layout.entry[0], 0, 0x9f000, LAYOUT_RAM);
	check_entry(&layout.entry[1], 0x9f000, MIB(1), LAYOUT_RESERVED);
	check_entry(&layout.entry[2], MIB(1), MIB(48), LAYOUT_RAM);
	check_entry(&layout.entry[3], MIB(48), MIB(51), LAYOUT_RESERVED);
	check_entry(&layout.entry[4], MIB(51), MIB(131), LAYOUT_RAM);
	assert_int_equal(layout.low_size, MIB(131));
	assert_int_equal(layout.high_size, 0);
	assert_int_equal(memory_layout_upper(&layout), MIB(47));

	assert_int_equal(memory_layout_identity(&layout, MIB(16), &host), OK);
	assert_int_equal(layout.count, 3);
	assert_int_equal(layout.low_size, MIB(16));

	assert_int_equal(memory_layout_identity(&layout, MIB(3067), &host), OK);
	assert_int_equal(layout.count, 7);
	check_entry(&layout.entry[5], GIB(2), GIB(2) + PAGE_SIZE, LAYOUT_RESERVED);
	assert_int_equal(layout.low_size, GIB(3) - MIB(2) + PAGE_SIZE);
	assert_int_equal(memory_layout_identity(&layout, MIB(3070), &host), ERR_NO_MEMORY);

	assert_int_equal(memmap_reserve(&host, hpa(MIB(1)), PAGE_SIZE), OK);
	assert_int_equal(memory_layout_identity(&layout, MIB(16), &host), OK);
	assert_int_equal(memory_layout_upper(&layout), 0);
}

static void test_identity_layout_of_many_pieces(void **state)
{
	static struct memmap host;
	struct memory_layout layout;

	(void)state;
	host = (struct memmap){0};
	for (u64 n = 0; n < 100; n++)
		assert_int_equal(memmap_add(&host, hpa(MIB(1 + 4 * n)), MIB(2), MEMORY_RAM), OK);
	assert_int_equal(memory_layout_identity(&layout, MIB(1 + 30), &host), OK);
	assert_in_range(layout.count, 1, LAYOUT_MAX_ENTRIES);
	assert_int_equal(memory_layout_identity(&layout, MIB(1 + 32), &host), ERR_NO_MEMORY);
}

/* Nothing is put where the VM has no memory. */
static void test_holes(void **state)
{
	static struct memmap host;
	static u8 large[MIB(5)];
	u32 mods;

	(void)state;
	host = (struct memmap){0};
	assert_int_equal(memmap_add(&host, hpa(MIB(1)), MIB(15), MEMORY_RAM), OK);
	assert_int_equal(memmap_reserve(&host, hpa(MIB(4)), MIB(2)), OK);
	assert_int_equal(memory_layout_identity(&vm.layout, MIB(14), &host), OK);

	multiboot_kernel(true);
	elf_add(&file, (struct elf_part){1, 0x1000, MIB(5), MIB(5), 0x10, 0x10, 0});
	assert_refused("where the VM has no memory");
	multiboot_kernel(true);
	elf_add(&file, (struct elf_part){1, 0x1000, MIB(4) - 8, MIB(4) - 8, 0x10, 0x10, 0});
	assert_refused("where the VM has no memory");

	multiboot_kernel(true);
	image.module_count = 1;
	image.module[0].content = (struct bytes){large, sizeof(large)};
	assert_int_equal(load(), OK);
	mods = guest_u32(start.rbx + 24);
	assert_int_equal(guest_u32(mods), MIB(6));
	assert_int_equal(guest_u32(start.rbx + 8), MIB(3) / 1024);
	assert_filled(MIB(4), FILL, MIB(2));
}

/* A module of five MiB and as much for the kernel to have cleared: the hypervisor's own work goes on. */
static void test_long_copies(void **state)
{
	static u8 large[MIB(5)];

	(void)state;
	memset(large, 0x77, sizeof(large));
	multiboot_kernel(true);
	elf_add(&file, (struct elf_part){1, 0x1000, MIB(2), MIB(2), 0x10, MIB(5), 0});
	image.module_count = 1;
	image.module[0].content = (struct bytes){large, sizeof(large)};
	pauses = 0;
	assert_int_equal(load(), OK);
	assert_int_equal(guest_memory_largest(), HOUSEKEEPING_PIECE);
	assert_true(pauses >= 6);
	assert_filled(MIB(2) + 0x10, 0, MIB(5) - 0x10);
	assert_filled(MIB(7), 0x77, MIB(5));
	assert_filled(MIB(12), FILL, MIB(4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pvh),
		TEST(test_pvh_narrow_note),
		TEST(test_both_protocols),
		TEST(test_pvh_entry_outside),
		TEST(test_unknown_files),
		TEST(test_bad_segments),
		TEST(test_low_kernel),
		TEST(test_module_places),
		TEST(test_too_many_segments),
		TEST(test_damaged_files),
		TEST(test_layout),
		TEST(test_identity_layout),
		TEST(test_identity_layout_of_many_pieces),
		TEST(test_holes),
		TEST(test_long_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
