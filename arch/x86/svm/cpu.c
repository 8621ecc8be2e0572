/* The CPU itself: SVM on and off, and the state that VMRUN, VMLOAD and VMSAVE leave alone. */
#include "arch/x86/cpu.h"
#include "arch/x86/guest_cpu.h"
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

void svm_cpu_off(struct vcpu *vcpu)
{
	(void)vcpu;
	__asm__ volatile("stgi" : : : "memory");
	msr_write(MSR_EFER, msr_read(MSR_EFER) & ~EFER_SVME);
}

void svm_reset_cpu(void)
{
	guest_cpu_reset();
	msr_write(MSR_PAT, PAT_RESET);
}
