/* Makes Multiboot2 boot information, tag by tag, and parses it. For the tests of bootinfo.c. */
#ifndef TESTS_HOST_MB2_BUILDER_H
#define TESTS_HOST_MB2_BUILDER_H

#include "tests/host/harness.h"

#include "hv/platform/bootinfo.h"
#include "hv/platform/multiboot2.h"

/* Boot information in the making. */
struct info {
	u8 data[4096];
	u32 size;
	u32 tag; /* where the last tag starts */
};

#define OWN_START 0x200000
#define OWN_SIZE  0x100000

static struct bootinfo boot;
static struct bootinfo_error error;

static inline void put(struct info *info, u64 value, u32 width)
{
	assert_true(info->size + width <= sizeof(info->data));
	for (u32 i = 0; i < width; i++)
		info->data[info->size++] = (u8)(value >> 8 * i);
}

static inline void put_at(struct info *info, u32 at, u32 value)
{
	memcpy(info->data + at, &value, 4);
}

static inline void put_text(struct info *info, const char *text)
{
	memcpy(info->data + info->size, text, strlen(text) + 1);
	info->size += (u32)strlen(text) + 1;
}

static inline void begin(struct info *info)
{
	memset(info, 0, sizeof(*info));
	put(info, 0, 8);
}

static inline void tag_begin(struct info *info, u32 type)
{
	while (info->size % MB2_TAG_ALIGN)
		put(info, 0xcc, 1);
	info->tag = info->size;
	put(info, type, 4);
	put(info, 0, 4);
}

static inline void tag_end(struct info *info)
{
	put_at(info, info->tag + MB2_TAG_SIZE, info->size - info->tag);
}

static inline void finish(struct info *info)
{
	tag_begin(info, MB2_END);
	tag_end(info);
	put_at(info, MB2_TOTAL_SIZE, info->size);
}

static inline void add_text(struct info *info, u32 type, const char *text)
{
	tag_begin(info, type);
	put_text(info, text);
	tag_end(info);
}

static inline void add_module(struct info *info, u32 start, u32 end, const char *command)
{
	tag_begin(info, MB2_MODULE);
	put(info, start, 4);
	put(info, end, 4);
	put_text(info, command);
	tag_end(info);
}

static inline void mmap_begin(struct info *info)
{
	tag_begin(info, MB2_MMAP);
	put(info, 24, 4);
	put(info, 0, 4);
}

static inline void put_entry(struct info *info, u64 base, u64 length, u32 type)
{
	put(info, base, 8);
	put(info, length, 8);
	put(info, type, 4);
	put(info, 0, 4);
}

static inline void add_plain_mmap(struct info *info)
{
	mmap_begin(info);
	put_entry(info, 0, 0x9fc00, 1);
	put_entry(info, 0x9fc00, 0x400, 2);
	put_entry(info, 0x100000, MIB(63), 1);
	put_entry(info, MIB(64), 0x1000, 3);
	put_entry(info, MIB(64) + 0x1000, 0, 1);
	put_entry(info, MIB(64) + 0x1000, 0x1000, 4);
	put_entry(info, MIB(64) + 0x2000, 0x1000, 5);
	put_entry(info, MIB(64) + 0x3000, 0x1000, 20);
	tag_end(info);
}

static inline void add_rsdp(struct info *info, u32 type, u32 size, u8 fill)
{
	tag_begin(info, type);
	for (u32 i = 0; i < size; i++)
		put(info, fill, 1);
	tag_end(info);
}

static inline void add_framebuffer(struct info *info, u64 address, u32 pitch, u32 width, u32 height,
				   u8 bits, u8 type)
{
	tag_begin(info, MB2_FRAMEBUFFER);
	put(info, address, 8);
	put(info, pitch, 4);
	put(info, width, 4);
	put(info, height, 4);
	put(info, bits, 1);
	put(info, type, 1);
	put(info, 0, 2);
	tag_end(info);
}

static inline void make_full(struct info *info)
{
	begin(info);
	add_text(info, MB2_COMMAND, "console=com1 iommu=on");
	add_text(info, MB2_LOADER, "GRUB 2.06");
	add_module(info, 0x400000, 0x500001, "net mem=64M");
	add_module(info, 0x600000, 0x601000, "");
	add_plain_mmap(info);
	add_framebuffer(info, 0xc0000000, 3200, 800, 600, 32, MB2_FB_RGB);
	tag_begin(info, MB2_EFI64);
	put(info, 0x7e000000, 8);
	tag_end(info);
	add_rsdp(info, MB2_ACPI_OLD, MB2_RSDP_OLD, 0x11);
	add_rsdp(info, MB2_ACPI_NEW, MB2_RSDP_NEW, 0x22);
	tag_begin(info, 4711);
	put(info, 0, 3);
	tag_end(info);
	finish(info);
}

/* From an allocation of just that size, so that the sanitizer sees a read past the end. */
static inline enum status parse_bytes(const u8 *data, size_t size)
{
	u8 *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);

	enum status status =
		bootinfo_parse((struct bytes){copy, size}, hpa(OWN_START), OWN_SIZE, &boot, &error);

	memset(copy, 0xee, size);
	free(copy);
	assert_true(status == OK || error.reason);
	assert_true(status != OK || !error.reason);
	return status;
}

static inline enum status parse(const struct info *info)
{
	return parse_bytes(info->data, info->size);
}

#endif
