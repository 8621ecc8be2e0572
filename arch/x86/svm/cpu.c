/* The CPU itself: SVM on and off, and the state that VMRUN, VMLOAD and VMSAVE leave alone. */
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/svm/internal.h"

/*
 * One CPU's: the host save area, and the VMCB that VMSAVE and VMLOAD keep FS, GS, TR and the like in, which
 * VMRUN does not switch. They don't change from then on.
 */
static void *take_host_pages(struct pool *pool, hpa_t *hsave)
{
	u8 *pages = pool_take_run(pool, 2);

	if (!pages)
		return NULL;
	*hsave = pool_hpa(pool, pages);
	return pages + PAGE_SIZE;
}

enum status svm_cpu_on(struct pool *pool)
{
	hpa_t hsave = {0};

	if (!percpu()->backend) {
		percpu()->backend = take_host_pages(pool, &hsave);
		if (!percpu()->backend)
			return ERR_NO_MEMORY;
		msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SVME);
		msr_write(MSR_VM_HSAVE_PA, hsave.v);
	}
	/* Identity-mapped: the pointer is the physical address. */
	__asm__ volatile("vmsave %%rax" : : "a"(percpu()->backend) : "memory");
	return OK;
}

void svm_cpu_off(void)
{
	msr_write(MSR_EFER, msr_read(MSR_EFER) & ~EFER_SVME);
}

/* x87 and SSE as after INIT; debug registers and XCR0 as after reset: the last guest's are gone. */
void svm_reset_cpu(void)
{
	static const u8 fxsave_reset[512] __attribute__((aligned(16))) = {
		0x7f, 0x03, [24] = 0x80, 0x1f, 0, 0, 0xff, 0xff,
	};
	u64 cr4 = cr4_read();

	cr4_write(cr4 | BIT(9)); /* OSFXSR: FXRSTOR loads the XMM registers */
	__asm__ volatile("fninit; fxrstor %0" : : "m"(fxsave_reset));
	cr4_write(cr4);
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3"
			 :
			 : "r"(0ull));
	if (cpuid(1, 0).ecx & BIT(26)) {
		cr4_write(cr4 | CR4_OSXSAVE);
		__asm__ volatile("xsetbv" : : "c"(0), "a"(1), "d"(0));
		cr4_write(cr4);
	}
	if (cpuid(0x80000001, 0).edx & BIT(27)) /* RDTSCP */
		msr_write(MSR_TSC_AUX, 0);
	msr_write(MSR_PAT, PAT_RESET);
}
