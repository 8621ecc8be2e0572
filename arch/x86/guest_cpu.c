#include "arch/x86/guest_cpu.h"

#include "arch/x86/cpu.h"

#define DR6_RESET 0xffff0ff0ull

/* x87 and SSE, on any CPU. */
static void reset_legacy(void)
{
	static const u8 fxsave_reset[512] __attribute__((aligned(16))) = {
		0x7f, 0x03, [24] = 0x80, 0x1f, 0, 0, 0xff, 0xff,
	};
	u64 cr4 = cr4_read();

	cr4_write(cr4 | CR4_OSFXSR); /* FXRSTOR loads the XMM registers */
	__asm__ volatile("fninit; fxrstor %0" : : "m"(fxsave_reset));
	cr4_write(cr4);
}

/*
 * All else that XSAVE manages, also what no guest is shown: where the CPU does not trap XSETBV (QEMU before
 * 10) an earlier guest may have used it. An image without any component's state resets them (SDM volume 1,
 * 13.8).
 */
static void reset_extended(void)
{
	static const u8 xsave_reset[576] __attribute__((aligned(64))) = {[24] = 0x80, 0x1f};
	struct cpuid leaf;

	if (!(cr4_read() & CR4_OSXSAVE))
		return;
	leaf = cpuid(0xd, 0);
	guest_xcr0_write((u64)leaf.edx << 32 | leaf.eax);
	__asm__ volatile("xrstor %0" : : "m"(xsave_reset), "a"(~0u), "d"(~0u));
	guest_xcr0_write(1);
}

static void reset_debug(void)
{
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3"
			 :
			 : "r"(0ull));
	__asm__ volatile("mov %0, %%dr6" : : "r"(DR6_RESET));
}

void guest_xcr0_write(u64 value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

void guest_cpu_reset(void)
{
	reset_legacy();
	reset_extended();
	reset_debug();
	if (cpuid(0x80000001, 0).edx & BIT(27)) /* RDTSCP */
		msr_write(MSR_TSC_AUX, 0);
}
