// sources: guest/args.c guest/memory.c guest/sha256.c
/* The guest's command line, and the memory map that its loader gives. */
#include "tests/host/harness.h"

#include "guest/args.h"
#include "guest/memory.h"

static unsigned warnings;

static void warn(const char *word)
{
	(void)word;
	warnings++;
}

static bool parse(const char *text, struct args *args)
{
	static char line[1024];
	const char *bad;

	warnings = 0;
	snprintf(line, sizeof(line), "%s", text);
	return args_parse(line, args, warn, &bad);
}

static void defaults(void **state)
{
	struct args args;

	(void)state;
	assert_true(parse("", &args));
	assert_int_equal(args.pings, 3);
	assert_int_equal(args.timeout_s, 60);
	assert_int_equal(args.address, 0);
	assert_int_equal(args.irq, IRQ_ANY);
	assert_null(args.file);
}

static void everything(void **state)
{
	struct args args;

	(void)state;
	assert_true(
		parse("guest.elf  file=a/b.bin\tip=10.0.2.15/20 gw=10.0.2.2 tftp=10.0.2.3 "
		      "ping=1.2.3.4 pings=7 serve=8 udpecho=9 timeout=0 idle=5 irq=msix "
		      "apic=xapic dma=high "
		      "sha256=00000000000000000000000000000000000000000000000000000000000000fF ",
		      &args));
	assert_int_equal(warnings, 0);
	assert_string_equal(args.file, "a/b.bin");
	assert_true(args.has_digest);
	assert_int_equal(args.digest[31], 0xFF);
	assert_int_equal(args.address, 0x0A00020F);
	assert_int_equal(args.mask, 0xFFFFF000);
	assert_int_equal(args.gateway, 0x0A000202);
	assert_int_equal(args.tftp, 0x0A000203);
	assert_int_equal(args.ping, 0x01020304);
	assert_int_equal(args.pings, 7);
	assert_int_equal(args.serve, 8);
	assert_int_equal(args.udpecho, 9);
	assert_int_equal(args.timeout_s, 0);
	assert_int_equal(args.idle_s, 5);
	assert_int_equal(args.irq, IRQ_MSIX);
	assert_int_equal(args.apic, APIC_XAPIC);
	assert_true(args.dma_high);
}

/* Unknown words are told and passed over; only the first may be a name. */
static void unknown_words(void **state)
{
	struct args args;

	(void)state;
	assert_true(parse("name other files=x fil=x =x ping=none", &args));
	assert_int_equal(warnings, 4);
	assert_true(args.ping_none);
	assert_true(parse("pings=4 name", &args));
	assert_int_equal(warnings, 1);
	assert_int_equal(args.pings, 4);
}

static void bad_values(void **state)
{
	static const char *const bad[] = {
		"file=",
		"file=x sha256=00",
		"sha256=",
		"ip=10.0.2.15",
		"ip=10.0.2.15/33",
		"ip=10.0.2/24",
		"ip=10.0.2.256/24",
		"ip=10.0.2.15/24x",
		"ip=0.0.0.0/8",
		"ip=10.0.2.15.1/8",
		"gw=10.0.2.2",
		"tftp=x",
		"ping=",
		"ping=0.0.0.0",
		"pings=0",
		"pings=1001",
		"pings=-1",
		"serve=4294967296",
		"timeout=1s",
		"timeout=",
		"irq=",
		"irq=MSI",
		"apic=both",
		"dma=middle",
		"file=x ip=1.2.3.4/8",
		"serve=99999999999999999999999",
	};
	struct args args;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i], &args))
			fail_msg("taken: %s", bad[i]);
}

static void multiboot_map(void **state)
{
	u8 bytes[24 + 28 + 24] = {0};
	struct memory_map map = {0};

	(void)state;
	bytes[0] = 20; /* 0 - 0xA0000, RAM */
	bytes[4 + 8 + 2] = 0x0A;
	bytes[4 + 16] = MEMORY_RAM;
	bytes[24] = 24; /* a longer entry: 0x100000 - 0x200000, reserved */
	bytes[24 + 4 + 2] = 0x10;
	bytes[24 + 4 + 8 + 2] = 0x10;
	bytes[24 + 4 + 16] = 2;
	bytes[52] = 20; /* its size wraps */
	memset(bytes + 52 + 4, 0xFF, 16);
	memory_map_from_multiboot((struct bytes){bytes, sizeof(bytes)}, &map);
	assert_int_equal(map.count, 2);
	assert_int_equal(map.ignored, 1);
	assert_int_equal(map.regions[0].size, 0xA0000);
	assert_int_equal(map.regions[1].base, 0x100000);
	assert_int_equal(map.regions[1].type, 2);
	assert_true(memory_is_ram(&map, 0x9F000, 0x1000));
	assert_false(memory_is_ram(&map, 0x9F000, 0x1001));
	assert_false(memory_is_ram(&map, 0x100000, 1));
}

/* Entries that are cut or shorter than an entry can be end the walk, which always ends. */
static void multiboot_map_malformed(void **state)
{
	(void)state;
	for (unsigned size = 0; size < 24; size++) {
		u8 *bytes = calloc(24, 1);
		struct memory_map map = {0};

		bytes[0] = (u8)(size == 20 ? 21 : size);
		memory_map_from_multiboot((struct bytes){bytes, 24}, &map);
		assert_int_equal(map.count, 0);
		assert_int_equal(map.ignored, 1);
		free(bytes);
	}
}

static void too_many_regions(void **state)
{
	u8 bytes[24 * (MEMORY_REGIONS_MAX + 3)] = {0};
	struct memory_map map = {0};

	(void)state;
	for (size_t at = 0; at < sizeof(bytes); at += 24) {
		bytes[at + 8] = 1;
		bytes[at + 16] = MEMORY_RAM;
	}
	memory_map_from_pvh((struct bytes){bytes, sizeof(bytes)}, &map);
	assert_int_equal(map.count, MEMORY_REGIONS_MAX);
	assert_int_equal(map.ignored, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),	    cmocka_unit_test(everything),
		cmocka_unit_test(unknown_words),    cmocka_unit_test(bad_values),
		cmocka_unit_test(multiboot_map),    cmocka_unit_test(multiboot_map_malformed),
		cmocka_unit_test(too_many_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
