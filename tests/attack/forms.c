/*
 * Accesses by every form of instruction to what is not there, which reads all ones and takes what is written.
 * A page of RAM that is all ones before each of them says what has to come of it.
 */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"
#include "tests/attack/trial.h"

#define RFLAGS_FIXED 2
/* CF, PF, ZF, SF, DF and OF; AF is undefined after some. Of bit tests only CF is defined. */
#define FLAGS	   0xCC5
#define FLAG_CARRY 0x001

#define MSR_FS_BASE 0xC0000100

extern const struct trial_row form_table[];
extern const struct trial_row refused_form_table[];

static u8 ones[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u8 source[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void prepare(struct trial *trial, u64 address)
{
	memset(ones, 0xFF, sizeof(ones));
	for (unsigned i = 0; i < sizeof(source); i++)
		source[i] = (u8)(i * 7 + 1);
	for (unsigned i = 0; i < ARRAY_SIZE(trial->gpr); i++)
		trial->gpr[i] = 0x1122334455667788 + i * 0x0101010101010101;
	trial->gpr[TRIAL_RCX] = 3;
	trial->gpr[TRIAL_RDX] = 100;
	trial->gpr[TRIAL_RSI] = (u64)(uintptr_t)source;
	trial->gpr[TRIAL_RDI] = address;
	trial->rflags = RFLAGS_FIXED | FLAG_CARRY;
}

/* The same place in either page is the same number. */
static u64 relative(u64 value, u64 address)
{
	return value - address < PAGE_SIZE ? value - address : value;
}

static bool agrees(const char *name, const struct trial *one, u64 address,
		   const struct trial *other)
{
	u64 flags = name[0] == 'b' && name[1] == 't' ? FLAG_CARRY : FLAGS;
	u64 in_ram = (u64)(uintptr_t)ones;

	for (unsigned i = 0; i < ARRAY_SIZE(one->gpr); i++)
		if (i != 4 && relative(one->gpr[i], address) != relative(other->gpr[i], in_ram)) {
			print("form %s: register %u is %#llx, not %#llx\n", name, i,
			      (unsigned long long)one->gpr[i], (unsigned long long)other->gpr[i]);
			return false;
		}
	if ((one->rflags ^ other->rflags) & flags) {
		print("form %s: flags %#llx, not %#llx\n", name, (unsigned long long)one->rflags,
		      (unsigned long long)other->rflags);
		return false;
	}
	return true;
}

/* Where it ends, and what memory of the VM's own it has changed. */
static bool form_agrees(const struct trial_row *row, u64 address)
{
	static u8 expected[PAGE_SIZE];
	struct trial in_ram, trial;
	u32 end;

	prepare(&in_ram, (u64)(uintptr_t)ones);
	end = trial_run(row->code, &in_ram);
	if (end != TRIAL_WENT_ON)
		fail(EXIT_MACHINE, "%s in RAM: exception %u", row->name, end);
	memcpy(expected, source, sizeof(expected));

	prepare(&trial, address);
	end = trial_run(row->code, &trial);
	if (end != TRIAL_WENT_ON) {
		print("form %s: exception %u\n", row->name, end);
		return false;
	}
	for (unsigned i = 0; i < sizeof(expected); i++)
		if (source[i] != expected[i]) {
			print("form %s: byte %u is %#x, not %#x\n", row->name, i, source[i],
			      expected[i]);
			return false;
		}
	return agrees(row->name, &trial, address, &in_ram);
}

void attack_forms(struct text value)
{
	unsigned count = 0, wrong = 0;
	u64 address;

	read_numbers(value, &address, 1);
	trial_init();
	msr_write(MSR_FS_BASE, 0);
	for (const struct trial_row *row = form_table; row->name; row++, count++)
		wrong += !form_agrees(row, address);
	print("forms: %u, %u of them wrong\n", count, wrong);
}

void attack_form(struct text value)
{
	const struct trial_row *row;
	struct trial trial;
	struct text name;
	u64 address;

	if (!text_next(&value, ',', &name))
		fail(EXIT_BAD_ARGUMENT, "the command takes a name and an address");
	read_numbers(value, &address, 1);
	row = trial_find(refused_form_table, &name);
	if (!row)
		fail(EXIT_BAD_ARGUMENT, "there is no such form");
	trial_init();
	prepare(&trial, address);
	print("form %s: %u\n", row->name, trial_run(row->code, &trial));
}
