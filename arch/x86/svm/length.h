/* The length of an instruction that exited. */
#ifndef ARCH_X86_SVM_LENGTH_H
#define ARCH_X86_SVM_LENGTH_H

#include "arch/x86/svm/internal.h"

/* Second bytes, after 0F, of instructions without operands. */
#define SVM_OPCODE_WRMSR 0x30
#define SVM_OPCODE_RDMSR 0x32
#define SVM_OPCODE_CPUID 0xa2

/* From the address of the next instruction; 0, which has it decoded, if that can't be. */
static inline u8 svm_length_to(u64 next_rip, const struct vmcb *vmcb)
{
	u64 length = next_rip - vmcb->rip;

	return length <= VCPU_CODE_MAX ? (u8)length : 0;
}

/* What the CPU saved. 0: it did not. */
static inline u8 svm_saved_length(const struct vmcb *vmcb)
{
	return svm_caps.nrip_save && vmcb->next_rip ? svm_length_to(vmcb->next_rip, vmcb) : 0;
}

/* Of one of these without prefixes, on the page that is known. 0: it is to be found out in another way. */
static inline u8 svm_plain_length(const struct vcpu *vcpu, const struct vmcb *vmcb, u8 opcode)
{
	struct guest_paging paging = {vmcb->cr0, vmcb->cr3, vmcb->cr4, vmcb->efer,
				      svm_caps.address_bits};
	u64 linear = vmcb->rip;
	const u8 *at;

	if (!svm_is_64_bit(vmcb))
		linear = (u32)(linear + vmcb->segment[SEGMENT_CS].base);
	at = guest_code_at(&vcpu->code, &paging, linear);
	if (!at || (linear & PAGE_MASK) == PAGE_MASK || at[0] != 0x0f || at[1] != opcode)
		return 0;
	return 2;
}

static inline u8 svm_length(const struct vcpu *vcpu, const struct vmcb *vmcb, u8 opcode)
{
	u8 length = svm_saved_length(vmcb);

	return length ? length : svm_plain_length(vcpu, vmcb, opcode);
}

#endif
