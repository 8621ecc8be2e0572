/* A VM's RAM, a kernel file to be made, and loading it. For the tests of the guest loaders. */
#ifndef TESTS_HOST_LOADER_FIXTURE_H
#define TESTS_HOST_LOADER_FIXTURE_H

#include "tests/host/harness.h"

#include "hv/vm/housekeeping.h"
#include "hv/vm/loader.h"
#include "hv/vm/memory_layout.h"
#include "tests/host/elf_builder.h"
#include "tests/host/guest_memory.h"

#define RAM  MIB(16)
#define FILL 0xa5

static struct vm vm;
static struct elf_file file;
static struct guest_image image;
static struct vcpu_start start;
static const char *reason;
static u8 module_bytes[2][PAGE_SIZE + 1];

static inline int set_up(void **state)
{
	(void)state;
	guest_memory_make(&vm, RAM, FILL);
	image = (struct guest_image){.kernel = elf_bytes(&file), .command = "quiet  ip=dhcp"};
	reason = NULL;
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	guest_memory_free();
	return 0;
}

static inline enum status load(void)
{
	memset(&start, 0xff, sizeof(start));
	return loader_load(&vm, &image, &start, &reason);
}

static inline void assert_refused(const char *why)
{
	assert_int_not_equal(load(), OK);
	assert_non_null(reason);
	if (!strstr(reason, why))
		fail_msg("\"%s\" does not say \"%s\"", reason, why);
}

static inline u32 guest_u32(u64 at)
{
	return bytes_u32(guest_memory(), at);
}

static inline u64 guest_u64(u64 at)
{
	return bytes_u64(guest_memory(), at);
}

static inline const char *guest_text(u64 at)
{
	assert_true(at && at < RAM);
	return (const char *)guest_memory().data + at;
}

static inline void assert_filled(u64 at, u8 byte, u64 size)
{
	for (u64 i = 0; i < size; i++)
		assert_int_equal(guest_memory().data[at + i], byte);
}

/* One segment of text and data at 1 MiB, with bss, from file offset 0x1000 on. */
static inline void simple_kernel(bool wide)
{
	elf_begin(&file, wide, 0x100010);
	elf_add(&file, (struct elf_part){1, 0x1000, 0x100000, 0x100000, 0x800, 0x3456, 0x1000});
	for (u32 i = 0; i < 0x800; i++)
		file.data[0x1000 + i] = (u8)(i * 7);
}

static inline void multiboot_kernel(bool wide)
{
	simple_kernel(wide);
	elf_multiboot_header(&file, 0x1000, 3);
}

static inline void pvh_kernel(void)
{
	simple_kernel(true);
	elf_note_at(&file, 0x2000, "Xen", 18, 0x100020, 8);
	elf_add(&file, (struct elf_part){4, 0x2000, 0, 0, 24, 24, 4});
}

/* Called by what is tested, between the pieces of long copies. */
static u32 pauses;

void housekeeping(void)
{
	pauses++;
}

static inline void add_modules(void)
{
	memset(module_bytes[0], 0x11, sizeof(module_bytes[0]));
	memset(module_bytes[1], 0x22, sizeof(module_bytes[1]));
	image.module_count = 2;
	image.module[0] = (struct guest_module){{module_bytes[0], PAGE_SIZE + 1}, "first  one"};
	image.module[1] = (struct guest_module){{module_bytes[1], 100}, NULL};
}

static inline void assert_kernel_is_there(void)
{
	assert_memory_equal(guest_memory().data + 0x100000, file.data + 0x1000, 0x800);
	assert_filled(0x100800, 0, 0x3456 - 0x800);
	assert_filled(0x103456, FILL, 0x104000 - 0x103456);
	assert_filled(LAYOUT_LEGACY_START, FILL, LAYOUT_LEGACY_END - LAYOUT_LEGACY_START);
}

static inline void assert_modules_are_there(u64 first, u64 second)
{
	assert_true(is_aligned(first, PAGE_SIZE) && is_aligned(second, PAGE_SIZE));
	assert_true(first >= 0x104000 && second >= first + 2 * PAGE_SIZE);
	assert_filled(first, 0x11, PAGE_SIZE + 1);
	assert_filled(first + PAGE_SIZE + 1, FILL, PAGE_SIZE - 1);
	assert_filled(second, 0x22, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
