#include "hv/platform/bootinfo.h"

#include "hv/base/log.h"
#include "hv/base/string.h"
#include "hv/platform/multiboot2.h"

struct parser {
	struct bootinfo *boot;
	struct bootinfo_error *error;
	u32 tag_at; /* where the current tag is in the boot information */
	u32 module_at[BOOT_MAX_MODULES];
};

static enum status refuse(struct parser *parser, u32 offset, enum status status, const char *reason)
{
	*parser->error = (struct bootinfo_error){offset, reason};
	return status;
}

static enum status refuse_tag(struct parser *parser, const char *reason)
{
	return refuse(parser, parser->tag_at, ERR_INVALID, reason);
}

/* The length of the string at offset, without its NUL; false if it does not end within the tag. */
static bool string_length(struct bytes tag, u32 offset, size_t *length)
{
	struct bytes text = bytes_slice(tag, offset, tag.size - offset);

	*length = strnlen((const char *)text.data, text.size);
	return *length < text.size;
}

static enum status copy_command(struct parser *parser, struct bytes tag, u32 offset,
				char command[BOOT_COMMAND_MAX])
{
	size_t length;

	if (!string_length(tag, offset, &length))
		return refuse_tag(parser, "a command line without an end");
	if (length >= BOOT_COMMAND_MAX)
		return refuse_tag(parser, "a command line that is too long");
	memcpy(command, tag.data + offset, length + 1);
	return OK;
}

static enum status parse_command(struct parser *parser, struct bytes tag)
{
	return copy_command(parser, tag, MB2_TAG_HEADER, parser->boot->command);
}

static enum status parse_loader(struct parser *parser, struct bytes tag)
{
	char *loader = parser->boot->loader;
	size_t length;

	if (!string_length(tag, MB2_TAG_HEADER, &length))
		return refuse_tag(parser, "a boot loader name without an end");
	length = min_u64(length, sizeof(parser->boot->loader) - 1);
	memcpy(loader, tag.data + MB2_TAG_HEADER, length);
	loader[length] = 0;
	return OK;
}

/* Where it lies is checked at the end, when the memory map is known. */
static enum status parse_module(struct parser *parser, struct bytes tag)
{
	struct bootinfo *boot = parser->boot;
	u32 start = bytes_u32(tag, MB2_MODULE_START);
	u32 end = bytes_u32(tag, MB2_MODULE_END);

	if (boot->module_count == BOOT_MAX_MODULES)
		return refuse_tag(parser, "too many modules");
	if (end == start)
		return refuse_tag(parser, "an empty module");
	if (end < start)
		return refuse_tag(parser, "a module that ends before it starts or above 4 GiB");

	struct boot_module *module = &boot->module[boot->module_count];

	parser->module_at[boot->module_count++] = parser->tag_at;
	module->start = hpa(start);
	module->size = end - start;
	return copy_command(parser, tag, MB2_MODULE_COMMAND, module->command);
}

static enum memory_kind kind_of_type(u32 type)
{
	switch (type) {
	case MB2_MMAP_RAM:
		return MEMORY_RAM;
	case MB2_MMAP_ACPI:
		return MEMORY_ACPI;
	case MB2_MMAP_NVS:
		return MEMORY_NVS;
	case MB2_MMAP_BAD:
		return MEMORY_BAD;
	default:
		return MEMORY_RESERVED;
	}
}

static enum status parse_mmap_entry(struct parser *parser, u32 offset, struct bytes entry)
{
	u64 base = bytes_u64(entry, MB2_MMAP_BASE);
	u64 length = bytes_u64(entry, MB2_MMAP_LENGTH);

	/* Firmware does give empty entries; they say nothing. */
	if (length == 0)
		return OK;

	switch (memmap_add(&parser->boot->memory, hpa(base), length,
			   kind_of_type(bytes_u32(entry, MB2_MMAP_TYPE)))) {
	case OK:
		return OK;
	case ERR_NO_MEMORY:
		return refuse(parser, offset, ERR_NO_MEMORY, "a memory map of too many pieces");
	default:
		return refuse(parser, offset, ERR_INVALID, "a memory map entry that wraps");
	}
}

static enum status parse_mmap(struct parser *parser, struct bytes tag)
{
	u32 entry_size = bytes_u32(tag, MB2_MMAP_ENTRY_SIZE);

	if (entry_size < MB2_MMAP_ENTRY_MIN || !is_aligned(entry_size, MB2_TAG_ALIGN))
		return refuse_tag(parser, "a memory map with a wrong entry size");
	for (u32 at = MB2_MMAP_ENTRIES; at < tag.size; at += entry_size) {
		if (!bytes_has(tag, at, entry_size))
			return refuse(parser, parser->tag_at + at, ERR_TRUNCATED,
				      "a memory map entry that is cut off");

		enum status status = parse_mmap_entry(parser, parser->tag_at + at,
						      bytes_slice(tag, at, entry_size));

		if (status != OK)
			return status;
	}
	return OK;
}

static enum framebuffer_kind framebuffer_kind(u8 type)
{
	switch (type) {
	case MB2_FB_INDEXED:
		return FRAMEBUFFER_INDEXED;
	case MB2_FB_RGB:
		return FRAMEBUFFER_RGB;
	case MB2_FB_EGA:
		return FRAMEBUFFER_TEXT;
	default:
		return FRAMEBUFFER_NONE;
	}
}

/* A screen is a help, not a need: one that makes no sense is left out. */
static enum status parse_framebuffer(struct parser *parser, struct bytes tag)
{
	struct framebuffer fb = {
		.kind = framebuffer_kind(bytes_u8(tag, MB2_FB_TYPE)),
		.address = hpa(bytes_u64(tag, MB2_FB_ADDRESS)),
		.pitch = bytes_u32(tag, MB2_FB_PITCH),
		.width = bytes_u32(tag, MB2_FB_WIDTH),
		.height = bytes_u32(tag, MB2_FB_HEIGHT),
		.bits_per_pixel = bytes_u8(tag, MB2_FB_BPP),
	};
	u64 cell = fb.kind == FRAMEBUFFER_TEXT ? 2 : (fb.bits_per_pixel + 7) / 8;
	u64 size = (u64)fb.pitch * fb.height;

	if (fb.width && fb.height && cell && (u64)fb.width * cell <= fb.pitch &&
	    fb.address.v <= UINT64_MAX - size)
		parser->boot->framebuffer = fb;
	return OK;
}

static enum status parse_efi(struct parser *parser, struct bytes tag)
{
	(void)tag;
	parser->boot->efi = true;
	return OK;
}

static void keep_rsdp(struct bootinfo *boot, struct bytes tag, u8 size)
{
	if (size < boot->rsdp_size)
		return;
	memcpy(boot->rsdp, tag.data + MB2_RSDP, size);
	boot->rsdp_size = size;
}

static enum status parse_old_rsdp(struct parser *parser, struct bytes tag)
{
	keep_rsdp(parser->boot, tag, MB2_RSDP_OLD);
	return OK;
}

static enum status parse_new_rsdp(struct parser *parser, struct bytes tag)
{
	keep_rsdp(parser->boot, tag, MB2_RSDP_NEW);
	return OK;
}

/* The tags that mean something here; all others are skipped. */
static const struct tag_rule {
	u32 type;
	u32 min_size;
	enum status (*parse)(struct parser *parser, struct bytes tag);
} tag_rules[] = {
	{MB2_COMMAND, MB2_TAG_HEADER, parse_command},
	{MB2_LOADER, MB2_TAG_HEADER, parse_loader},
	{MB2_MODULE, MB2_MODULE_COMMAND, parse_module},
	{MB2_MMAP, MB2_MMAP_ENTRIES, parse_mmap},
	{MB2_FRAMEBUFFER, MB2_FB_SIZE, parse_framebuffer},
	{MB2_EFI32, MB2_TAG_HEADER, parse_efi},
	{MB2_EFI64, MB2_TAG_HEADER, parse_efi},
	{MB2_ACPI_OLD, MB2_RSDP + MB2_RSDP_OLD, parse_old_rsdp},
	{MB2_ACPI_NEW, MB2_RSDP + MB2_RSDP_NEW, parse_new_rsdp},
	{MB2_EFI_MMAP, MB2_TAG_HEADER, parse_efi},
	{MB2_EFI_ACTIVE, MB2_TAG_HEADER, parse_efi},
};

static enum status parse_tag(struct parser *parser, struct bytes tag)
{
	u32 type = bytes_u32(tag, MB2_TAG_TYPE);

	for (size_t i = 0; i < ARRAY_SIZE(tag_rules); i++) {
		if (tag_rules[i].type != type)
			continue;
		if (tag.size < tag_rules[i].min_size)
			return refuse_tag(parser, "a tag that is shorter than its type needs");
		return tag_rules[i].parse(parser, tag);
	}
	return OK;
}

static enum status parse_tags(struct parser *parser, struct bytes info)
{
	u64 at = MB2_FIRST_TAG;

	while (bytes_has(info, at, MB2_TAG_HEADER)) {
		u32 size = bytes_u32(info, at + MB2_TAG_SIZE);

		parser->tag_at = (u32)at;
		if (size < MB2_TAG_HEADER)
			return refuse_tag(parser, "a tag that is shorter than its header");
		if (!bytes_has(info, at, size))
			return refuse(parser, parser->tag_at, ERR_TRUNCATED,
				      "a tag that reaches past the end");
		if (bytes_u32(info, at + MB2_TAG_TYPE) == MB2_END)
			return OK;

		enum status status = parse_tag(parser, bytes_slice(info, at, size));

		if (status != OK)
			return status;
		at += align_up(size, MB2_TAG_ALIGN);
	}
	return refuse(parser, (u32)min_u64(at, info.size), ERR_TRUNCATED,
		      "a list of tags without an end tag");
}

static const char *module_fault(const struct bootinfo *boot, u32 index, hpa_t own_start,
				u64 own_size)
{
	const struct boot_module *module = &boot->module[index];

	if (memmap_kind(&boot->memory, module->start, module->size) != MEMORY_RAM)
		return "a module that is not wholly in usable RAM";
	if (ranges_overlap(module->start.v, module->size, own_start.v, own_size))
		return "a module that overlaps the hypervisor";
	for (u32 i = 0; i < index; i++)
		if (ranges_overlap(module->start.v, module->size, boot->module[i].start.v,
				   boot->module[i].size))
			return "a module that overlaps another";
	return NULL;
}

static enum status check_modules(struct parser *parser, hpa_t own_start, u64 own_size)
{
	for (u32 i = 0; i < parser->boot->module_count; i++) {
		const char *fault = module_fault(parser->boot, i, own_start, own_size);

		if (fault)
			return refuse(parser, parser->module_at[i], ERR_INVALID, fault);
	}
	return OK;
}

/*
 * GRUB puts a backslash before each quote and backslash of a command line (grub_create_loader_cmdline() in
 * its lib/cmdline.c); whoever reads the line is to take them off.
 */
static void undo_grub_escapes(char *command)
{
	char *to = command;

	for (const char *from = command; *from; from++) {
		if (from[0] == '\\' && (from[1] == '\\' || from[1] == '"' || from[1] == '\''))
			from++;
		*to++ = *from;
	}
	*to = 0;
}

static void tidy_commands(struct bootinfo *boot)
{
	if (strncmp(boot->loader, "GRUB ", 5) != 0)
		return;
	undo_grub_escapes(boot->command);
	for (u32 i = 0; i < boot->module_count; i++)
		undo_grub_escapes(boot->module[i].command);
}

enum status bootinfo_parse(struct bytes info, hpa_t own_start, u64 own_size, struct bootinfo *boot,
			   struct bootinfo_error *error)
{
	struct parser parser = {.boot = boot, .error = error};
	u32 total = bytes_u32(info, MB2_TOTAL_SIZE);

	memset(boot, 0, sizeof(*boot));
	*error = (struct bootinfo_error){0};
	if (info.size < MB2_MIN_SIZE || total > info.size)
		return refuse(&parser, 0, ERR_TRUNCATED, "more bytes are announced than there are");
	if (total < MB2_MIN_SIZE)
		return refuse(&parser, 0, ERR_INVALID, "a total size without room for a tag");

	enum status status = parse_tags(&parser, bytes_slice(info, 0, total));

	if (status != OK)
		return status;
	if (memmap_ram(&boot->memory) == 0)
		return refuse(&parser, total, ERR_NOT_FOUND, "no memory map, or no RAM in it");
	tidy_commands(boot);
	return check_modules(&parser, own_start, own_size);
}

static void print_framebuffer(const struct framebuffer *fb)
{
	static const char *const kind[] = {"no", "indexed", "RGB", "text"};

	if (fb->kind == FRAMEBUFFER_NONE)
		return;
	log_line("boot", "%s framebuffer at 0x%lx, %ux%u, %u bits, %u bytes a line", kind[fb->kind],
		 fb->address.v, fb->width, fb->height, fb->bits_per_pixel, fb->pitch);
}

void bootinfo_print(const struct bootinfo *boot)
{
	log_line("boot", "loaded by %s (%s)", boot->loader[0] ? boot->loader : "an unnamed loader",
		 boot->efi ? "UEFI" : "BIOS");
	log_line("boot", "command line: %s", boot->command);
	for (u32 i = 0; i < boot->module_count; i++) {
		const struct boot_module *module = &boot->module[i];

		log_line("boot", "module %u: 0x%lx, %lu bytes: %s", i, module->start.v,
			 module->size, module->command);
	}
	log_line("boot", "RSDP: %s",
		 boot->rsdp_size == MB2_RSDP_NEW   ? "revision 2"
		 : boot->rsdp_size == MB2_RSDP_OLD ? "revision 0"
						   : "none given");
	print_framebuffer(&boot->framebuffer);
	memmap_print(&boot->memory);
}
