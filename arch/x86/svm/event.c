/*
 * What the next VMRUN delivers to the guest; and its NMIs.
 *
 * An NMI is injected as an external interrupt with vector 2 (15.20), which the guest can't tell from one: a
 * real one could keep back the hypervisor's NMIs too until the guest's next IRET, and a guest that makes none
 * would never be left again. That a guest takes none while it handles one is seen to here:
 *
 *   open -> (one is injected) blocked, IRET makes an exit -> (it does) stepping: it runs with RFLAGS.TF
 *   -> (#DB after it) open
 */
#include "arch/x86/apic.h"
#include "arch/x86/msr.h"
#include "arch/x86/svm/internal.h"

#define DR6_SINGLE_STEP BIT(14)

static void block_nmis(struct svm_vcpu *svm)
{
	svm->nmi = SVM_NMI_BLOCKED;
	svm->vmcb->intercept_3 |= (u32)SVM_INTERCEPT_IRET;
}

void svm_reset_nmis(struct svm_vcpu *svm)
{
	svm->nmi_waits = false;
	svm->nmi = SVM_NMI_OPEN;
	svm->vmcb->intercept_3 &= ~(u32)SVM_INTERCEPT_IRET;
}

void svm_deliver_nmi(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	if (svm->nmi != SVM_NMI_OPEN)
		return;
	if (vmcb->event_injection & SVM_EVENT_VALID) {
		/* What comes first is delivered, and an NMI of the hypervisor's own ends the guest's run then. */
		apic_send_nmi(vcpu->apic_id);
		return;
	}
	/* Where it is in the shadow of STI or MOV SS, which can't be told apart, it ends that. */
	vmcb->interrupt_shadow &= ~SVM_INTERRUPT_SHADOW;
	vmcb->event_injection = SVM_EVENT_VALID | SVM_EVENT_TYPE_INTERRUPT | VECTOR_OF_NMI;
	svm->nmi_waits = false;
	block_nmis(svm);
}

/* It has not run yet: were NMIs open before it, the next one's frame would come on top of this one's. */
static void step(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);

	svm->vmcb->intercept_3 &= ~(u32)SVM_INTERCEPT_IRET;
	svm->nmi = SVM_NMI_STEPPING;
	svm->iret = vcpu->rip;
	vcpu->rflags |= RFLAGS_TF;
}

bool svm_follow_iret(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	u32 code = (u32)svm->vmcb->exit_code;

	if (code == SVM_EXIT_IRET) {
		step(vcpu);
		return true;
	}
	if (svm->nmi != SVM_NMI_STEPPING)
		return false;
	if (code == SVM_EXIT_EXCEPTION + VECTOR_DB) {
		/* RFLAGS are what IRET loaded. */
		svm->nmi = SVM_NMI_OPEN;
		svm->vmcb->dr6 &= ~DR6_SINGLE_STEP;
		return true;
	}
	if (vcpu->rip == svm->iret) {
		/* Something else came first. */
		vcpu->rflags &= ~RFLAGS_TF;
		block_nmis(svm);
	} else {
		/* It faulted, which unblocks NMIs as well. */
		svm->nmi = SVM_NMI_OPEN;
	}
	return false;
}
