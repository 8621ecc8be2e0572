/* The CPU itself: SVM on and off, and the state that VMRUN, VMLOAD and VMSAVE leave alone. */
#include "arch/x86/cpu.h"
#include "arch/x86/guest_cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/svm/internal.h"

/*
 * One CPU's, for good: the host save area, and the VMCB that VMSAVE and VMLOAD keep FS, GS, TR and the like in,
 * which VMRUN does not switch.
 */
enum status svm_cpu_on(struct pool *pool)
{
	u8 *pages =
		percpu()->backend ? (u8 *)percpu()->backend - PAGE_SIZE : pool_take_run(pool, 2);

	if (!pages)
		return ERR_NO_MEMORY;
	percpu()->backend = pages + PAGE_SIZE;
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SVME);
	msr_write(MSR_VM_HSAVE_PA, pool_hpa(pool, pages).v);
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
