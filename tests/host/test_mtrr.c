// sources: arch/x86/mtrr.c
#include "tests/host/harness.h"

#include "arch/x86/mtrr.h"
#include "hv/base/bits.h"
#include "tests/host/random.h"

enum { UC = 0, WC = 1, WT = 4, WP = 5, WB = 6 };

#define FIX	     0x100ull
#define FE	     0x400ull
#define E	     0x800ull
#define V	     0x800ull
#define ALL_WB	     0x0606060606060606ull
#define MASK36(size) ((0x1000000000ull - (size)) | V)
#define MASK39(size) ((0x8000000000ull - (size)) | V)
#define MASK46(size) ((0x400000000000ull - (size)) | V)

/* As firmware sets them up: 640 KiB of RAM, the screen, ROMs that are write-protected. */
#define FIXED_PC                                                                                   \
	{                                                                                          \
		ALL_WB, ALL_WB, 0, 0x0505050505050505, 0, 0, 0, 0, 0, ALL_WB, ALL_WB               \
	}

/* 8 GiB: write-back piece by piece, uncached the rest: 3.5 GiB below the hole, less 8 MiB of graphics. */
static const struct mtrr_words pieces = {
	.capabilities = FIX | 8,
	.default_type = E | FE | UC,
	.fixed = FIXED_PC,
	.variable =
		{
			{0x000000000 | WB, MASK36(GIB(2))},
			{0x080000000 | WB, MASK36(GIB(1))},
			{0x0c0000000 | WB, MASK36(MIB(512))},
			{0x100000000 | WB, MASK36(GIB(4))},
			{0x200000000 | WB, MASK36(MIB(512))},
			{0x0df800000 | UC, MASK36(MIB(8))},
			{0x300000000 | WB, MASK36(GIB(1)) & ~V}, /* not valid */
			{0, 0},
			{0x400000000 | WB, MASK36(GIB(1))}, /* the ninth of eight */
		},
	.address_bits = 36,
};

/* Newer firmware: write-back unless told, a hole below 4 GiB, another for large BARs. */
static const struct mtrr_words holes = {
	.capabilities = FIX | 0xd00 | 10,
	.default_type = E | FE | WB,
	.fixed = FIXED_PC,
	.variable =
		{
			{0x0080000000 | UC, MASK39(GIB(2))},
			{0x4000000000 | UC, MASK39(GIB(256))},
			{0x0070000000 | WC, MASK39(MIB(256))},
			{0x0060000000 | WT, MASK39(MIB(16))},
		},
	.address_bits = 39,
};

/* Every overlap, without fixed ranges. */
static const struct mtrr_words overlaps = {
	.capabilities = FIX | 10,
	.default_type = E | UC,
	.fixed = FIXED_PC,
	.variable =
		{
			{0 | WB, MASK46(GIB(1))},
			{0x01000000 | WB, MASK46(MIB(16))}, /* the same again */
			{0x02000000 | UC, MASK46(MIB(16))}, /* uncached wins */
			{0x04000000 | WT, MASK46(MIB(16))}, /* write-through wins */
			{0x06000000 | WP, MASK46(MIB(16))}, /* undefined */
			{0x08000000 | 3, MASK46(MIB(16))},  /* a type that there isn't */
			/* Every other 16 MiB from 1 GiB to 1.25 GiB: a mask with a gap. */
			{0x40000000 | WB, (MASK46(MIB(256)) | 0x01000000)},
		},
	.address_bits = 46,
};

static const struct mtrr_words all = {
	.capabilities = 1,
	.default_type = E | UC,
	.variable = {{0x5000 | WB, V}}, /* a mask of nothing */
	.address_bits = 36,
};

static const struct mtrr_words disabled = {
	.capabilities = FIX | 8,
	.default_type = FE | WB,
	.fixed = FIXED_PC,
	.variable = {{0 | WB, MASK36(GIB(4))}},
	.address_bits = 36,
};

static const struct row {
	const struct mtrr_words *words;
	u64 start, size;
	bool write_back;
	u64 run;
} rows[] = {
	{&pieces, 0, GIB(16), true, 0xa0000},
	{&pieces, 0x7f000, 0x1000, true, 0x1000},
	{&pieces, 0xa0000, GIB(16), false, 0x50000}, /* screen, then write-protected */
	{&pieces, 0xc1000, 0x1000, false, 0x1000},
	{&pieces, 0xf0000, GIB(16), true, 0xdf800000 - 0xf0000}, /* over two borders of ranges */
	{&pieces, 0xdf7ff000, GIB(1), true, 0x1000},
	{&pieces, 0xdf800000, GIB(8), false, 0x100000000 - 0xdf800000},
	{&pieces, 0xe0000000, GIB(8), false, 0x20000000},
	{&pieces, 0xfee00000, 0x1000, false, 0x1000},
	{&pieces, GIB(4), GIB(60), true, 0x120000000},
	{&pieces, 0x220000000, GIB(50), false, GIB(50)},
	{&holes, 0x100000, GIB(600), true, 0x60000000 - 0x100000},
	{&holes, 0x60000000, GIB(600), false, MIB(16)},
	{&holes, 0x61000000, GIB(600), true, MIB(256) - MIB(16)},
	{&holes, 0x70000000, GIB(600), false, GIB(4) - 0x70000000},
	{&holes, GIB(4), GIB(500), true, GIB(252)},
	{&holes, GIB(256), GIB(100), false, GIB(100)},
	{&overlaps, 0, GIB(64), true, MIB(32)}, /* the fixed ranges are off */
	{&overlaps, 0x02000000, GIB(64), false, MIB(16)},
	{&overlaps, 0x03000000, GIB(64), true, MIB(16)},
	{&overlaps, 0x04000000, GIB(64), false, MIB(16)},
	{&overlaps, 0x06000000, GIB(64), false, MIB(16)},
	{&overlaps, 0x08000000, GIB(64), false, MIB(16)},
	{&overlaps, 0x09000000, GIB(64), true, GIB(1) + MIB(16) - 0x09000000},
	{&overlaps, GIB(1) + MIB(16), GIB(64), false, MIB(16)},
	{&overlaps, GIB(1) + MIB(32), GIB(64), true, MIB(16)},
	{&overlaps, GIB(1) + MIB(240), GIB(64), false, GIB(64)},
	{&all, 0x1000, GIB(60), true, GIB(60)},
	{&disabled, 0, GIB(8), false, GIB(8)},
	{&disabled, GIB(1), 0x1000, false, 0x1000},
};

static void test_machines(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		u64 run = 0;
		bool write_back = mtrr_write_back(row->words, row->start, row->size, &run);

		if (write_back != row->write_back || run != row->run)
			fail_msg("row %u: %d, %llx", i, write_back, (unsigned long long)run);
	}
}

/* --- Against the manual's words, page by page --- */

#define PAGES 2048u /* 23 address bits */

static unsigned type_of(const struct mtrr_words *words, u64 address)
{
	bool seen[256] = {false};
	unsigned found = 0, last = 0;

	if (!(words->default_type >> 11 & 1))
		return UC;
	if (address < 0x100000 && words->capabilities >> 8 & 1 && words->default_type >> 10 & 1) {
		const u8 *bytes = (const u8 *)words->fixed;

		return address < 0x80000   ? bytes[address >> 16]
		       : address < 0xc0000 ? bytes[8 + ((address - 0x80000) >> 14)]
					   : bytes[24 + ((address - 0xc0000) >> 12)];
	}
	for (unsigned n = 0; n < (words->capabilities & 0xff); n++) {
		u64 mask = words->variable[n].mask >> 12, base = words->variable[n].base;

		if (!(words->variable[n].mask >> 11 & 1) ||
		    (address >> 12 & mask) != (base >> 12 & mask))
			continue;
		last = base & 0xff;
		found += !seen[last];
		seen[last] = true;
	}
	if (!found)
		return words->default_type & 0xff;
	if (found == 1)
		return last;
	return found == 2 && seen[WB] && seen[WT] ? WT : UC;
}

static struct mtrr_words random_words(void)
{
	static const u8 types[] = {UC, WC, WT, WP, WB, WB, WB, WB};
	struct mtrr_words words = {
		.capabilities = (random_u64() & FIX) | random_u64() % 5,
		.default_type =
			(random_u64() & FE) | (random_u64() % 8 ? E : 0) | types[random_u64() % 8],
		.address_bits = 23,
	};

	for (unsigned i = 0; i < sizeof(words.fixed); i++)
		((u8 *)words.fixed)[i] = types[random_u64() % 8];
	for (unsigned n = 0; n < 5; n++) {
		u64 gaps = random_u64() % 4 ? ~0ull : random_u64();

		words.variable[n].base = (random_u64() & BITS(22, 12)) | types[random_u64() % 8];
		words.variable[n].mask = (BITS(22, 12) << random_u64() % 12 & BITS(22, 12) & gaps) |
					 (random_u64() % 8 ? V : 0);
	}
	return words;
}

static void test_random(void **state)
{
	unsigned runs = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct mtrr_words words = random_words();
		u64 start = random_u64() % PAGES, size = 1 + random_u64() % (PAGES - start);

		for (u64 at = start, run; at - start < size; at += run, runs++) {
			u64 left = size - (at - start);
			bool is = mtrr_write_back(&words, at << 12, left << 12, &run);

			assert_int_equal(run & 0xfff, 0);
			run >>= 12;
			assert_true(run && run <= left);
			for (u64 page = at; page < at + run; page++)
				assert_int_equal(type_of(&words, page << 12) == WB, is);
			/* No shorter than it is. */
			if (run < left)
				assert_int_not_equal(type_of(&words, (at + run) << 12) == WB, is);
		}
	}
	assert_true(runs > 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
