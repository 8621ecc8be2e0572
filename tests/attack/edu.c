#include "tests/attack/edu.h"

#include "guest/apic.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/pci.h"

#define EDU_ID 0x11E81234 /* device and vendor */

/* QEMU's docs/specs/edu. The registers of the DMA engine are 64 bits wide. */
#define EDU_IDENTIFICATION	  0x00
#define EDU_IDENTIFICATION_MASK	  0xFFFF
#define EDU_IDENTIFICATION_VALUE  0x00ED
#define EDU_RAISE		  0x60
#define EDU_ACKNOWLEDGE		  0x64
#define EDU_DMA_SOURCE		  0x80
#define EDU_DMA_DESTINATION	  0x88
#define EDU_DMA_COUNT		  0x90
#define EDU_DMA_COMMAND		  0x98
#define EDU_DMA_COMMAND_START	  (1u << 0) /* until it is over */
#define EDU_DMA_COMMAND_TO_MEMORY (1u << 1)
#define EDU_BUFFER		  0x40000 /* the device's own memory, in the engine's eyes */

#define POLL_US	  1000
#define POLLS_MAX 10000

static struct pci_function function;
static u64 registers;

static u64 read64(u32 offset)
{
	return *(const volatile u64 *)(uintptr_t)(registers + offset);
}

static void write64(u32 offset, u64 value)
{
	*(volatile u64 *)(uintptr_t)(registers + offset) = value;
}

static bool is_edu(u32 id)
{
	return id == EDU_ID;
}

static void start_clock(void)
{
	const char *problem = apic_init(APIC_ANY);

	if (!problem)
		problem = clock_init();
	if (problem)
		fail(EXIT_MACHINE, "%s", problem);
}

void edu_init(void)
{
	if (registers)
		return;
	start_clock();
	if (!pci_find(is_edu, &function))
		fail(EXIT_MACHINE, "there is no edu device");
	registers = pci_claim_bar(function, 0);
	if (!registers)
		fail(EXIT_MACHINE, "the edu device has no usable BAR");
	pci_set_command(function, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	if ((mmio_read32(registers + EDU_IDENTIFICATION) & EDU_IDENTIFICATION_MASK) !=
	    EDU_IDENTIFICATION_VALUE)
		fail(EXIT_MACHINE, "the edu device's registers can't be read");
	print("edu: " PCI_TEXT ", registers at %#llx\n", PCI_ARGS(function),
	      (unsigned long long)registers);
}

bool edu_master(void)
{
	pci_set_command(function, PCI_COMMAND_MASTER);
	return pci_read16(function, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

void edu_interrupt(void)
{
	edu_init();
	mmio_write32(registers + EDU_RAISE, 1);
	mmio_write32(registers + EDU_ACKNOWLEDGE, 1);
}

struct pci_function edu_function(void)
{
	edu_init();
	return function;
}

void edu_start(enum edu_direction direction, u64 address, u32 size)
{
	bool writes = direction == EDU_WRITES;

	memory_barrier();
	write64(EDU_DMA_SOURCE, writes ? EDU_BUFFER : address);
	write64(EDU_DMA_DESTINATION, writes ? address : EDU_BUFFER);
	write64(EDU_DMA_COUNT, size);
	write64(EDU_DMA_COMMAND, EDU_DMA_COMMAND_START | (writes ? EDU_DMA_COMMAND_TO_MEMORY : 0));
}

void edu_transfer(enum edu_direction direction, u64 address, u32 size)
{
	edu_start(direction, address, size);
	for (unsigned i = 0; read64(EDU_DMA_COMMAND) & EDU_DMA_COMMAND_START; i++) {
		if (i == POLLS_MAX)
			fail(EXIT_TIMEOUT, "the edu device does not end its transfer");
		clock_delay_us(POLL_US);
	}
	memory_barrier();
}
