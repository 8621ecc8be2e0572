#include "arch/x86/apic.h"

#include "arch/x86/cpu.h"
#include "arch/x86/mmio.h"
#include "arch/x86/traps.h"

#define CPUID1_EDX_APIC	  BIT(9)
#define CPUID1_ECX_X2APIC BIT(21)
#define APIC_BASE_ADDRESS BITS(51, 12)

/* All CPUs run in the same mode. */
static bool x2apic_mode;
static struct mmio page;

bool apic_x2apic_possible(void)
{
	return cpuid(1, 0).ecx & CPUID1_ECX_X2APIC;
}

bool apic_is_x2apic(void)
{
	return x2apic_mode;
}

u32 apic_read(u32 reg)
{
	if (x2apic_mode)
		return (u32)msr_read(MSR_X2APIC + reg / 16);
	return mmio_read32(&page, reg);
}

void apic_write(u32 reg, u32 value)
{
	if (x2apic_mode)
		msr_write(MSR_X2APIC + reg / 16, value);
	else
		mmio_write32(&page, reg, value);
}

u32 apic_id(void)
{
	u32 id = apic_read(APIC_ID);

	return x2apic_mode ? id : id >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void mask_local_vectors(void)
{
	static const u16 lvt[] = {APIC_LVT_TIMER, APIC_LVT_LINT0,   APIC_LVT_LINT1, APIC_LVT_ERROR,
				  APIC_LVT_PMC,	  APIC_LVT_THERMAL, APIC_LVT_CMCI};
	/* 11.4.8: how many of them there are; the last three came later. */
	u32 max = bits_get(apic_read(APIC_VERSION), 23, 16);

	for (u32 i = 0; i < ARRAY_SIZE(lvt) && i <= max; i++)
		apic_write(lvt[i], APIC_LVT_MASKED);
}

enum status apic_init(bool x2apic)
{
	u64 base = msr_read(MSR_APIC_BASE);

	if (!(cpuid(1, 0).edx & CPUID1_EDX_APIC))
		return ERR_UNSUPPORTED;
	x2apic_mode = x2apic || base & APIC_BASE_X2APIC;
	/* 11.12.5: x2APIC mode is entered from xAPIC mode only. */
	if (!(base & APIC_BASE_ENABLE))
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	if (x2apic_mode) {
		msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	} else {
		enum status status = mmio_map(hpa(base & APIC_BASE_ADDRESS), PAGE_SIZE, &page);

		if (status != OK)
			return status;
	}
	apic_reset();
	return OK;
}

/* Long enough for any bus; in QEMU the bit is never seen set. */
#define MAX_ICR_READS 1000000u

void apic_send(u32 destination, u32 command)
{
	if (x2apic_mode) {
		/* The MSR write is not serialising: what it announces must be visible first. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		msr_write(MSR_X2APIC + APIC_ICR / 16, (u64)destination << 32 | command);
		return;
	}
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, command);
	for (u32 i = 0; i < MAX_ICR_READS && apic_read(APIC_ICR) & ICR_PENDING; i++)
		cpu_pause();
}

void apic_send_fixed(u32 destination, u8 vector)
{
	apic_send(destination, ICR_ASSERT | vector);
}

void apic_send_nmi(u32 destination)
{
	apic_send(destination, ICR_ASSERT | ICR_DELIVERY_NMI);
}

static bool any_bit(u32 reg)
{
	for (u32 i = 0; i < 8; i++)
		if (apic_read(reg + i * 16))
			return true;
	return false;
}

void apic_reset(void)
{
	apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	mask_local_vectors();
	apic_write(APIC_TIMER_COUNT, 0);
	apic_write(APIC_TPR, 0);
	/* At most one interrupt a vector is in service and one requested. */
	for (u32 i = 0; i < 256 && any_bit(APIC_ISR); i++)
		apic_eoi();
	for (u32 i = 0; i < 256 && any_bit(APIC_IRR); i++) {
		interrupts_take_pending();
	}
	for (u32 i = 0; i < 256 && any_bit(APIC_ISR); i++)
		apic_eoi();
	apic_write(APIC_ESR, 0);
}

void apic_timer_start(void)
{
	apic_write(APIC_TIMER_DIV, 0xb); /* 11.5.4: by 1 */
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	apic_write(APIC_TIMER_COUNT, 0xffffffff);
}

u32 apic_timer_stop(void)
{
	u32 ticks = 0xffffffff - apic_read(APIC_TIMER_NOW);

	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	apic_write(APIC_TIMER_COUNT, 0);
	return ticks;
}

void apic_timer_once(u32 ticks, u8 vector)
{
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, vector); /* 11.5.1: one-shot */
	apic_write(APIC_TIMER_COUNT, ticks);
}
