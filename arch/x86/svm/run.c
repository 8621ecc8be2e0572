#include "arch/x86/percpu.h"
#include "arch/x86/svm/internal.h"

void svm_take_nmis(void)
{
	__asm__ volatile("stgi; nop; clgi" : : : "memory");
	percpu()->nmi_seen = false;
}

/*
 * svm_enter() but for RBP leaves no register as it was: who saves its own saves none twice.
 */
static void enter(struct vcpu *vcpu, const struct svm_vcpu *svm)
{
	u64 *gpr = vcpu->gpr;
	u64 guest = svm->vmcb_hpa.v;
	u64 host = (u64)(uintptr_t)percpu()->backend;

	__asm__ volatile("call svm_enter"
			 : "+D"(gpr), "+S"(guest), "+d"(host)
			 :
			 : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
			   "r15", "cc", "memory");
}

/* One that came while the CPU was still at GIF = 1, where nothing looks at what it is about. */
static bool take_earlier_nmi(void)
{
	if (!percpu()->nmi_seen)
		return false;
	percpu()->nmi_seen = false;
	return true;
}

void svm_stand_by(void)
{
	__asm__ volatile("stgi" : : : "memory");
}

/*
 * From an entry on the CPU is at GIF = 0 whenever the hypervisor runs, until svm_stand_by(): NMIs wait for
 * the guest, whose exit they then cause, or for the window that svm_take_nmis() opens.
 */
void svm_run(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	if (svm->nmi_waits)
		svm_deliver_nmi(vcpu);
	vmcb->rax = vcpu->gpr[GPR_RAX];
	vmcb->rsp = vcpu->gpr[GPR_RSP];
	vmcb->rip = vcpu->rip;
	vmcb->rflags = vcpu->rflags;

	__asm__ volatile("clgi" : : : "memory");
	if (take_earlier_nmi()) {
		*exit = (struct vm_exit){.kind = EXIT_HOST_EVENT};
		return;
	}
	enter(vcpu, svm);

	vcpu->gpr[GPR_RAX] = vmcb->rax;
	vcpu->gpr[GPR_RSP] = vmcb->rsp;
	vcpu->rip = vmcb->rip;
	vcpu->rflags = vmcb->rflags;
	vmcb->tlb_control = SVM_TLB_FLUSH_NOTHING;
	svm_exit_decode(vcpu, exit);
}
