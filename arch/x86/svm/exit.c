#include "arch/x86/svm/length.h"

#include "hv/base/string.h"

/* INT n, INT3 and INTO: rip still points to the instruction, which runs again. */
static bool is_software_event(u64 info)
{
	u64 type = info & SVM_EVENT_TYPE;
	u64 vector = info & SVM_EVENT_VECTOR;

	return type == SVM_EVENT_TYPE_SOFTWARE ||
	       (type == SVM_EVENT_TYPE_EXCEPTION && (vector == VECTOR_BP || vector == VECTOR_OF));
}

/*
 * What was being delivered when the exit came must be delivered again (15.7.2), unless an instruction
 * does it. QEMU's TCG says "exception" of an external interrupt too; exceptions have vectors below 32, and
 * never that of NMIs.
 */
static u64 event_to_repeat(u64 info)
{
	if (is_software_event(info))
		return 0;
	if ((info & SVM_EVENT_TYPE) == SVM_EVENT_TYPE_EXCEPTION &&
	    ((info & SVM_EVENT_VECTOR) >= 32 || (info & SVM_EVENT_VECTOR) == VECTOR_OF_NMI))
		return SVM_EVENT_VALID | SVM_EVENT_TYPE_INTERRUPT | (info & SVM_EVENT_VECTOR);
	return info & (SVM_EVENT_VALID | SVM_EVENT_TYPE | SVM_EVENT_VECTOR | SVM_EVENT_ERROR_VALID |
		       SVM_EVENT_ERROR);
}

static void decode_io(const struct vmcb *vmcb, struct vm_exit *exit)
{
	u64 info = vmcb->exit_info[0];

	exit->kind = EXIT_IO;
	exit->io.port = (u16)(info >> SVM_IOIO_PORT_SHIFT);
	exit->io.width = info >> SVM_IOIO_SIZE_SHIFT & 7;
	exit->io.in = info & SVM_IOIO_IN;
	exit->io.string = info & SVM_IOIO_STRING;
	exit->length = svm_length_to(vmcb->exit_info[1], vmcb); /* EXITINFO2 is the next rip */
}

static void decode_nested_fault(const struct vmcb *vmcb, struct vm_exit *exit)
{
	u64 info = vmcb->exit_info[0];

	exit->kind = EXIT_NESTED_FAULT;
	exit->length = svm_saved_length(vmcb);
	exit->nested.address = gpa(vmcb->exit_info[1]);
	exit->nested.write = info & SVM_NPF_WRITE;
	exit->nested.execute = info & SVM_NPF_EXECUTE;
	exit->nested.table_walk = info & SVM_NPF_TABLE_WALK;
	exit->nested.in_delivery = vmcb->exit_int_info & SVM_EVENT_VALID;
	if (svm_caps.decode_assists && !exit->nested.execute) {
		exit->code_length = vmcb->instruction_length & SVM_FETCHED_BYTES;
		memcpy(exit->code, vmcb->instruction_bytes, exit->code_length);
	}
}

static void decode_msr(const struct vmcb *vmcb, const struct vcpu *vcpu, struct vm_exit *exit)
{
	exit->kind = EXIT_MSR;
	exit->msr.write = vmcb->exit_info[0] & SVM_MSR_WRITE;
	exit->msr.index = (u32)vcpu->gpr[GPR_RCX];
	exit->length =
		svm_length(vcpu, vmcb, exit->msr.write ? SVM_OPCODE_WRMSR : SVM_OPCODE_RDMSR);
}

static void decode_cpuid(const struct vmcb *vmcb, const struct vcpu *vcpu, struct vm_exit *exit)
{
	exit->kind = EXIT_CPUID;
	exit->length = svm_length(vcpu, vmcb, SVM_OPCODE_CPUID);
}

static void decode_nmi(const struct vmcb *vmcb, struct vm_exit *exit)
{
	/* It is still pending. */
	svm_take_nmis();
	exit->kind = EXIT_HOST_EVENT;
	exit->host_event.in_shadow = vmcb->interrupt_shadow & SVM_INTERRUPT_SHADOW;
}

static void decode_cr4_access(const struct vmcb *vmcb, struct vm_exit *exit)
{
	u64 info = vmcb->exit_info[0];

	exit->kind = vmcb->exit_code == SVM_EXIT_CR4_READ ? EXIT_CR4_READ : EXIT_CR4_WRITE;
	exit->cr4.gpr_known = svm_caps.decode_assists && info & SVM_CR_VALID;
	exit->cr4.gpr = info & SVM_CR_GPR;
}

/* #DB and #AC were intercepted only so that the CPU can't loop; #AC's error code is always 0. */
static void pass_exception_on(struct vcpu *vcpu, u8 vector, struct vm_exit *exit)
{
	struct vcpu_event event = {
		.kind = EVENT_EXCEPTION,
		.vector = vector,
		.has_error = vector == VECTOR_AC,
	};

	svm_inject(vcpu, &event);
	exit->kind = EXIT_RETRY;
}

static bool plain_exit(u32 code, enum vm_exit_kind *kind)
{
	static const struct {
		u32 code;
		enum vm_exit_kind kind;
	} rows[] = {
		{SVM_EXIT_VMMCALL, EXIT_HYPERCALL},
		{SVM_EXIT_XSETBV, EXIT_XSETBV},
		{SVM_EXIT_WBINVD, EXIT_CACHE},
		{SVM_EXIT_INVD, EXIT_CACHE},
		{SVM_EXIT_RDPMC, EXIT_PRIVILEGED}, /* there are no counters */
		{SVM_EXIT_RSM, EXIT_UNDEFINED},
		{SVM_EXIT_INVLPGA, EXIT_UNDEFINED},
		{SVM_EXIT_VMRUN, EXIT_UNDEFINED},
		{SVM_EXIT_VMLOAD, EXIT_UNDEFINED},
		{SVM_EXIT_VMSAVE, EXIT_UNDEFINED},
		{SVM_EXIT_STGI, EXIT_UNDEFINED},
		{SVM_EXIT_CLGI, EXIT_UNDEFINED},
		{SVM_EXIT_SKINIT, EXIT_UNDEFINED},
		{SVM_EXIT_MONITOR, EXIT_UNDEFINED},
		{SVM_EXIT_MWAIT, EXIT_UNDEFINED},
		{SVM_EXIT_MWAIT_ARMED, EXIT_UNDEFINED},
		{SVM_EXIT_SHUTDOWN, EXIT_SHUTDOWN},
		{SVM_EXIT_INIT, EXIT_INIT},
		{SVM_EXIT_DR7_WRITE, EXIT_DEBUG},
		{SVM_EXIT_RDPRU, EXIT_UNDEFINED},
		{SVM_EXIT_EXCEPTION + VECTOR_MC, EXIT_MACHINE_CHECK},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code) {
			*kind = rows[i].kind;
			return true;
		}
	return false;
}

RARE static void decode_other(const struct vmcb *vmcb, struct vcpu *vcpu, struct vm_exit *exit)
{
	u32 code = (u32)vmcb->exit_code;

	exit->length = svm_saved_length(vmcb);
	if (plain_exit(code, &exit->kind))
		return;
	if (code == SVM_EXIT_CR4_WRITE || code == SVM_EXIT_CR4_READ) {
		decode_cr4_access(vmcb, exit);
	} else if (code == SVM_EXIT_NMI) {
		decode_nmi(vmcb, exit);
	} else if (code >= SVM_EXIT_EXCEPTION && code < SVM_EXIT_EXCEPTION + 32) {
		pass_exception_on(vcpu, (u8)(code - SVM_EXIT_EXCEPTION), exit);
	} else {
		exit->kind = EXIT_UNKNOWN;
		exit->unknown.code = vmcb->exit_code;
		exit->unknown.info[0] = vmcb->exit_info[0];
		exit->unknown.info[1] = vmcb->exit_info[1];
	}
}

static void decode(const struct vmcb *vmcb, struct vcpu *vcpu, struct vm_exit *exit)
{
	u32 code = (u32)vmcb->exit_code;

	exit->code_length = 0;
	if (code == SVM_EXIT_IOIO)
		decode_io(vmcb, exit);
	else if (code == SVM_EXIT_NESTED_FAULT)
		decode_nested_fault(vmcb, exit);
	else if (code == SVM_EXIT_MSR)
		decode_msr(vmcb, vcpu, exit);
	else if (code == SVM_EXIT_CPUID)
		decode_cpuid(vmcb, vcpu, exit);
	else
		decode_other(vmcb, vcpu, exit);
}

/*
 * QEMU's TCG has put the state of its own host over the guest's, of which nothing is wrong, or exits before that
 * has changed: then there is no reason to be found.
 */
RARE static void decode_invalid(const struct vmcb *vmcb, struct vm_exit *exit)
{
	exit->kind = EXIT_INVALID;
	exit->invalid.reason = svm_check_entry(&svm_caps, vmcb);
}

/* With more to it than what the exit is for. */
RARE static void decode_disturbed(struct vmcb *vmcb, struct vcpu *vcpu, struct vm_exit *exit)
{
	if (vmcb->exit_int_info & SVM_EVENT_VALID)
		vmcb->event_injection = event_to_repeat(vmcb->exit_int_info);
	if (svm_of(vcpu)->nmi != SVM_NMI_OPEN && svm_follow_iret(vcpu))
		exit->kind = EXIT_RETRY;
	else
		decode(vmcb, vcpu, exit);
}

void svm_exit_decode(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	if ((u32)vmcb->exit_code == SVM_EXIT_INVALID) {
		decode_invalid(vmcb, exit);
		return;
	}
	/* What was injected was delivered, but the CPU leaves it there. */
	vmcb->event_injection = 0;
	if (vmcb->exit_int_info & SVM_EVENT_VALID || svm->nmi != SVM_NMI_OPEN)
		decode_disturbed(vmcb, vcpu, exit);
	else
		decode(vmcb, vcpu, exit);
}
