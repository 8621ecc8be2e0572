#include "arch/x86/guest_cpu.h"

#include "arch/x86/cpu.h"

#define DR6_RESET 0xffff0ff0ull

static void reset_vectors(void)
{
	static const u8 fxsave_reset[512] __attribute__((aligned(16))) = {
		0x7f, 0x03, [24] = 0x80, 0x1f, 0, 0, 0xff, 0xff,
	};
	u64 cr4 = cr4_read();

	cr4_write(cr4 | CR4_OSFXSR); /* FXRSTOR loads the XMM registers */
	__asm__ volatile("fninit; fxrstor %0" : : "m"(fxsave_reset));
	cr4_write(cr4);
}

static void reset_debug(void)
{
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3"
			 :
			 : "r"(0ull));
	__asm__ volatile("mov %0, %%dr6" : : "r"(DR6_RESET));
}

static void reset_xcr0(void)
{
	u64 cr4 = cr4_read();

	if (!(cpuid(1, 0).ecx & BIT(26))) /* XSAVE */
		return;
	cr4_write(cr4 | CR4_OSXSAVE);
	__asm__ volatile("xsetbv" : : "c"(0), "a"(1), "d"(0));
	cr4_write(cr4);
}

void guest_cpu_reset(void)
{
	reset_vectors();
	reset_debug();
	reset_xcr0();
	if (cpuid(0x80000001, 0).edx & BIT(27)) /* RDTSCP */
		msr_write(MSR_TSC_AUX, 0);
}
