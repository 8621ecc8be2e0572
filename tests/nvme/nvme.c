#include "tests/nvme/nvme.h"

#include "guest/apic.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/msi.h"
#include "guest/pci.h"
#include "hv/base/bits.h"

#define NVME_ID 0x00101B36 /* QEMU's; device and vendor */

#define NVME_CC		0x14
#define NVME_CC_ENABLE	0x00460001 /* entries of 64 and 16 bytes */
#define NVME_CSTS	0x1C
#define NVME_CSTS_READY BIT(0)
#define NVME_AQA	0x24
#define NVME_ASQ	0x28
#define NVME_ACQ	0x30
#define NVME_SQ_TAIL(q) (0x1000 + 8 * (q)) /* with a stride of 0, as QEMU's */
#define NVME_CQ_HEAD(q) (0x1004 + 8 * (q))
#define ENTRIES		64

#define IO_QUEUE	  1
#define QUEUE_CONTIGUOUS  BIT(0)
#define CQ_INTERRUPTS	  BIT(1) /* by entry 0 of the MSI-X table: bits 31:16 */
#define READ		  2	 /* 6: an opcode of NVM commands */
#define NAMESPACE	  1
#define SECTOR		  512
#define COMPLETION_PHASE  BIT(0)
#define COMPLETION_STATUS 1 /* above the phase */

#define MSIX_CONTROL 2
#define MSIX_ENABLE  BIT(15)

#define WAIT_US 1000
#define WAITS	2000

struct command {
	u32 dword[16];
};

_Static_assert(sizeof(struct command) == 64, "4.2");

struct completion {
	u32 result;
	u32 reserved;
	u16 sq_head, sq_id;
	u16 id;
	u16 status; /* bit 0: the phase */
};

_Static_assert(sizeof(struct completion) == 16, "4.6");

static struct queue {
	struct command submissions[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
	volatile struct completion completions[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
	u32 tail, head;
	u16 phase; /* of completions that are new */
} queues[2];
static struct pci_function function;
static u64 registers;

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

void nvme_begin(void)
{
	struct queue *admin = &queues[0];

	if (registers)
		return;
	if (!pci_find(is_nvme, &function))
		fail(EXIT_MACHINE, "there is no NVMe controller");
	registers = pci_claim_bar(function, 0);
	pci_set_command(function, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	mmio_write32(registers + NVME_CC, 0);
	if (!become_ready(false))
		fail(EXIT_TIMEOUT, "the NVMe controller does not reset");
	enable_messages();
	admin->phase = COMPLETION_PHASE;
	mmio_write32(registers + NVME_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	mmio_write32(registers + NVME_ASQ, (u32)(uintptr_t)admin->submissions);
	mmio_write32(registers + NVME_ASQ + 4, 0);
	mmio_write32(registers + NVME_ACQ, (u32)(uintptr_t)admin->completions);
	mmio_write32(registers + NVME_ACQ + 4, 0);
	mmio_write32(registers + NVME_CC, NVME_CC_ENABLE);
	if (!become_ready(true))
		fail(EXIT_TIMEOUT, "the NVMe controller does not start");
	print("nvme: " PCI_TEXT "\n", PCI_ARGS(function));
}

struct pci_function nvme_place(void)
{
	return function;
}

/* Puts a command into a queue and rings its doorbell. */
static void submit(u32 q, struct command command)
{
	struct queue *queue = &queues[q];

	command.dword[0] |= queue->tail << 16;
	queue->submissions[queue->tail] = command;
	queue->tail = (queue->tail + 1) % ENTRIES;
	memory_barrier();
	mmio_write32(registers + NVME_SQ_TAIL(q), queue->tail);
}

/* Takes the next completion, if it is there. */
static bool complete(u32 q, u16 *status)
{
	struct queue *queue = &queues[q];
	u16 found = queue->completions[queue->head].status;

	if ((found & COMPLETION_PHASE) != queue->phase)
		return false;
	*status = found >> COMPLETION_STATUS;
	queue->head = (queue->head + 1) % ENTRIES;
	if (!queue->head)
		queue->phase ^= COMPLETION_PHASE;
	mmio_write32(registers + NVME_CQ_HEAD(q), queue->head);
	return true;
}

u16 nvme_run(enum nvme_admin opcode, u64 address, u32 dword10, u32 dword11)
{
	u16 status;

	submit(0, (struct command){.dword = {
					   [0] = opcode,
					   [6] = (u32)address,
					   [7] = (u32)(address >> 32),
					   [10] = dword10,
					   [11] = dword11,
				   }});
	for (unsigned i = 0; i < WAITS; i++) {
		if (complete(0, &status))
			return status;
		clock_delay_us(WAIT_US);
	}
	return NVME_NO_ANSWER;
}

/* 5.3, 5.4: the completions' queue first, to which the other one is tied. */
void nvme_begin_io(u8 vector)
{
	struct queue *io = &queues[IO_QUEUE];
	u32 shape = (ENTRIES - 1) << 16 | IO_QUEUE;
	const char *problem;

	nvme_begin();
	io->phase = COMPLETION_PHASE;
	pci_set_command(function, PCI_COMMAND_NO_INTX);
	problem = msix_enable(function, &vector, 1, (u8)apic_id());
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
	if (nvme_run(NVME_CREATE_CQ, (uintptr_t)io->completions, shape,
		     QUEUE_CONTIGUOUS | CQ_INTERRUPTS) ||
	    nvme_run(NVME_CREATE_SQ, (uintptr_t)io->submissions, shape,
		     QUEUE_CONTIGUOUS | IO_QUEUE << 16))
		fail(EXIT_MACHINE, "the NVMe controller makes no queue");
}

void nvme_read_begin(u64 address)
{
	submit(IO_QUEUE, (struct command){.dword = {
						  [0] = READ,
						  [1] = NAMESPACE,
						  [6] = (u32)address,
						  [7] = (u32)(address >> 32),
						  [12] = NVME_READ_BYTES / SECTOR - 1,
					  }});
}

bool nvme_read_end(u16 *status)
{
	return complete(IO_QUEUE, status);
}
