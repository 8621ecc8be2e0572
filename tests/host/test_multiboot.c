// sources: hv/vm/loader.c hv/vm/loading.c hv/vm/multiboot.c hv/vm/pvh.c hv/vm/elf.c
// sources: hv/vm/memory_layout.c tests/host/guest_memory.c
#include "tests/host/loader_fixture.h"

static void check_multiboot_info(u64 info)
{
	u64 mods = guest_u32(info + 24), map = guest_u32(info + 48);

	assert_true(info >= 0x10000 && info < LAYOUT_LEGACY_START);
	assert_int_equal(guest_u32(info), 1 | 4 | 8 | 0x40 | 0x200);
	assert_int_equal(guest_u32(info + 4), 0x9f000 / 1024);
	assert_int_equal(guest_u32(info + 8), (RAM - MIB(1)) / 1024);
	assert_string_equal(guest_text(guest_u32(info + 16)), "quiet  ip=dhcp");
	assert_string_equal(guest_text(guest_u32(info + 64)), "Sluice");

	assert_int_equal(guest_u32(info + 20), 2);
	assert_modules_are_there(guest_u32(mods), guest_u32(mods + 16));
	assert_int_equal(guest_u32(mods + 4) - guest_u32(mods), PAGE_SIZE + 1);
	assert_int_equal(guest_u32(mods + 20) - guest_u32(mods + 16), 100);
	assert_string_equal(guest_text(guest_u32(mods + 8)), "first  one");
	assert_string_equal(guest_text(guest_u32(mods + 24)), "");

	assert_int_equal(guest_u32(info + 44), 3 * 24);
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(guest_u32(map + 24 * i), 20);
	assert_int_equal(guest_u64(map + 4), 0);
	assert_int_equal(guest_u64(map + 12), 0x9f000);
	assert_int_equal(guest_u32(map + 20), 1);
	assert_int_equal(guest_u64(map + 24 + 4), 0x9f000);
	assert_int_equal(guest_u32(map + 24 + 20), 2);
	assert_int_equal(guest_u64(map + 48 + 4), 0x100000);
	assert_int_equal(guest_u64(map + 48 + 12), RAM - MIB(1));
}

static void check_multiboot(bool wide)
{
	guest_memory_free();
	set_up(NULL);
	multiboot_kernel(wide);
	add_modules();
	assert_int_equal(load(), OK);
	assert_int_equal(start.rip, 0x100010);
	assert_int_equal(start.rax, 0x2badb002);
	assert_kernel_is_there();
	check_multiboot_info(start.rbx);
}

static void test_multiboot(void **state)
{
	(void)state;
	check_multiboot(false);
	check_multiboot(true);
}

static void test_no_modules_no_command(void **state)
{
	(void)state;
	multiboot_kernel(false);
	image.command = NULL;
	assert_int_equal(load(), OK);
	assert_int_equal(guest_u32(start.rbx + 20), 0);
	assert_string_equal(guest_text(guest_u32(start.rbx + 16)), "");
}

static void test_virtual_entry(void **state)
{
	(void)state;
	elf_begin(&file, true, 0xffffffff80000123);
	elf_add(&file, (struct elf_part){1, 0x1000, 0xffffffff80000000, 0x200000, 0x800, 0x800, 0});
	elf_multiboot_header(&file, 0x1000, 0);
	assert_int_equal(load(), OK);
	assert_int_equal(start.rip, 0x200123);
}

static void test_header_places(void **state)
{
	(void)state;
	simple_kernel(false);
	elf_multiboot_header(&file, 8192 - 12, 0);
	assert_int_equal(load(), OK);
	simple_kernel(false);
	elf_multiboot_header(&file, 8192 - 8, 0);
	assert_refused("not a multiboot or PVH");
	simple_kernel(false);
	elf_multiboot_header(&file, 0x1002, 0);
	assert_refused("not a multiboot or PVH");
	multiboot_kernel(false);
	file.data[0x1008] ^= 1;
	assert_refused("not a multiboot or PVH");
}

static void test_header_flags(void **state)
{
	(void)state;
	for (u32 bit = 0; bit < 32; bit++) {
		if (bit == 16)
			continue;
		guest_memory_free();
		set_up(NULL);
		simple_kernel(false);
		elf_multiboot_header(&file, 0x1000, 1u << bit);
		if (bit >= 3 && bit < 16)
			assert_refused("unknown feature");
		else
			assert_int_equal(load(), OK);
	}
}

/* A flat file whose header stands 0x40 bytes behind its beginning, loaded to 2 MiB. */
static void flat_kernel(u32 load_end, u32 bss_end, u32 entry)
{
	static const u32 addresses[] = {0x200040, 0x200000};

	memset(&file, 0x5a, sizeof(file));
	elf_multiboot_header(&file, 0x140, 0x10003);
	elf_put(&file, 0x14c, addresses[0], 4);
	elf_put(&file, 0x150, addresses[1], 4);
	elf_put(&file, 0x154, load_end, 4);
	elf_put(&file, 0x158, bss_end, 4);
	elf_put(&file, 0x15c, entry, 4);
}

static void test_address_fields(void **state)
{
	(void)state;
	flat_kernel(0x201000, 0x203000, 0x200080);
	assert_int_equal(load(), OK);
	assert_int_equal(start.rip, 0x200080);
	assert_memory_equal(guest_memory().data + 0x200000, file.data + 0x100, 0x1000);
	assert_filled(0x201000, 0, 0x2000);
	assert_filled(0x203000, FILL, 0x1000);

	guest_memory_free();
	set_up(NULL);
	flat_kernel(0, 0, 0x200080);
	assert_int_equal(load(), OK);
	assert_memory_equal(guest_memory().data + 0x200000, file.data + 0x100,
			    ELF_FILE_SIZE - 0x100);
	assert_filled(0x200000 + ELF_FILE_SIZE - 0x100, FILL, 0x1000);
}

static void test_bad_address_fields(void **state)
{
	(void)state;
	flat_kernel(0x1fffff, 0, 0x200080);
	assert_refused("load_end_addr is below");
	flat_kernel(0x200000 + ELF_FILE_SIZE - 0xff, 0, 0x200080);
	assert_refused("ends before load_end_addr");
	flat_kernel(0x201000, 0x200fff, 0x200080);
	assert_refused("bss_end_addr");
	flat_kernel(0x201000, 0xffffffff, 0x200080);
	assert_refused("does not fit");
	flat_kernel(0x201000, 0x203000, 0x203000);
	assert_refused("entry is not in the kernel");
	flat_kernel(0x201000, 0, 0x200080);
	elf_put(&file, 0x150, 0x200041, 4);
	assert_refused("addresses are wrong");
	elf_put(&file, 0x150, 0x1ffe00, 4);
	assert_refused("addresses are wrong");

	/* The header is there, its address fields are not. */
	flat_kernel(0x201000, 0, 0x200080);
	image.kernel.size = 0x15f;
	assert_refused("addresses are wrong");
}

static void test_multiboot_wins(void **state)
{
	(void)state;
	pvh_kernel();
	elf_multiboot_header(&file, 0x1000, 3);
	assert_int_equal(load(), OK);
	assert_int_equal(start.rip, 0x100010);
	assert_int_equal(start.rax, 0x2badb002);
}

static void test_nothing_to_load(void **state)
{
	(void)state;
	elf_begin(&file, true, 0);
	elf_add(&file, (struct elf_part){1, 0x1000, 0, 0x200000, 0, 0, 0});
	elf_multiboot_header(&file, 0x1000, 0);
	assert_refused("nothing to load");
}

static void test_entry_outside(void **state)
{
	(void)state;
	multiboot_kernel(true);
	elf_put(&file, 24, 0x103456, 8);
	assert_refused("entry is not in the kernel");
	elf_put(&file, 24, 0xffffffff80000000, 8);
	assert_refused("entry is not in the kernel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_multiboot),	       TEST(test_no_modules_no_command),
		TEST(test_virtual_entry),      TEST(test_header_places),
		TEST(test_header_flags),       TEST(test_address_fields),
		TEST(test_bad_address_fields), TEST(test_multiboot_wins),
		TEST(test_nothing_to_load),    TEST(test_entry_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
