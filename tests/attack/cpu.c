/* Attacks by the CPU's own instructions: MSRs, control registers, memory that is not there. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/paging.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"
#include "tests/attack/probe.h"

/* --- MSRs --- */

/* Where CPUs have any: Intel's, hypervisors', AMD's. */
static const struct {
	u32 first, last;
} msr_ranges[] = {
	{0x00000000, 0x00001FFF},
	{0x40000000, 0x400000FF},
	{0xC0000000, 0xC0001FFF},
	{0xC0010000, 0xC0011FFF},
};

/* Calls attempt() for each MSR and prints the runs of those for which it was true. */
static void try_msrs(const char *what, bool (*attempt)(u32 index))
{
	for (unsigned i = 0; i < ARRAY_SIZE(msr_ranges); i++) {
		for (u32 index = msr_ranges[i].first; index <= msr_ranges[i].last; index++) {
			u32 first = index;

			while (index <= msr_ranges[i].last && attempt(index))
				index++;
			if (index > first)
				print("msrs: %s %#x-%#x\n", what, first, index - 1);
		}
	}
}

static bool read_one(u32 index)
{
	u64 value;

	return probe_read_msr(index, &value);
}

/* No value is valid for all of them, but bit 63 is reserved in each that is told to be there. */
static bool write_one(u32 index)
{
	return probe_write_msr(index, BIT(63));
}

static void try_value(u32 index, u64 value)
{
	print("msrs: %#llx to %#x: %s\n", (unsigned long long)value, index,
	      probe_write_msr(index, value) ? "taken" : "refused");
}

#define MSR_APIC_BASE	    0x1B
#define MSR_PAT		    0x277
#define MSR_EFER	    0xC0000080
#define EFER_SVME	    BIT(12)
#define PAT_RESERVED_TYPE   0x02
#define APIC_PAGE_ELSEWHERE 0x00200900 /* enabled, boot processor */

void attack_msrs(struct text value)
{
	(void)value;
	probe_init();
	try_msrs("readable", read_one);
	try_msrs("writable", write_one);
	try_value(MSR_EFER, msr_read(MSR_EFER) | EFER_SVME);
	try_value(MSR_APIC_BASE, APIC_PAGE_ELSEWHERE);
	try_value(MSR_PAT, PAT_RESERVED_TYPE);
}

/* --- CR0, CR3, CR4 --- */

void attack_cr0(struct text value)
{
	u64 cr0;

	read_numbers(value, &cr0, 1);
	probe_init();
	print("cr0: %s\n", probe_write_cr0(cr0) ? "taken" : "refused");
}

void attack_cr3(struct text value)
{
	u64 cr3;

	read_numbers(value, &cr3, 1);
	probe_init();
	print("cr3: %s\n", probe_write_cr3(cr3) ? "taken" : "refused");
}

static u64 cr4_read(void)
{
	u64 value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/* One bit turned over, and back if that was taken. */
static void try_cr4(unsigned bit)
{
	u64 before = cr4_read();
	bool taken = probe_write_cr4(before ^ BIT(bit));
	u64 after = cr4_read();

	if (taken && after == before)
		print("cr4: bit %u ignored\n", bit);
	if (!taken && after != before)
		print("cr4: bit %u refused, and changed\n", bit);
	if (taken && after == (before ^ BIT(bit)) && probe_write_cr4(before) &&
	    cr4_read() == before)
		print("cr4: bit %u free\n", bit);
}

void attack_cr4(struct text value)
{
	u64 numbers[2];

	read_numbers(value, numbers, 2);
	probe_init();
	for (u64 bit = numbers[0]; bit <= numbers[1] && bit < 64; bit++)
		try_cr4((unsigned)bit);
}

/* --- Performance counters: general, AMD's of the northbridge and caches, Intel's fixed ones --- */

void attack_counters(struct text value)
{
	static const u32 counters[] = {0, 1, 2, 3, 4, 5, 6, 10, 16, 0x40000000, 0x40000001};

	(void)value;
	probe_init();
	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++)
		print("counters: %#x %s\n", counters[i],
		      probe_read_counter(counters[i]) ? "read" : "refused");
}

/* --- Memory --- */

/* All below 4 GiB is mapped. */
static void map(u64 address)
{
	if (address >= GIB(4) && !paging_map(address, sizeof(u32), PAGING_DEVICE))
		fail(EXIT_BAD_ARGUMENT, "no room for a mapping of %#llx",
		     (unsigned long long)address);
}

void attack_peek(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	map(address);
	print("peek: %#llx: %#x\n", (unsigned long long)address, mmio_read32(address));
}

void attack_poke(struct text value)
{
	u64 numbers[2];

	read_numbers(value, numbers, 2);
	map(numbers[0]);
	mmio_write32(numbers[0], (u32)numbers[1]);
}

/* --- Breakpoints: addresses are linear, and the hypervisor has linear addresses too --- */

void attack_watch(struct text value)
{
	u64 numbers[2];
	u32 leaf = 0;

	read_numbers(value, numbers, 2);
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(numbers[0]), "r"(numbers[1]));
	/* Exits: whatever the hypervisor runs or reads meanwhile is watched, unless it sees to it. */
	__asm__ volatile("cpuid" : "+a"(leaf) : : "rbx", "rcx", "rdx");
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x400ull));
}
