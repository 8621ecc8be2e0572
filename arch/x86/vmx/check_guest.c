/* The guest's registers and its state beyond them: Intel SDM volume 3C, 26.3.1.1 and 26.3.1.3 to 26.3.1.6. */
#include "arch/x86/guest_msr.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx/check.h"

/* With bus locks, which are newer: bit 2 here, 11 of pending debug exceptions. */
#define DEBUGCTL_KNOWN (BITS(2, 0) | BITS(15, 6))

#define RFLAGS_RESERVED (BITS(63, 22) | BIT(15) | BIT(5) | BIT(3))

#define INTERRUPTIBILITY_RESERVED BITS(31, 5)
#define PENDING_DEBUG_RESERVED	  (BITS(63, 17) | BIT(15) | BIT(13) | BITS(10, 4))

#define BLOCKING (VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_MOV_SS)

static bool is_long_mode(void)
{
	return vmcs_read(VMCS_ENTRY_CONTROLS) & VMX_ENTRY_LONG_MODE;
}

/* 26.3.1.1: of unrestricted guests PE and PG are free. */
static const char *check_control_registers(const struct vmx_caps *caps)
{
	u64 cr0 = vmcs_read(VMCS_GUEST_CR0);
	u64 cr4 = vmcs_read(VMCS_GUEST_CR4);

	CHECK(vmx_fixed(cr0 | CR0_PE | CR0_PG, caps->cr0_fixed0, caps->cr0_fixed1),
	      "guest CR0: bits that VMX fixes");
	CHECK(!(cr0 & CR0_PG) || cr0 & CR0_PE, "guest CR0: paging without protection");
	CHECK(vmx_fixed(cr4, caps->cr4_fixed0, caps->cr4_fixed1), "guest CR4: bits that VMX fixes");
	CHECK(!is_long_mode() || (cr0 & CR0_PG && cr4 & CR4_PAE),
	      "guest: long mode without paging or PAE");
	CHECK(is_long_mode() || !(cr4 & CR4_PCIDE), "guest CR4: PCIDE outside of long mode");
	CHECK(!(vmcs_read(VMCS_GUEST_CR3) >> caps->address_bits),
	      "guest CR3: beyond the CPU's addresses");
	CHECK(!(vmcs_read(VMCS_GUEST_DR7) >> 32), "guest DR7: upper half");
	CHECK(!(vmcs_read(VMCS_GUEST_DEBUGCTL) & ~DEBUGCTL_KNOWN), "guest DEBUGCTL: reserved bits");
	return NULL;
}

static const char *check_msrs(const struct vmx_caps *caps)
{
	u64 efer = vmcs_read(VMCS_GUEST_EFER);

	CHECK(vmx_canonical(caps, vmcs_read(VMCS_GUEST_SYSENTER_ESP)) &&
		      vmx_canonical(caps, vmcs_read(VMCS_GUEST_SYSENTER_EIP)),
	      "guest SYSENTER: not canonical");
	CHECK(guest_msr_is_valid(MSR_PAT, vmcs_read(VMCS_GUEST_PAT)),
	      "guest PAT: a type that there is not");
	CHECK(!(efer & ~EFER_KNOWN), "guest EFER: reserved bits");
	CHECK(!!(efer & EFER_LMA) == is_long_mode(), "guest EFER: LMA against the entry controls");
	CHECK(!(vmcs_read(VMCS_GUEST_CR0) & CR0_PG) || !!(efer & EFER_LMA) == !!(efer & EFER_LME),
	      "guest EFER: LMA against LME");
	return NULL;
}

/* 26.3.1.4. */
static const char *check_rip_and_rflags(const struct vmx_caps *caps)
{
	u64 rip = vmcs_read(VMCS_GUEST_RIP);
	u64 rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	u64 event = vmcs_read(VMCS_ENTRY_EVENT);
	bool long_code = is_long_mode() &&
			 vmcs_read(vmcs_of_segment(VMCS_GUEST_RIGHTS, SEGMENT_CS)) & BIT(13);

	CHECK(long_code || !(rip >> 32), "guest RIP: more than 32 bits outside of 64-bit code");
	CHECK(vmx_canonical(caps, rip), "guest RIP: not canonical");
	CHECK(!(rflags & RFLAGS_RESERVED) && rflags & RFLAGS_FIXED, "guest RFLAGS: reserved bits");
	CHECK(!(rflags & RFLAGS_VM) || (!is_long_mode() && vmcs_read(VMCS_GUEST_CR0) & CR0_PE),
	      "guest RFLAGS: virtual-8086 mode outside of protected mode");
	CHECK(!(event & VMX_EVENT_VALID) || event & VMX_EVENT_TYPE || rflags & RFLAGS_IF,
	      "an external interrupt to a guest with interrupts off");
	return NULL;
}

/* 26.3.1.5, but for what has to do with SMM. */
static const char *check_activity(u64 blocking, u64 event)
{
	u64 activity = vmcs_read(VMCS_GUEST_ACTIVITY);

	CHECK(activity == VMX_ACTIVE || activity == VMX_HALTED,
	      "guest activity: neither active nor halted");
	if (activity != VMX_HALTED)
		return NULL;
	CHECK(!(vmcs_read(vmcs_of_segment(VMCS_GUEST_RIGHTS, SEGMENT_SS)) >> 5 & 3),
	      "guest activity: halted outside of CPL 0");
	CHECK(!(blocking & BLOCKING), "guest activity: halted in the shadow of STI or MOV SS");
	CHECK(!(event & VMX_EVENT_VALID) || (event & VMX_EVENT_TYPE) == VMX_EVENT_TYPE_INTERRUPT ||
		      (event & VMX_EVENT_TYPE) == VMX_EVENT_TYPE_NMI ||
		      ((event & VMX_EVENT_TYPE) == VMX_EVENT_TYPE_EXCEPTION &&
		       ((event & VMX_EVENT_VECTOR) == 1 || (event & VMX_EVENT_VECTOR) == 18)),
	      "guest activity: halted, with an event that can't end that");
	return NULL;
}

static const char *check_interruptibility(u64 blocking, u64 event)
{
	u64 rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	bool interrupt = event & VMX_EVENT_VALID && !(event & VMX_EVENT_TYPE);
	bool nmi = event & VMX_EVENT_VALID && (event & VMX_EVENT_TYPE) == VMX_EVENT_TYPE_NMI;

	CHECK(!(blocking & INTERRUPTIBILITY_RESERVED), "guest interruptibility: reserved bits");
	CHECK((blocking & BLOCKING) != BLOCKING, "guest interruptibility: both STI and MOV SS");
	CHECK(!(blocking & VMX_BLOCKING_BY_STI) || rflags & RFLAGS_IF,
	      "guest interruptibility: STI with interrupts off");
	CHECK(!(blocking & BLOCKING) || !interrupt,
	      "an external interrupt in the shadow of STI or MOV SS");
	CHECK(!(blocking & VMX_BLOCKING_BY_MOV_SS) || !nmi, "an NMI in the shadow of MOV SS");
	CHECK(!(blocking & VMX_BLOCKING_BY_SMI), "guest interruptibility: SMI");
	CHECK(!(blocking & VMX_BLOCKING_BY_NMI) || !nmi, "an NMI where NMIs are blocked");
	return NULL;
}

static const char *check_pending_debug(u64 blocking)
{
	u64 pending = vmcs_read(VMCS_GUEST_PENDING_DEBUG);
	bool stepping = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF &&
			!(vmcs_read(VMCS_GUEST_DEBUGCTL) & BIT(1));
	bool waiting = blocking & BLOCKING || vmcs_read(VMCS_GUEST_ACTIVITY) == VMX_HALTED;

	CHECK(!(pending & PENDING_DEBUG_RESERVED), "guest pending debug exceptions: reserved bits");
	CHECK(!waiting || stepping == !!(pending & VMX_PENDING_DEBUG_STEP),
	      "guest pending debug exceptions: single step against RFLAGS.TF");
	return NULL;
}

/* 26.3.1.6: the CPU loads them at the entry with EPT. */
static const char *check_pdptes(const struct vmx_caps *caps)
{
	bool pae = vmcs_read(VMCS_GUEST_CR0) & CR0_PG && vmcs_read(VMCS_GUEST_CR4) & CR4_PAE &&
		   !is_long_mode();

	for (unsigned i = 0; i < 4 && pae; i++) {
		u64 entry = vmcs_read((enum vmcs_field)(VMCS_GUEST_PDPTE + 2 * i));

		CHECK(!(entry & 1) ||
			      !(entry & (BITS(8, 5) | BITS(2, 1)) || entry >> caps->address_bits),
		      "a guest PDPTE: reserved bits");
	}
	return NULL;
}

const char *vmx_check_guest(const struct vmx_caps *caps)
{
	u64 blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	u64 event = vmcs_read(VMCS_ENTRY_EVENT);
	const char *reason = check_control_registers(caps);

	if (!reason)
		reason = check_msrs(caps);
	if (!reason)
		reason = check_rip_and_rflags(caps);
	if (!reason)
		reason = check_activity(blocking, event);
	if (!reason)
		reason = check_interruptibility(blocking, event);
	if (!reason)
		reason = check_pending_debug(blocking);
	if (!reason && vmcs_read(VMCS_LINK_POINTER) != ~0ull)
		reason = "the VMCS link pointer";
	if (!reason)
		reason = check_pdptes(caps);
	return reason;
}
