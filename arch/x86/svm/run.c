#include "arch/x86/percpu.h"
#include "arch/x86/svm/length.h"

void svm_take_nmis(void)
{
	__asm__ volatile("stgi; nop; clgi" : : : "memory");
	percpu()->nmi_seen = false;
}

_Static_assert(offsetof(struct vcpu, gpr) == 0, "the vCPU is its registers");

/*
 * Afterwards only these two and RBP are in a register still: the caller saves what else it needs, and that once.
 * The pool is identity-mapped: pointers are physical addresses.
 */
static inline void enter(struct vcpu **vcpu, struct vmcb **vmcb, void *host_vmcb)
{
	__asm__ volatile("call svm_enter"
			 : "+D"(*vcpu), "+S"(*vmcb), "+d"(host_vmcb)
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

static bool answer_cpuid(struct vcpu *vcpu, struct vmcb *vmcb, u8 *length)
{
	const struct cpuid *answer = guest_cpuid_find(&vcpu->cpuid, (u32)vmcb->rax);

	if (!answer || svm_of(vcpu)->nmi != SVM_NMI_OPEN)
		return false;
	*length = svm_length(vcpu, vmcb, SVM_OPCODE_CPUID);
	if (!*length)
		return false;
	vmcb->rax = answer->eax;
	vcpu->gpr[GPR_RBX] = answer->ebx;
	vcpu->gpr[GPR_RCX] = answer->ecx;
	vcpu->gpr[GPR_RDX] = answer->edx;
	vcpu->cpuid_answers++;
	return true;
}

/* What faults is left to the caller. */
static bool answer_msr(struct vcpu *vcpu, struct vmcb *vmcb, u8 *length)
{
	const struct guest_msr *msr = guest_msr_find(&vcpu->msrs, (u32)vcpu->gpr[GPR_RCX]);
	bool write = vmcb->exit_info[0] & SVM_MSR_WRITE;
	u64 value;

	if (!msr || (write && msr->kind == GUEST_MSR_READ) || svm_of(vcpu)->nmi != SVM_NMI_OPEN)
		return false;
	*length = svm_length(vcpu, vmcb, write ? SVM_OPCODE_WRMSR : SVM_OPCODE_RDMSR);
	if (!*length)
		return false;
	value = write ? vcpu->gpr[GPR_RDX] << 32 | (u32)vmcb->rax : msr->value;
	if (msr->kind == GUEST_MSR_SWITCHED &&
	    (write ? svm_msr_write(vcpu, msr->index, value)
		   : svm_msr_read(vcpu, msr->index, &value)) != OK)
		return false;
	if (!write) {
		vmcb->rax = (u32)value;
		vcpu->gpr[GPR_RDX] = value >> 32;
	}
	vcpu->msr_answers++;
	return true;
}

/*
 * What takes no more than a look at what was prepared, in the VMCB as it is; all else is left to
 * svm_exit_decode(): then false.
 */
static bool answer(struct vcpu *vcpu, struct vmcb *vmcb)
{
	u8 length;

	if (!VCPU_BACKEND_ANSWERS)
		return false;
	switch ((u32)vmcb->exit_code) {
	case SVM_EXIT_CPUID:
		if (!answer_cpuid(vcpu, vmcb, &length))
			return false;
		break;
	case SVM_EXIT_MSR:
		if (!answer_msr(vcpu, vmcb, &length))
			return false;
		break;
	default:
		return false;
	}
	svm_move_on(vmcb, vmcb->rip + length);
	vmcb->event_injection = 0;
	vmcb->tlb_control = SVM_TLB_FLUSH_NOTHING;
	return true;
}

static void run_once(struct vcpu *vcpu, struct vm_exit *exit, void *host_vmcb)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	if (svm->nmi_waits)
		svm_deliver_nmi(vcpu);
	vmcb->rax = vcpu->gpr[GPR_RAX];
	vmcb->rsp = vcpu->gpr[GPR_RSP];
	if (vmcb->rip != vcpu->rip)
		svm_move_on(vmcb, vcpu->rip);
	vmcb->rflags = vcpu->rflags;
	do
		enter(&vcpu, &vmcb, host_vmcb);
	while (answer(vcpu, vmcb));
	vcpu->gpr[GPR_RAX] = vmcb->rax;
	vcpu->gpr[GPR_RSP] = vmcb->rsp;
	vcpu->rip = vmcb->rip;
	vcpu->rflags = vmcb->rflags;
	vmcb->tlb_control = SVM_TLB_FLUSH_NOTHING;
	svm_exit_decode(vcpu, exit);
}

/*
 * From here on the CPU is at GIF = 0 whenever the hypervisor runs, until svm_stand_by(): NMIs wait for the
 * guest, whose exit they then cause, or for the window that svm_take_nmis() opens.
 */
void svm_run(struct vcpu *vcpu, vcpu_handler *handle)
{
	void *host_vmcb = percpu()->backend;
	struct vm_exit exit = {.kind = EXIT_HOST_EVENT};

	__asm__ volatile("clgi" : : : "memory");
	if (take_earlier_nmi() && !handle(vcpu, &exit))
		return;
	do
		run_once(vcpu, &exit, host_vmcb);
	while (handle(vcpu, &exit));
}
