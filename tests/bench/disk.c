#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/traps.h"
#include "hv/base/bits.h"
#include "tests/bench/bench.h"
#include "tests/bench/gate.h"
#include "tests/nvme/nvme.h"

#define READS 64

static u8 page[NVME_READ_BYTES] __attribute__((aligned(PAGE_SIZE)));

/*
 * A read's instructions but for the sleep between, which is the device's time: up to the HLT, and from the
 * handler's first instruction on.
 */
static u64 one_read(void)
{
	u64 count = bench_stamp_count;
	u64 start = cpu_tsc();
	u64 before;
	u16 status;

	nvme_read_begin((uintptr_t)page);
	before = cpu_tsc() - start;
	while (bench_stamp_count == count)
		cpu_sleep();
	if (!nvme_read_end(&status) || status)
		fail(EXIT_MACHINE, "the NVMe controller does not read");
	return before + cpu_tsc() - bench_stamp_tsc;
}

void bench_disk(const char *value)
{
	u64 least = UINT64_MAX;

	(void)value;
	nvme_begin_io(VECTOR_NIC_OTHER);
	__asm__ volatile("sti; nop; cli" : : : "memory"); /* those of the admin queue */
	gate_set(VECTOR_NIC_OTHER, bench_stamp_entry);
	for (unsigned i = 0; i < READS; i++)
		least = min_u64(least, one_read());
	traps_init();
	bench_row("nvme-read-4k", least);
}
