/* A mode for a burst: control registers, segments, general registers, and where its code is. */
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/random/random.h"

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_TF    BIT(8)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_IOPL  BITS(13, 12)
#define RFLAGS_NT    BIT(14)
#define RFLAGS_VM    BIT(17)
#define RFLAGS_AC    BIT(18)

#define CR0_PE	BIT(0)
#define CR0_PG	BIT(31)
#define CR4_PAE BIT(5)
#define CR4_PSE BIT(4)

#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)

#define CODE_ROOM 0x400

static void choose(struct burst_kind *kind)
{
	static const struct {
		u8 weight, bits;
	} modes[MODE_COUNT] = {
		[MODE_LONG] = {30, 64},		[MODE_COMPATIBLE_32] = {10, 32},
		[MODE_COMPATIBLE_16] = {8, 16}, [MODE_PROTECTED_32] = {20, 32},
		[MODE_PROTECTED_16] = {10, 16}, [MODE_V86] = {10, 16},
		[MODE_REAL] = {12, 16},
	};
	u32 chance = random_below(100);
	unsigned mode = 0;

	while (chance >= modes[mode].weight)
		chance -= modes[mode++].weight;
	kind->mode = (enum mode)mode;
	kind->bits = modes[mode].bits;
	kind->paging = mode <= MODE_COMPATIBLE_16 ? PAGING_LONG
		       : mode == MODE_REAL	  ? PAGING_NONE
						  : (enum paging)random_below(3);
	kind->user = mode == MODE_V86 || (mode != MODE_REAL && random_percent(30));
}

/* Code at a page's end runs into what is behind it; with segments of 16 bits, at their end. */
static void choose_place(struct burst_kind *kind)
{
	u32 start = PLAY_CODE;

	kind->code_base = kind->bits == 16 ? PLAY_CODE : 0;
	if (kind->mode >= MODE_V86) {
		start = LOW_CODE;
		kind->code_base = LOW_CODE;
	} else if (kind->bits != 16 && kind->paging == PAGING_NONE && random_percent(20)) {
		start = (u32)machine.ram_end - 0x1000;
	}
	kind->code =
		(u8 *)(uintptr_t)(start + (random_percent(50) ? 0xf00 + random_below(0xf0) : 0));
	kind->code_end =
		random_percent(50) ? (u8 *)(uintptr_t)(start + 0x1000) : kind->code + CODE_ROOM;
	if (kind->code_end > (u8 *)(uintptr_t)machine.ram_end)
		kind->code_end = (u8 *)(uintptr_t)machine.ram_end;
}

static void choose_control(const struct burst_kind *kind)
{
	bool paged = kind->paging != PAGING_NONE;

	burst->cr0 = 0x30 | (kind->mode != MODE_REAL ? CR0_PE : 0) | (paged ? CR0_PG : 0) |
		     (random_number() & 0x5000e); /* MP, EM, TS, WP, AM */
	burst->cr4 = random_percent(70) ? 0x600 : random_number() & machine.cr4;
	if (random_percent(20))
		burst->cr4 |= random_number() & 0x80; /* PGE */
	if (kind->paging == PAGING_PAE || kind->paging == PAGING_LONG)
		burst->cr4 |= CR4_PAE;
	else if (kind->paging == PAGING_32)
		burst->cr4 |= CR4_PSE;
	else if (random_percent(30))
		burst->cr4 |= CR4_PAE;
	burst->efer =
		(random_number() & 0x801) | (kind->paging == PAGING_LONG ? EFER_LME | EFER_LMA : 0);
	/* Without paging it may be set, and makes no difference. */
	if (!paged && random_percent(30))
		burst->efer |= EFER_LME;
	burst->cr3 = paging_make(kind->paging, kind->user);
}

static u64 random_data(const struct burst_kind *kind)
{
	const u16 selectors[] = {
		DATA_FLAT, DATA_FLAT, DATA_16,
		USER_DATA, 0,	      (u16)(RANDOM_DESCRIPTOR + 8 * random_below(8)),
	};

	if (kind->mode >= MODE_V86)
		return random_percent(80) ? 0x1000 + 0x100 * random_below(0x80)
					  : random_below(0x10000);
	if (random_percent(95))
		return kind->user ? USER_DATA : kind->bits == 16 ? DATA_16 : DATA_FLAT;
	/* One that faults on the way there is for the instructions to find. */
	return selectors[random_below(3)];
}

static void choose_segments(const struct burst_kind *kind)
{
	static const u16 code[][2] = {
		[MODE_LONG] = {CODE_LONG, USER_CODE_LONG},
		[MODE_COMPATIBLE_32] = {CODE_FLAT, USER_CODE},
		[MODE_COMPATIBLE_16] = {CODE_16, USER_CODE_16},
		[MODE_PROTECTED_32] = {CODE_FLAT, USER_CODE},
		[MODE_PROTECTED_16] = {CODE_16, USER_CODE_16},
	};

	if (kind->mode >= MODE_V86) {
		burst->cs = LOW_CODE >> 4;
		burst->ss = 0x9000;
		burst->rsp = 0xff0 - 2 * random_below(0x100);
	} else {
		burst->cs = code[kind->mode][kind->user];
		burst->ss = kind->user ? USER_DATA : DATA_FLAT;
		burst->rsp = PLAY + PLAY_SIZE - 0x1000 - 8 * random_below(0x100);
	}
	burst->es = random_data(kind);
	burst->ds = random_data(kind);
	burst->fs = random_data(kind);
	burst->gs = random_data(kind);
	burst->real_selector = random_percent(80) ? DATA_LOW : DATA_FLAT;
}

static void choose_flags(const struct burst_kind *kind)
{
	burst->rflags = RFLAGS_FIXED | RFLAGS_IF | (random_number() & 0xcd5);
	if (random_percent(5))
		burst->rflags |= RFLAGS_TF;
	if (kind->user && random_percent(40))
		burst->rflags |= RFLAGS_IOPL;
	if (random_percent(5))
		burst->rflags |= random_number() & (RFLAGS_NT | RFLAGS_AC);
	if (kind->mode == MODE_V86)
		burst->rflags |= RFLAGS_VM;
}

void mode_make(struct burst_kind *kind)
{
	memset(burst, 0, sizeof(*burst));
	choose(kind);
	choose_place(kind);
	tables_make();
	choose_control(kind);
	choose_segments(kind);
	choose_flags(kind);
	for (unsigned n = 0; n < 16; n++)
		burst->gpr[n] = random_percent(75) ? random_ram() : random_value();
	/* Counts of string instructions: mostly such as come to an end. */
	if (random_percent(95))
		burst->gpr[1] = random_below(64);
	burst->rip = (uintptr_t)kind->code - kind->code_base;
	burst->way = kind->mode == MODE_REAL		? WAY_REAL
		     : kind->mode <= MODE_COMPATIBLE_16 ? WAY_LONG
							: WAY_PROTECTED;
	burst->resumes = 40;
}
