/* Attacks by the CPU's own instructions: ports, MSRs, memory that is not there. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"
#include "tests/attack/probe.h"

/* --- Ports --- */

/* What a VM has of its own: the console, ACPI's timer, PCI configuration. */
static const struct {
	u32 first, last;
} own_ports[] = {{0x3F8, 0x3FF}, {0x608, 0x60B}, {0xCF8, 0xCFF}};

static bool touches_own_port(u32 port, u32 width)
{
	for (unsigned i = 0; i < ARRAY_SIZE(own_ports); i++)
		if (port <= own_ports[i].last && port + width > own_ports[i].first)
			return true;
	return false;
}

/* Reads with that width everywhere, and tells the first few ports where something is. */
static void read_ports(u32 width)
{
	u32 ones = (u32)BITS(8 * width - 1, 0);
	u32 answered = 0;
	u32 read = 0;

	for (u32 port = 0; port + width <= 0x10000; port += width) {
		u32 value;

		if (touches_own_port(port, width))
			continue;
		value = width == 1 ? port_in8((u16)port) : port_in32((u16)port);
		read++;
		if (value != ones && answered++ < 16)
			print("port %#x reads %#x\n", port, value);
	}
	print("ports: %u read by %u bytes, %u answered\n", read, width, answered);
}

void attack_ports(struct text value)
{
	(void)value;
	read_ports(1);
	read_ports(4);
}

void attack_out(struct text value)
{
	u64 numbers[3];
	u16 port;

	read_numbers(value, numbers, 3);
	port = (u16)numbers[0];
	if (numbers[2] == 1)
		port_out8(port, (u8)numbers[1]);
	else if (numbers[2] == 2)
		port_out16(port, (u16)numbers[1]);
	else
		port_out32(port, (u32)numbers[1]);
}

/* QEMU's docs/specs/fw_cfg: all big-endian. Its DMA goes past the IOMMU. */
#define FW_CFG_DMA_HIGH	      0x514
#define FW_CFG_DMA_LOW	      0x518
#define FW_CFG_CONTROL_READ   (1u << 1)
#define FW_CFG_CONTROL_SELECT (1u << 3)
#define FW_CFG_SIGNATURE      0x0000 /* this item reads "QEMU" */

struct fw_cfg_dma {
	u32 control; /* 0 when it was carried out */
	u32 length;
	u64 address;
};

void attack_fwcfg(struct text value)
{
	static volatile u32 landing;
	static volatile struct fw_cfg_dma dma;
	u32 control = FW_CFG_SIGNATURE << 16 | FW_CFG_CONTROL_SELECT | FW_CFG_CONTROL_READ;

	(void)value;
	dma.control = __builtin_bswap32(control);
	dma.length = __builtin_bswap32(sizeof(landing));
	dma.address = __builtin_bswap64((u64)(uintptr_t)&landing);
	memory_barrier();
	port_out32(FW_CFG_DMA_HIGH, 0);
	port_out32(FW_CFG_DMA_LOW, __builtin_bswap32((u32)(uintptr_t)&dma));
	memory_barrier();
	print("fw_cfg: control %#x, landed %#x\n", __builtin_bswap32(dma.control),
	      __builtin_bswap32(landing));
}

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

void attack_peek(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	print("peek: %#llx: %#x\n", (unsigned long long)address, mmio_read32(address));
}

void attack_poke(struct text value)
{
	u64 numbers[2];

	read_numbers(value, numbers, 2);
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
