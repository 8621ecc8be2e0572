#include "arch/x86/guest_cr4.h"
#include "arch/x86/guest_msr.h"
#include "arch/x86/msr.h"
#include "arch/x86/svm/internal.h"
#include "hv/base/string.h"

void svm_inject(struct vcpu *vcpu, const struct vcpu_event *event)
{
	struct vmcb *vmcb = svm_of(vcpu)->vmcb;

	if (event->kind == EVENT_NMI) {
		svm_of(vcpu)->nmi_waits = true;
		return;
	}
	if (event->vector == VECTOR_PF)
		vmcb->cr2 = event->address;
	vmcb->event_injection = SVM_EVENT_VALID | SVM_EVENT_TYPE_EXCEPTION | event->vector |
				(event->has_error ? SVM_EVENT_ERROR_VALID : 0) |
				(u64)event->error << SVM_EVENT_ERROR_SHIFT;
}

/*
 * A guest with EFER.LME and without CR4.PAE has no paging. At its exits QEMU's TCG does not load the host's
 * CR0: the hypervisor would go on with the guest's, in real mode even. So it has PAE, which makes no difference
 * without paging.
 *
 * Without MCE a machine check would shut the CPU down. That is an exit too (15.14.3), as it is not under VMX,
 * but one that can't be told from a triple fault; and QEMU's TCG resets the machine.
 */
void svm_set_cr4(struct svm_vcpu *svm, u64 value)
{
	svm->pae_lent = svm_caps.loses_cr0 && svm->vmcb->efer & EFER_LME && !(value & CR4_PAE);
	svm->mce = value & CR4_MCE;
	svm->vmcb->cr4 = value | CR4_MCE | (svm->pae_lent ? CR4_PAE : 0);
}

/* With that bit it may have turned long mode on: then it is its own. */
static u64 guest_cr4(const struct svm_vcpu *svm)
{
	bool lent = svm->pae_lent && !(svm->vmcb->efer & EFER_LMA);

	return svm->vmcb->cr4 & ~((lent ? CR4_PAE : 0) | (svm->mce ? 0 : CR4_MCE));
}

void svm_state(const struct vcpu *vcpu, struct vcpu_state *state)
{
	const struct vmcb *vmcb = svm_of(vcpu)->vmcb;

	state->cr0 = vmcb->cr0;
	state->cr2 = vmcb->cr2;
	state->cr3 = vmcb->cr3;
	state->cr4 = guest_cr4(svm_of(vcpu));
	state->efer = vmcb->efer & ~EFER_SVME;
	state->address_bits = svm_caps.address_bits;
	state->cpl = vmcb->cpl;
	memcpy(state->segment, vmcb->segment, sizeof(state->segment));
}

/* Where the VMCB keeps an MSR; NULL for those that it doesn't. */
static u64 *msr_field(struct vmcb *vmcb, u32 index)
{
	switch (index) {
	case MSR_SYSENTER_CS:
		return &vmcb->sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &vmcb->sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &vmcb->sysenter_eip;
	case MSR_PAT:
		return &vmcb->g_pat;
	case MSR_EFER:
		return &vmcb->efer;
	case MSR_STAR:
		return &vmcb->star;
	case MSR_LSTAR:
		return &vmcb->lstar;
	case MSR_CSTAR:
		return &vmcb->cstar;
	case MSR_SFMASK:
		return &vmcb->sfmask;
	case MSR_FS_BASE:
		return &vmcb->segment[SEGMENT_FS].base;
	case MSR_GS_BASE:
		return &vmcb->segment[SEGMENT_GS].base;
	case MSR_KERNEL_GS_BASE:
		return &vmcb->kernel_gs_base;
	default:
		return NULL;
	}
}

enum status svm_msr_read(const struct vcpu *vcpu, u32 index, u64 *value)
{
	const u64 *field = msr_field(svm_of(vcpu)->vmcb, index);

	if (!field)
		return ERR_NOT_FOUND;
	*value = index == MSR_EFER ? *field & ~EFER_SVME : *field;
	return OK;
}

RARE static enum status efer_write(struct svm_vcpu *svm, u64 value)
{
	struct vmcb *vmcb = svm->vmcb;
	u64 efer = vmcb->efer & ~EFER_SVME;
	u64 cr4 = guest_cr4(svm);

	if (guest_efer_write(&efer, vmcb->cr0, value, svm_caps.fast_fxsr) != OK)
		return ERR_INVALID;
	vmcb->efer = efer | EFER_SVME;
	svm_set_cr4(svm, cr4);
	return OK;
}

enum status svm_msr_write(struct vcpu *vcpu, u32 index, u64 value)
{
	struct vmcb *vmcb = svm_of(vcpu)->vmcb;
	u64 *field = msr_field(vmcb, index);

	if (!field)
		return ERR_NOT_FOUND;
	if (index == MSR_EFER)
		return efer_write(svm_of(vcpu), value);
	if (!guest_msr_is_valid(index, value))
		return ERR_INVALID;
	*field = value;
	return OK;
}

enum status svm_cr4_write(struct vcpu *vcpu, u64 value)
{
	struct vcpu_state state;

	svm_state(vcpu, &state);
	if (!guest_cr4_is_valid(&state, vcpu->cr4_allowed, value))
		return ERR_INVALID;
	svm_set_cr4(svm_of(vcpu), value);
	svm_flush(vcpu);
	return OK;
}
