#include "arch/x86/guest_msr.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx/internal.h"

#define RIGHTS_LONG BIT(13)
#define BLOCKING    (VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_MOV_SS)

bool vmx_is_64_bit(void)
{
	return vmcs_read(VMCS_GUEST_EFER) & EFER_LMA &&
	       vmcs_read(vmcs_of_segment(VMCS_GUEST_RIGHTS, SEGMENT_CS)) & RIGHTS_LONG;
}

void vmx_end_shadow(void)
{
	u64 blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (blocking & BLOCKING)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~BLOCKING);
}

void vmx_move_on(u64 rip)
{
	/* Outside of 64-bit code RIP has 32 bits. */
	vmcs_write(VMCS_GUEST_RIP, vmx_is_64_bit() ? rip : (u32)rip);
	vmx_end_shadow();
}

/*
 * An NMI may have to wait, and ends HLT with its delivery (26.7.2). An exception is an instruction's: the CPU
 * is not halted. It ends the shadow of STI or MOV SS, as its delivery would; with RFLAGS.TF the entry would
 * otherwise be refused (26.3.1.5). In real mode there are no error codes (26.2.1.3).
 */
void vmx_inject(struct vcpu *vcpu, const struct vcpu_event *event)
{
	struct vmx_vcpu *vmx = vmx_of(vcpu);
	bool has_error = event->has_error && vmcs_read(VMCS_GUEST_CR0) & CR0_PE;

	if (event->kind == EVENT_NMI) {
		vmx->nmi_waits = true;
		return;
	}
	vmcs_write(VMCS_GUEST_ACTIVITY, VMX_ACTIVE);
	vmx_end_shadow();
	if (event->vector == VECTOR_PF)
		vmx->cr2 = event->address;
	vmx->inject = (struct vmx_event){
		.info = (u32)(VMX_EVENT_VALID | VMX_EVENT_TYPE_EXCEPTION | event->vector |
			      (has_error ? VMX_EVENT_ERROR_VALID : 0)),
		.error = event->error,
	};
}

/* As the VMCB has them: descriptor bits 55:52 right above 47:40. A segment that can't be used: not present. */
static u16 attributes_of(u64 rights)
{
	if (rights & VMX_RIGHTS_UNUSABLE)
		return 0;
	return (u16)((rights & 0xff) | (rights >> 4 & 0xf00));
}

static struct vcpu_segment segment_of(unsigned n)
{
	return (struct vcpu_segment){
		.selector = (u16)vmcs_read(vmcs_of_segment(VMCS_GUEST_SELECTOR, n)),
		.attributes = attributes_of(vmcs_read(vmcs_of_segment(VMCS_GUEST_RIGHTS, n))),
		.limit = (u32)vmcs_read(vmcs_of_segment(VMCS_GUEST_LIMIT, n)),
		.base = vmcs_read(vmcs_of_segment(VMCS_GUEST_BASE, n)),
	};
}

/* What the guest reads: the shadow's bits where the mask has ones (25.3). */
static u64 seen(enum vmcs_field field, enum vmcs_field mask, enum vmcs_field shadow)
{
	u64 masked = vmcs_read(mask);

	return (vmcs_read(field) & ~masked) | (vmcs_read(shadow) & masked);
}

void vmx_state(const struct vcpu *vcpu, struct vcpu_state *state)
{
	*state = (struct vcpu_state){
		.cr0 = seen(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW),
		.cr2 = vmx_of(vcpu)->cr2,
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
		.cr4 = seen(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW),
		.efer = vmcs_read(VMCS_GUEST_EFER),
		.address_bits = vmx_caps.address_bits,
		/* 24.4.1: the DPL of SS is the CPL. */
		.cpl = vmcs_read(vmcs_of_segment(VMCS_GUEST_RIGHTS, SEGMENT_SS)) >> 5 & 3,
	};
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		state->segment[i] = segment_of(i);
}

/* Where the VMCS keeps an MSR; false for those that it doesn't. */
static bool msr_field(u32 index, enum vmcs_field *field)
{
	switch (index) {
	case MSR_SYSENTER_CS:
		*field = VMCS_GUEST_SYSENTER_CS;
		return true;
	case MSR_SYSENTER_ESP:
		*field = VMCS_GUEST_SYSENTER_ESP;
		return true;
	case MSR_SYSENTER_EIP:
		*field = VMCS_GUEST_SYSENTER_EIP;
		return true;
	case MSR_PAT:
		*field = VMCS_GUEST_PAT;
		return true;
	case MSR_EFER:
		*field = VMCS_GUEST_EFER;
		return true;
	case MSR_FS_BASE:
		*field = vmcs_of_segment(VMCS_GUEST_BASE, SEGMENT_FS);
		return true;
	case MSR_GS_BASE:
		*field = vmcs_of_segment(VMCS_GUEST_BASE, SEGMENT_GS);
		return true;
	default:
		return false;
	}
}

enum status vmx_msr_read(const struct vcpu *vcpu, u32 index, u64 *value)
{
	enum vmcs_field field;

	(void)vcpu;
	if (!msr_field(index, &field))
		return ERR_NOT_FOUND;
	*value = vmcs_read(field);
	return OK;
}

static enum status efer_write(u64 value)
{
	u64 efer = vmcs_read(VMCS_GUEST_EFER);
	enum status status = guest_efer_write(&efer, vmcs_read(VMCS_GUEST_CR0), value, false);

	if (status == OK)
		vmcs_write(VMCS_GUEST_EFER, efer);
	return status;
}

enum status vmx_msr_write(struct vcpu *vcpu, u32 index, u64 value)
{
	enum vmcs_field field;

	(void)vcpu;
	if (!msr_field(index, &field))
		return ERR_NOT_FOUND;
	if (index == MSR_EFER)
		return efer_write(value);
	if (!guest_msr_is_valid(index, value))
		return ERR_INVALID;
	vmcs_write(field, value);
	return OK;
}

/* What it may set it sets without an exit, or with the backend's help (exit.c). */
enum status vmx_cr4_write(struct vcpu *vcpu, u64 value)
{
	(void)vcpu;
	(void)value;
	return ERR_INVALID;
}
