/* DMA by an NVMe controller, by commands to its admin queue (NVM Express 1.4). */
#include "guest/apic.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/pci.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/nvme.h"

#define NVME_ID 0x00101B36 /* QEMU's; device and vendor */

#define NVME_CC		0x14
#define NVME_CC_ENABLE	0x00460001 /* entries of 64 and 16 bytes */
#define NVME_CSTS	0x1C
#define NVME_CSTS_READY BIT(0)
#define NVME_AQA	0x24
#define NVME_ASQ	0x28
#define NVME_ACQ	0x30
#define NVME_SQ_TAIL	0x1000
#define NVME_CQ_HEAD	0x1004
#define ENTRIES		64

#define IDENTIFY	    6
#define IDENTIFY_CONTROLLER 1
#define SET_FEATURES	    9
#define GET_FEATURES	    10
#define FEATURE_TIMESTAMP   0x0E

#define MSIX_CONTROL 2
#define MSIX_ENABLE  BIT(15)

#define WAIT_US 1000
#define WAITS	2000

struct command {
	u32 dword[16];
};

struct completion {
	u32 result;
	u32 reserved;
	u16 sq_head, sq_id;
	u16 id;
	u16 status; /* bit 0: the phase */
};

static struct command submissions[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static volatile struct completion completions[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static struct pci_function function;
static u64 registers;
static u32 next;

static bool is_nvme(u32 id)
{
	return id == NVME_ID;
}

static bool become_ready(bool ready)
{
	for (unsigned i = 0; i < WAITS; i++) {
		if ((bool)(mmio_read32(registers + NVME_CSTS) & NVME_CSTS_READY) == ready)
			return true;
		clock_delay_us(WAIT_US);
	}
	return false;
}

/* QEMU's controller has vectors only if MSI-X is on when it is started. All stay masked. */
static void enable_messages(void)
{
	u8 msix = pci_capability(function, PCI_CAPABILITY_MSIX);

	pci_write16(function, msix + MSIX_CONTROL, (u16)MSIX_ENABLE);
}

static void nvme_begin(void)
{
	const char *problem;

	if (registers)
		return;
	problem = apic_init(APIC_ANY);
	if (!problem)
		problem = clock_init();
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	if (!pci_find(is_nvme, &function))
		fail(EXIT_MACHINE, "there is no NVMe controller");
	registers = pci_claim_bar(function, 0);
	pci_set_command(function, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	mmio_write32(registers + NVME_CC, 0);
	if (!become_ready(false))
		fail(EXIT_TIMEOUT, "the NVMe controller does not reset");
	enable_messages();
	mmio_write32(registers + NVME_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	mmio_write32(registers + NVME_ASQ, (u32)(uintptr_t)submissions);
	mmio_write32(registers + NVME_ASQ + 4, 0);
	mmio_write32(registers + NVME_ACQ, (u32)(uintptr_t)completions);
	mmio_write32(registers + NVME_ACQ + 4, 0);
	mmio_write32(registers + NVME_CC, NVME_CC_ENABLE);
	if (!become_ready(true))
		fail(EXIT_TIMEOUT, "the NVMe controller does not start");
	print("nvme: " PCI_TEXT "\n", PCI_ARGS(function));
}

/* The status, 0 for success; 0xFFFF if there is no answer. Of fewer commands than the queues have entries. */
static u16 run(u32 opcode, u64 address, u32 argument)
{
	volatile struct completion *completion = &completions[next];

	submissions[next] = (struct command){.dword = {opcode | next << 16}};
	submissions[next].dword[6] = (u32)address;
	submissions[next].dword[7] = (u32)(address >> 32);
	submissions[next].dword[10] = argument;
	next++;
	memory_barrier();
	mmio_write32(registers + NVME_SQ_TAIL, next);
	for (unsigned i = 0; i < WAITS; i++) {
		if (completion->status & 1) {
			mmio_write32(registers + NVME_CQ_HEAD, next);
			return completion->status >> 1;
		}
		clock_delay_us(WAIT_US);
	}
	return 0xFFFF;
}

void nvme_to(u64 address)
{
	nvme_begin();
	print("nvme: status %#x\n", run(IDENTIFY, address, IDENTIFY_CONTROLLER));
}

void nvme_from(u64 address)
{
	static volatile u64 time[512] __attribute__((aligned(PAGE_SIZE)));
	u16 status;

	nvme_begin();
	status = run(SET_FEATURES, address, FEATURE_TIMESTAMP);
	(void)run(GET_FEATURES, (u64)(uintptr_t)time, FEATURE_TIMESTAMP);
	print("nvme: status %#x, time %#llx\n", status,
	      (unsigned long long)(time[0] & BITS(47, 0)));
}

void nvme_time(u64 address)
{
	nvme_begin();
	print("nvme: status %#x\n", run(GET_FEATURES, address, FEATURE_TIMESTAMP));
}

void nvme_interrupt(void)
{
	nvme_begin();
	(void)run(GET_FEATURES, (u64)(uintptr_t)completions + PAGE_SIZE / 2, FEATURE_TIMESTAMP);
}

struct pci_function nvme_function(void)
{
	nvme_begin();
	return function;
}
