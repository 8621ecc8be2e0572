#include "guest/apic.h"

#include "guest/cpu.h"
#include "guest/paging.h"
#include "guest/traps.h"
#include "hv/base/bits.h"

/* SDM vol. 3, "Advanced Programmable Interrupt Controller". */
#define CPUID_1_EDX_APIC   BIT(9)
#define CPUID_1_ECX_X2APIC BIT(21)

#define MSR_APIC_BASE	  0x1B
#define APIC_BASE_EXTD	  BIT(10)
#define APIC_BASE_EN	  BIT(11)
#define APIC_BASE_ADDRESS BITS(51, 12)
#define MSR_X2APIC_FIRST  0x800

/* Register offsets in the page; the x2APIC MSR is MSR_X2APIC_FIRST + offset / 16. */
#define APIC_ID			0x020
#define APIC_ID_XAPIC_SHIFT	24
#define APIC_TPR		0x080
#define APIC_EOI		0x0B0
#define APIC_SVR		0x0F0
#define APIC_SVR_ENABLE		BIT(8)
#define APIC_LVT_TIMER		0x320
#define APIC_LVT_MASKED		BIT(16)
#define APIC_LVT_TIMER_PERIODIC BIT(17)
#define APIC_LVT_LINT0		0x350
#define APIC_LVT_LINT1		0x360
#define APIC_LVT_ERROR		0x370
#define APIC_TIMER_INITIAL	0x380
#define APIC_TIMER_CURRENT	0x390
#define APIC_TIMER_DIVIDE	0x3E0
#define APIC_TIMER_DIVIDE_16	0x3

static u64 page; /* 0: x2APIC */

static u32 apic_read(u32 reg)
{
	return page ? mmio_read32(page + reg) : (u32)msr_read(MSR_X2APIC_FIRST + reg / 16);
}

static void apic_write(u32 reg, u32 value)
{
	if (page)
		mmio_write32(page + reg, value);
	else
		msr_write(MSR_X2APIC_FIRST + reg / 16, value);
}

static const char *choose_mode(enum apic_mode wanted)
{
	bool has_x2apic = cpu_id(1).ecx & CPUID_1_ECX_X2APIC;
	u64 base = msr_read(MSR_APIC_BASE);

	if (!(cpu_id(1).edx & CPUID_1_EDX_APIC))
		return "the CPU has no local APIC";
	if (wanted == APIC_X2APIC && !has_x2apic)
		return "the CPU has no x2APIC";
	if (wanted == APIC_XAPIC && (base & APIC_BASE_EXTD))
		return "the local APIC is in x2APIC mode already, and there is no safe way back";

	if (has_x2apic && wanted != APIC_XAPIC) {
		/* From off, the way to x2APIC leads over xAPIC. */
		msr_write(MSR_APIC_BASE, base | APIC_BASE_EN);
		msr_write(MSR_APIC_BASE, base | APIC_BASE_EN | APIC_BASE_EXTD);
		page = 0;
		return NULL;
	}
	if (!(base & APIC_BASE_EN))
		msr_write(MSR_APIC_BASE, base | APIC_BASE_EN);
	page = base & APIC_BASE_ADDRESS;
	if (!paging_map(page, PAGE_SIZE, PAGING_DEVICE))
		return "the local APIC's page is out of reach";
	return NULL;
}

const char *apic_init(enum apic_mode wanted)
{
	const char *problem = choose_mode(wanted);

	if (problem)
		return problem;
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	/* Firmware leaves LINT0 open for the 8259. */
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
	apic_write(APIC_LVT_LINT1, APIC_LVT_MASKED);
	apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED);
	apic_write(APIC_TPR, 0);
	return NULL;
}

const char *apic_mode_name(void)
{
	return page ? "xAPIC" : "x2APIC";
}

u32 apic_id(void)
{
	return page ? apic_read(APIC_ID) >> APIC_ID_XAPIC_SHIFT : apic_read(APIC_ID);
}

void apic_end_of_interrupt(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_timer_measure(void)
{
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_16);
	apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
}

u32 apic_timer_elapsed(void)
{
	return UINT32_MAX - apic_read(APIC_TIMER_CURRENT);
}

void apic_timer_periodic(u32 counts)
{
	apic_write(APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE_16);
	apic_write(APIC_LVT_TIMER, APIC_LVT_TIMER_PERIODIC | VECTOR_TIMER);
	apic_write(APIC_TIMER_INITIAL, counts);
}
