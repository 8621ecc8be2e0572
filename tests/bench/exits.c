#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/paging.h"
#include "hv/base/bits.h"
#include "tests/bench/bench.h"
#include "tests/bench/gate.h"

#define ROUNDS 100

#define MSR_APIC_BASE 0x1b
#define MSR_PAT	      0x277

#define NO_PORT	     0x2f0	   /* where nothing answers */
#define UART_SCRATCH 0x3ff	   /* a byte that does nothing */
#define NO_MEMORY    0xe8000000ull /* between RAM and devices, on this machine and in a VM */
#define IOAPIC_PAGE  0xfec00000ull /* its index register */

#define VECTOR_UD 6

static void nothing(void)
{
}

static void do_cpuid(void)
{
	(void)cpu_id(0);
}

static void do_cpuid_1(void)
{
	(void)cpu_id(1);
}

static void do_msr_read(void)
{
	(void)msr_read(MSR_APIC_BASE);
}

/* What is there already. */
static u64 pat;

static void do_msr_write(void)
{
	msr_write(MSR_PAT, pat);
}

static void do_port_in(void)
{
	(void)port_in8(NO_PORT);
}

static void do_port_out(void)
{
	port_out8(NO_PORT, 0);
}

static void do_uart_in(void)
{
	(void)port_in8(UART_SCRATCH);
}

static void do_uart_out(void)
{
	port_out8(UART_SCRATCH, 0);
}

static void do_mmio_read(void)
{
	(void)mmio_read32(NO_MEMORY);
}

static void do_mmio_write(void)
{
	mmio_write32(NO_MEMORY, 0);
}

static void do_ioapic_read(void)
{
	(void)mmio_read32(IOAPIC_PAGE);
}

/* Elsewhere than under a hypervisor it is a #UD, and a guest of this one gets that too. */
static void do_hypercall(void)
{
	__asm__ volatile("vmmcall" : : : "memory");
}

static const struct {
	const char *name;
	void (*run)(void);
} rows[] = {
	{"cpuid", do_cpuid},	       {"cpuid-1", do_cpuid_1},		{"msr-read", do_msr_read},
	{"msr-write", do_msr_write},   {"port-in", do_port_in},		{"port-out", do_port_out},
	{"uart-in", do_uart_in},       {"uart-out", do_uart_out},	{"mmio-read", do_mmio_read},
	{"mmio-write", do_mmio_write}, {"ioapic-read", do_ioapic_read}, {"hypercall", do_hypercall},
};

/* The cheapest of many: others met the hypervisor's own work. */
static u64 cheapest(void (*run)(void))
{
	u64 least = UINT64_MAX;

	for (unsigned i = 0; i < ROUNDS; i++) {
		u64 start = cpu_tsc();

		run();
		u64 ticks = cpu_tsc() - start;

		if (ticks < least)
			least = ticks;
	}
	return least;
}

static void prepare(void)
{
	pat = msr_read(MSR_PAT);
	gate_set(VECTOR_UD, bench_skip_3);
	if (!paging_map(NO_MEMORY, PAGE_SIZE, PAGING_DEVICE) ||
	    !paging_map(IOAPIC_PAGE, PAGE_SIZE, PAGING_DEVICE))
		fail(EXIT_MACHINE, "no page tables for device registers");
}

void bench_exits(const char *value)
{
	u64 around = cheapest(nothing);

	(void)value;
	prepare();
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		bench_row(rows[i].name, cheapest(rows[i].run) - around);
}

static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void bench_loop(const char *value)
{
	prepare();
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (is_same(value, rows[i].name)) {
			print("looping\n");
			for (;;)
				rows[i].run();
		}
	fail(EXIT_BAD_ARGUMENT, "no such row");
}
