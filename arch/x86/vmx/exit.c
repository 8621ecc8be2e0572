#include "arch/x86/msr.h"
#include "arch/x86/vmx/internal.h"

/*
 * What was being delivered when the exit came must be delivered again (27.2.4), unless an instruction does
 * it: rip still points to that, and it runs again.
 */
static struct vmx_event event_to_repeat(void)
{
	u32 info = (u32)vmcs_read(VMCS_IDT_VECTORING);
	u32 type = info & VMX_EVENT_TYPE;

	if (!(info & VMX_EVENT_VALID) || type == VMX_EVENT_TYPE_SOFTWARE_INT ||
	    type == VMX_EVENT_TYPE_PRIVILEGED || type == VMX_EVENT_TYPE_SOFTWARE)
		return (struct vmx_event){0};
	return (struct vmx_event){
		.info = info & (u32)(VMX_EVENT_VALID | VMX_EVENT_ERROR_VALID | VMX_EVENT_TYPE |
				     VMX_EVENT_VECTOR),
		.error = (u32)vmcs_read(VMCS_IDT_VECTORING_ERROR),
	};
}

/* 27.2.3: an IRET that faulted had unblocked NMIs already; it will run again. */
static void block_nmis_again(u64 information)
{
	if (information & VMX_EVENT_NMI_UNBLOCKED &&
	    !(vmcs_read(VMCS_IDT_VECTORING) & VMX_EVENT_VALID))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) | VMX_BLOCKING_BY_NMI);
}

static void decode_io(u64 qualification, struct vm_exit *exit)
{
	exit->kind = EXIT_IO;
	exit->io.port = (u16)(qualification >> VMX_IO_PORT_SHIFT);
	exit->io.width = (u8)((qualification & VMX_IO_SIZE) + 1);
	exit->io.in = qualification & VMX_IO_IN;
	exit->io.string = qualification & VMX_IO_STRING;
}

static void decode_ept_violation(u64 qualification, struct vm_exit *exit)
{
	block_nmis_again(qualification);
	exit->kind = EXIT_NESTED_FAULT;
	exit->length = 0;
	exit->nested.address = gpa(vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
	exit->nested.write = qualification & VMX_EPT_WRITE;
	exit->nested.execute = qualification & VMX_EPT_EXECUTE;
	exit->nested.in_delivery = vmcs_read(VMCS_IDT_VECTORING) & VMX_EVENT_VALID;
	exit->nested.table_walk =
		qualification & VMX_EPT_LINEAR && !(qualification & VMX_EPT_FINAL);
}

/*
 * A MOV to CR0 or CR4 that changes what the guest may not. NE, NW and CD of CR0 and MCE of CR4 stay as they
 * are while the guest reads what it wrote: once the shadow says so the instruction makes no exit any more,
 * and runs again with all that belongs to it. What else is masked is not there for this guest, and faults.
 */
static void decode_control_register(struct vcpu *vcpu, u64 qualification, struct vm_exit *exit)
{
	u8 gpr = qualification >> VMX_CR_GPR_SHIFT & 15;
	u64 value = vcpu->gpr[gpr];
	bool mov_to = !(qualification & VMX_CR_ACCESS);
	u64 number = qualification & VMX_CR_NUMBER;

	if (!vmx_is_64_bit())
		value = (u32)value;
	exit->kind = EXIT_RETRY;
	if (mov_to && number == 0 && (value & CR0_CD || !(value & CR0_NW))) {
		vmcs_write(VMCS_CR0_SHADOW, value);
	} else if (mov_to && number == 4 && !(value & ~vcpu->cr4_allowed)) {
		vmcs_write(VMCS_CR4_SHADOW, value & CR4_MCE);
	} else if (mov_to && number == 4) {
		exit->kind = EXIT_CR4_WRITE;
		exit->cr4.gpr_known = true;
		exit->cr4.gpr = gpr;
	} else {
		exit->kind = EXIT_PRIVILEGED;
	}
}

/*
 * #DB and #AC were intercepted only so that the CPU can't loop; #AC's error code is always 0. The exit has
 * left to the hypervisor what #DB does to DR6 and DR7 (27.1).
 */
static void pass_exception_on(struct vmx_vcpu *vmx, u32 event, u64 qualification)
{
	block_nmis_again(event);
	vmx_end_shadow();
	if ((event & VMX_EVENT_VECTOR) == VECTOR_DB) {
		vmx_dr6_write((vmx_dr6_read() & ~BITS(3, 0)) | (qualification & VMX_DEBUG_REASONS));
		vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~DR7_GD);
	}
	vmx->inject = (struct vmx_event){
		.info = event & (u32)(VMX_EVENT_VALID | VMX_EVENT_ERROR_VALID | VMX_EVENT_TYPE |
				      VMX_EVENT_VECTOR),
		.length = (u8)vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH), /* INT1 */
	};
}

static void decode_event(struct vcpu *vcpu, u64 qualification, struct vm_exit *exit)
{
	u32 event = (u32)vmcs_read(VMCS_EXIT_EVENT);

	if ((event & VMX_EVENT_TYPE) == VMX_EVENT_TYPE_NMI) {
		/* Consumed, but none is taken any more until there is an IRET. */
		vmx_take_nmis();
		exit->kind = EXIT_HOST_EVENT;
	} else if ((event & VMX_EVENT_VECTOR) == VECTOR_MC) {
		exit->kind = EXIT_MACHINE_CHECK;
	} else {
		pass_exception_on(vmx_of(vcpu), event, qualification);
		exit->kind = EXIT_RETRY;
	}
}

static bool plain_exit(u32 reason, enum vm_exit_kind *kind)
{
	static const struct {
		u16 first, last;
		enum vm_exit_kind kind;
	} rows[] = {
		{VMX_REASON_CPUID, VMX_REASON_CPUID, EXIT_CPUID},
		{VMX_REASON_VMCALL, VMX_REASON_VMCALL, EXIT_HYPERCALL},
		{VMX_REASON_XSETBV, VMX_REASON_XSETBV, EXIT_XSETBV},
		{VMX_REASON_INVD, VMX_REASON_INVD, EXIT_CACHE},
		{VMX_REASON_RDPMC, VMX_REASON_RDPMC, EXIT_PRIVILEGED},
		{VMX_REASON_GETSEC, VMX_REASON_GETSEC, EXIT_UNDEFINED},
		{VMX_REASON_VMCLEAR, VMX_REASON_VMXON, EXIT_UNDEFINED},
		{VMX_REASON_INVEPT, VMX_REASON_INVEPT, EXIT_UNDEFINED},
		{VMX_REASON_INVVPID, VMX_REASON_INVVPID, EXIT_UNDEFINED},
		{VMX_REASON_VMFUNC, VMX_REASON_VMFUNC, EXIT_UNDEFINED},
		{VMX_REASON_MONITOR, VMX_REASON_MONITOR, EXIT_UNDEFINED},
		{VMX_REASON_MWAIT, VMX_REASON_MWAIT, EXIT_UNDEFINED},
		{VMX_REASON_TRIPLE_FAULT, VMX_REASON_TRIPLE_FAULT, EXIT_SHUTDOWN},
		{VMX_REASON_INIT, VMX_REASON_INIT, EXIT_INIT},
		{VMX_REASON_TASK_SWITCH, VMX_REASON_TASK_SWITCH, EXIT_TASK_SWITCH},
		{VMX_REASON_NMI_WINDOW, VMX_REASON_NMI_WINDOW, EXIT_RETRY},
		{VMX_REASON_PREEMPTION, VMX_REASON_PREEMPTION, EXIT_HOST_EVENT},
		{VMX_REASON_MACHINE_CHECK, VMX_REASON_MACHINE_CHECK, EXIT_MACHINE_CHECK},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (reason >= rows[i].first && reason <= rows[i].last) {
			*kind = rows[i].kind;
			return true;
		}
	return false;
}

void vmx_exit_decode(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct vmx_vcpu *vmx = vmx_of(vcpu);
	u32 reason = (u32)vmcs_read(VMCS_EXIT_REASON);
	u32 basic = reason & VMX_REASON_BASIC;
	u64 qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);

	*exit = (struct vm_exit){0};
	/* 26.8: nothing was saved, and the event was not delivered. */
	if (reason & VMX_REASON_ENTRY_FAILED) {
		exit->kind = basic == VMX_REASON_MACHINE_CHECK ? EXIT_MACHINE_CHECK : EXIT_INVALID;
		exit->invalid.reason = vmx_check_entry(&vmx_caps);
		return;
	}
	vmx->launched = true;
	vmx->repeat = event_to_repeat();
	/* Of exits that an instruction caused; the others don't look at it. */
	exit->length = (u8)vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);

	if (basic == VMX_REASON_EPT_VIOLATION) {
		decode_ept_violation(qualification, exit);
	} else if (basic == VMX_REASON_IO) {
		decode_io(qualification, exit);
	} else if (basic == VMX_REASON_RDMSR || basic == VMX_REASON_WRMSR) {
		exit->kind = EXIT_MSR;
		exit->msr.write = basic == VMX_REASON_WRMSR;
		exit->msr.index = (u32)vcpu->gpr[GPR_RCX];
	} else if (basic == VMX_REASON_CONTROL_REG) {
		decode_control_register(vcpu, qualification, exit);
	} else if (basic == VMX_REASON_EVENT) {
		decode_event(vcpu, qualification, exit);
	} else if (!plain_exit(basic, &exit->kind)) {
		exit->kind = EXIT_UNKNOWN;
		exit->unknown.code = reason;
		exit->unknown.info[0] = qualification;
		exit->unknown.info[1] = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS);
	}
}
