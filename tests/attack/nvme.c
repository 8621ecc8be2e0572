/* DMA by an NVMe controller, by commands to its admin queue. */
#include "tests/attack/nvme.h"

#include "guest/apic.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/exit.h"
#include "guest/pci.h"
#include "hv/base/bits.h"
#include "tests/nvme/nvme.h"

static void begin(void)
{
	static bool begun;
	const char *problem = NULL;

	if (!begun)
		problem = apic_init(APIC_ANY);
	if (!begun && !problem)
		problem = clock_init();
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	begun = true;
	nvme_begin();
}

void nvme_to(u64 address)
{
	begin();
	print("nvme: status %#x\n", nvme_run(NVME_IDENTIFY, address, NVME_IDENTIFY_CONTROLLER, 0));
}

void nvme_from(u64 address)
{
	static volatile u64 time[512] __attribute__((aligned(PAGE_SIZE)));
	u16 status;

	begin();
	status = nvme_run(NVME_SET_FEATURES, address, NVME_FEATURE_TIMESTAMP, 0);
	(void)nvme_run(NVME_GET_FEATURES, (u64)(uintptr_t)time, NVME_FEATURE_TIMESTAMP, 0);
	print("nvme: status %#x, time %#llx\n", status,
	      (unsigned long long)(time[0] & BITS(47, 0)));
}

void nvme_time(u64 address)
{
	begin();
	print("nvme: status %#x\n",
	      nvme_run(NVME_GET_FEATURES, address, NVME_FEATURE_TIMESTAMP, 0));
}

void nvme_interrupt(void)
{
	static u8 somewhere[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

	begin();
	(void)nvme_run(NVME_GET_FEATURES, (u64)(uintptr_t)somewhere, NVME_FEATURE_TIMESTAMP, 0);
}

struct pci_function nvme_function(void)
{
	begin();
	return nvme_place();
}
