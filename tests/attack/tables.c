#include "tests/attack/tables.h"

#include "guest/console.h"
#include "guest/exit.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"
#include "tests/attack/trial.h"

#define ENTRIES	     512
#define PRESENT	     BIT(0)
#define WRITABLE     BIT(1)
#define PAGE_2M	     BIT(7)
#define TABLE	     (PRESENT | WRITABLE)
#define BEYOND_WIDTH BIT(51)
#define OUTSIDE	     0xD0000000ull
#define RFLAGS_FIXED 2
#define CR0_WP	     BIT(16)

extern u64 page_pdpt[ENTRIES]; /* start.asm */

static u64 directory[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static u64 table[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static u8 pages[4][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static u64 entry_of(const void *page)
{
	return (u64)(uintptr_t)page | TABLE;
}

static void forget_all(void)
{
	__asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax", "memory");
}

/* --- A table that is its own --- */

#define RECURSIVE     2 /* GiB, where no VM of these tests has memory */
#define RECURSIVE_END 8

void attack_recursive(struct text value)
{
	(void)value;
	page_pdpt[RECURSIVE_END] = OUTSIDE | TABLE;
	page_pdpt[RECURSIVE] = entry_of(page_pdpt);
	forget_all();
}

/* --- Operands --- */

static void map_window(void)
{
	directory[0] = entry_of(table);
	page_pdpt[TABLES_WINDOW >> 30] = entry_of(directory);
	forget_all();
}

/* Where an access ends that there is no page for, by entries of each kind. */
enum {
	PLACE_PLAIN,
	PLACE_ABSENT,
	PLACE_READ_ONLY,
	PLACE_BEYOND_WIDTH,
	PLACE_OUTSIDE_BEYOND_WIDTH,
	PLACE_NO_TABLE, /* directory entries of that number, and above */
	PLACE_TABLE_BEYOND_WIDTH,
	PLACE_LARGE_UNALIGNED,
	PLACE_OWN_TABLE,
	PLACES,
};

#define PLACE_OFFSET 0x800 /* in the page, which for the table that is its own are free entries */

static const char *const place_names[PLACES] = {
	"plain",
	"absent",
	"read-only",
	"beyond-width",
	"outside-beyond-width",
	"no-table",
	"table-beyond-width",
	"large-unaligned",
	"own-table",
};

static u64 place(unsigned number)
{
	return TABLES_WINDOW + PLACE_OFFSET +
	       number * (number < PLACE_NO_TABLE ? PAGE_SIZE : MIB(2));
}

static void make_places(void)
{
	memset(table, 0, sizeof(table));
	memset(directory, 0, sizeof(directory));
	table[PLACE_PLAIN] = entry_of(pages[0]);
	table[PLACE_READ_ONLY] = entry_of(pages[0]) & ~WRITABLE;
	table[PLACE_BEYOND_WIDTH] = entry_of(pages[0]) | BEYOND_WIDTH;
	table[PLACE_OUTSIDE_BEYOND_WIDTH] = OUTSIDE | TABLE | BEYOND_WIDTH;
	directory[PLACE_TABLE_BEYOND_WIDTH] = entry_of(table) | BEYOND_WIDTH;
	directory[PLACE_LARGE_UNALIGNED] = BIT(13) | PAGE_2M | TABLE;
	directory[PLACE_OWN_TABLE] = entry_of(directory);
	map_window();
}

struct outcome {
	u32 end;
	u64 error, address;
};

extern const struct trial_row table_access_table[];

static struct outcome access(const char *name, u64 address, u64 other)
{
	struct trial trial = {.rflags = RFLAGS_FIXED};
	struct text text = text_of(name);
	u32 end;

	trial.gpr[TRIAL_RDI] = address;
	trial.gpr[TRIAL_RSI] = other;
	trial.gpr[TRIAL_RDX] = 0x80;
	end = trial_run(trial_find(table_access_table, &text)->code, &trial);
	return end == TRIAL_WENT_ON ? (struct outcome){end, 0, 0}
				    : (struct outcome){end, trial.error, trial.cr2};
}

#define PF_PRESENT  BIT(0)
#define PF_RESERVED BIT(3)

/* QEMU leaves out with a reserved bit that the entry is present. */
static u64 plain_error(u64 error)
{
	return error & PF_RESERVED ? error | PF_PRESENT : error;
}

/* What the CPU itself does says what is to come of an access that is carried out for it. */
static bool agree(const char *name, unsigned number, struct outcome one, struct outcome by_cpu)
{
	if (one.end == by_cpu.end && plain_error(one.error) == plain_error(by_cpu.error) &&
	    one.address == by_cpu.address)
		return true;
	print("tables: %s of %s ends in %u, error %#llx, at %#llx, not in %u, %#llx, %#llx\n", name,
	      place_names[number], one.end, (unsigned long long)one.error,
	      (unsigned long long)one.address, by_cpu.end, (unsigned long long)by_cpu.error,
	      (unsigned long long)by_cpu.address);
	return false;
}

void attack_tables(struct text value)
{
	unsigned count = 0, wrong = 0, faults = 0;

	(void)value;
	trial_init();
	make_places();
	__asm__ volatile("mov %%cr0, %%rax; or %0, %%rax; mov %%rax, %%cr0"
			 :
			 : "r"(CR0_WP)
			 : "rax");
	for (unsigned number = 0; number < PLACES; number++) {
		u64 at = place(number);
		struct outcome read = access("read", at, 0);
		struct outcome write = access("write", at, 0);

		faults += (read.end != TRIAL_WENT_ON) + (write.end != TRIAL_WENT_ON);
		wrong += !agree("movs from", number, access("movs-from", at, OUTSIDE), read);
		wrong += !agree("movs to", number, access("movs-to", at, OUTSIDE), write);
		wrong += !agree("outs", number, access("outs", at, 0), read);
		wrong += !agree("ins", number, access("ins", at, 0), write);
		count += 4;
	}
	print("tables: %u faults, %u accesses, %u of them wrong\n", faults, count, wrong);
}

void tables_operand_outside(void)
{
	page_pdpt[TABLES_WINDOW >> 30] = OUTSIDE | TABLE;
	forget_all();
}

/* --- Code that the CPU knows from elsewhere --- */

/* tables.asm */
extern const u8 split_code[], split_code_end[];
extern const u8 split_code_second[]; /* what is to be on the second page */
/* Runs the code on RAM; then has it write what is to be the second page's entry, and then on OUTSIDE. */
void split_run(void *code, u64 *entry, u64 changed);

static void run_split(u64 changed)
{
	size_t size = (size_t)(split_code_end - split_code);
	u8 *code = (u8 *)(uintptr_t)(TABLES_WINDOW + PAGE_SIZE) - (split_code_second - split_code);

	table[0] = entry_of(pages[0]);
	table[1] = entry_of(pages[1]);
	map_window();
	memcpy(code, split_code, size);
	memcpy(pages[2], pages[1], PAGE_SIZE);
	split_run(code, &table[1], changed);
}

void tables_forget_code(void)
{
	run_split(0);
}

void tables_move_code(void)
{
	run_split(entry_of(pages[2]));
}
