/* Descriptor tables, task states and page tables of a burst, some of them broken. */
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/random/random.h"

#define FLAT_CODE  0x00cf9a000000ffffull
#define FLAT_DATA  0x00cf92000000ffffull
#define LONG_CODE  0x00af9a000000ffffull
#define SMALL_CODE 0x00009a000000ffffull
#define SMALL_DATA 0x000092000000ffffull
#define TASK_LIMIT 0x67
#define TASK_TYPE  0x000089ull
#define USER	   (3ull << 45)
#define AT(base)   ((u64)((base)&0xffffff) << 16 | (u64)((base) >> 24) << 56)

static u64 *const gdt = (u64 *)(uintptr_t)SYSTEM_GDT;

static void make_gdt(void)
{
	const u64 descriptors[] = {
		[CODE_LONG / 8] = LONG_CODE,
		[DATA_FLAT / 8] = FLAT_DATA,
		[CODE_FLAT / 8] = FLAT_CODE,
		[CODE_16 / 8] = SMALL_CODE | AT(PLAY_CODE),
		[DATA_16 / 8] = SMALL_DATA | AT(PLAY),
		[USER_CODE_LONG / 8] = LONG_CODE | USER,
		[USER_DATA / 8] = FLAT_DATA | USER,
		[USER_CODE / 8] = FLAT_CODE | USER,
		[USER_CODE_16 / 8] = SMALL_CODE | USER | AT(PLAY_CODE),
		[TASK_LONG / 8] = TASK_TYPE << 40 | AT(SYSTEM_TSS_LONG) | TASK_LIMIT,
		[TASK / 8] = TASK_TYPE << 40 | AT(SYSTEM_TSS) | TASK_LIMIT,
		[CODE_LOW / 8] = SMALL_CODE,
		[DATA_LOW / 8] = SMALL_DATA,
		[GDT_ENTRIES - 1] = 0,
	};

	memcpy(gdt, descriptors, sizeof(descriptors));
	for (unsigned n = RANDOM_DESCRIPTOR / 8; n < GDT_ENTRIES; n++)
		gdt[n] = random_number() | (random_percent(70) ? BIT(47) : 0);
}

static void make_gates(void)
{
	u64 *long_gates = (u64 *)(uintptr_t)SYSTEM_IDT_LONG;
	u64 *gates = (u64 *)(uintptr_t)SYSTEM_IDT;
	u16 *vectors = (u16 *)0;

	for (unsigned n = 0; n < 256; n++) {
		u64 target = (uintptr_t)stubs_long + n * STUB_SIZE;
		/* Software may go through some, to others at CPL 0 only. */
		u64 rights = n & 1 ? 0xeeull : 0x8eull;

		long_gates[2 * n] = (target & 0xffff) | CODE_LONG << 16 | 1ull << 32 |
				    rights << 40 | (target >> 16 & 0xffff) << 48;
		long_gates[2 * n + 1] = target >> 32;
		target = (uintptr_t)stubs_protected + n * STUB_SIZE;
		gates[n] = (target & 0xffff) | CODE_FLAT << 16 | rights << 40 |
			   (target >> 16 & 0xffff) << 48;
		__asm__("" : "+r"(vectors)); /* it is NULL, and there is something all the same */
		vectors[2 * n] = (u16)(REAL_STUB + (real_vectors - real_stub) + 4 * n);
		vectors[2 * n + 1] = 0;
	}
}

static void make_tasks(void)
{
	u32 *task_long = (u32 *)(uintptr_t)SYSTEM_TSS_LONG;
	u32 *task = (u32 *)(uintptr_t)SYSTEM_TSS;

	memset(task_long, 0, TASK_LIMIT + 1);
	memset(task, 0, TASK_LIMIT + 1);
	task_long[1] = SYSTEM_STACK_TOP; /* RSP0 */
	task_long[9] = SYSTEM_STACK_TOP; /* IST1 */
	task_long[25] = (TASK_LIMIT + 1) << 16;
	task[1] = SYSTEM_STACK_TOP;
	task[2] = DATA_FLAT;
	task[25] = (TASK_LIMIT + 1) << 16;
}

/* A few bits of all that are overwritten: what comes of it is the CPU's to say. */
static void damage(void)
{
	static const struct {
		u32 start, size;
	} parts[] = {
		{SYSTEM_GDT, 8 * GDT_ENTRIES},
		{SYSTEM_IDT, 32 * 8},
		{SYSTEM_IDT_LONG, 32 * 16},
		{SYSTEM_TSS, TASK_LIMIT + 1},
	};
	unsigned part = random_below(ARRAY_SIZE(parts));

	*(u64 *)(uintptr_t)(parts[part].start + 8 * random_below(parts[part].size / 8)) ^=
		BIT(random_below(64));
}

void tables_make(void)
{
	make_gdt();
	make_gates();
	make_tasks();
	memcpy((void *)(uintptr_t)REAL_STUB, real_stub, (size_t)(real_stub_end - real_stub));
	if (random_percent(2))
		damage();
}

/* --- Page tables: one to one, with pages of 4 KiB where bursts play, of which some are broken --- */

#define PRESENT	 BIT(0)
#define WRITABLE BIT(1)
#define FOR_USER BIT(2)
#define LARGE	 BIT(7)
#define PAGE	 0x1000ull
#define MIB_2	 0x200000ull

static u64 *table(unsigned n)
{
	return (u64 *)(uintptr_t)(TABLES + n * PAGE);
}

/* What a page where bursts play maps: mostly itself. */
static u64 random_page(u64 address, u64 flags, bool wide)
{
	u32 chance = random_below(100);
	u64 entry = address | flags;

	/* Without stack and code not much happens. */
	if ((address == PLAY_CODE || address >= PLAY + PLAY_SIZE - 3 * PAGE) && random_percent(95))
		return entry;

	if (chance < 80)
		return entry;
	if (chance < 84)
		return entry & ~PRESENT;
	if (chance < 88)
		return entry & ~(WRITABLE | FOR_USER);
	if (chance < 92)
		return (random_address() & ~(PAGE - 1) & 0xfffff000) | flags;
	if (chance < 96)
		return entry ^ BIT(random_below(12));
	return wide ? entry ^ BIT(random_below(64)) : (u32)random_number();
}

static u64 flags_of(bool user)
{
	return PRESENT | WRITABLE | (user ? FOR_USER : 0) | (random_percent(20) ? BIT(8) : 0);
}

/* A directory of 4 MiB pages, and one table of 4 KiB pages. */
static void make_paging_32(bool user)
{
	u32 *directory = (u32 *)table(0);
	u32 *pages = (u32 *)table(1);

	for (u32 n = 0; n < 1024; n++)
		directory[n] = n << 22 | (u32)(PRESENT | WRITABLE | LARGE);
	directory[0] |= (u32)FOR_USER; /* virtual-8086 mode's */
	directory[PLAY >> 22] = (u32)((uintptr_t)pages | PRESENT | WRITABLE | FOR_USER);
	for (u32 n = 0; n < 1024; n++)
		pages[n] = (u32)random_page(PLAY + n * PAGE, flags_of(user), false);
}

/* Four directories of 2 MiB pages, and two tables of 4 KiB pages; of long mode two levels above them. */
static void make_paging_wide(bool user, bool long_mode)
{
	u64 rights = long_mode ? PRESENT | WRITABLE | FOR_USER : PRESENT;
	u64 *directories = table(2);

	memset(table(0), 0, 2 * PAGE);
	table(0)[0] = (uintptr_t)table(1) | PRESENT | WRITABLE | FOR_USER;
	for (unsigned n = 0; n < 4; n++)
		table(1)[n] = (uintptr_t)table(2 + n) | rights;
	for (u64 n = 0; n < 4 * 512; n++)
		directories[n] = n * MIB_2 | PRESENT | WRITABLE | LARGE;
	directories[0] |= FOR_USER;
	for (unsigned n = 0; n < 2; n++)
		directories[PLAY / MIB_2 + n] =
			(uintptr_t)table(6 + n) | PRESENT | WRITABLE | FOR_USER;
	for (u64 n = 0; n < 2 * 512; n++)
		table(6)[n] = random_page(PLAY + n * PAGE, flags_of(user), true);
}

u64 paging_make(enum paging paging, bool user)
{
	u64 root = (uintptr_t)table(paging == PAGING_PAE ? 1 : 0);

	if (paging == PAGING_NONE)
		return random_percent(50) ? 0 : random_number() & 0xfffff018;
	if (paging == PAGING_32)
		make_paging_32(user);
	else
		make_paging_wide(user, paging == PAGING_LONG);
	/* One entry anywhere: it may be the one that all else hangs on. */
	if (random_percent(3))
		table(0)[random_below(8 * 512)] ^= BIT(random_below(64));
	if (random_percent(1))
		table(random_below(2))[random_below(8)] = random_number();
	return root | (random_percent(10) ? random_below(4) << 3 : 0);
}
