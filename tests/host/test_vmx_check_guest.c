// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_check_desk.h"

/* 26.3.1.1. */
static const struct row register_rows[] = {
	{FLAT, "guest CR0: bits that VMX fixes", {{CR0, CR0_PE}}},
	{FLAT, "guest CR0: bits that VMX fixes", {{CR0, CR0_PE | CR0_NE | BIT(32)}}},
	{REAL, "guest CR0: paging without protection", {{CR0, CR0_PG | CR0_NE}}},
	{FLAT, "guest CR4: bits that VMX fixes", {{CR4, CR4_MCE}}},
	{FLAT, "guest CR4: bits that VMX fixes", {{CR4, CR4_VMXE | CR4_UMIP}}},
	{LONG, "guest: long mode without paging or PAE", {{CR0, CR0_PE | CR0_NE}}},
	{LONG, "guest: long mode without paging or PAE", {{CR4, CR4_VMXE}}},
	{FLAT, "guest CR4: PCIDE outside of long mode", {{CR4, CR4_VMXE | CR4_PCIDE}}},
	{LONG, NULL, {{CR4, CR4_VMXE | CR4_PAE | CR4_PCIDE}}},
	{FLAT, "guest CR3: beyond the CPU's addresses", {{VMCS_GUEST_CR3, BIT(46)}}},
	{LONG, "guest CR3: beyond the CPU's addresses", {{VMCS_GUEST_CR3, BIT(63)}}},
	{FLAT, NULL, {{VMCS_GUEST_CR3, BIT(46) - 1}}},
	{FLAT, "guest DR7: upper half", {{VMCS_GUEST_DR7, BIT(32)}}},
	{FLAT, "guest DEBUGCTL: reserved bits", {{VMCS_GUEST_DEBUGCTL, BIT(3)}}},
	{FLAT, "guest DEBUGCTL: reserved bits", {{VMCS_GUEST_DEBUGCTL, BIT(16)}}},
	{FLAT, NULL, {{VMCS_GUEST_DEBUGCTL, 0xffc7}}},
	{FLAT, "guest SYSENTER: not canonical", {{VMCS_GUEST_SYSENTER_ESP, NOT_CANONICAL}}},
	{FLAT, "guest SYSENTER: not canonical", {{VMCS_GUEST_SYSENTER_EIP, BIT(48)}}},
	{FLAT, "guest PAT: a type that there is not", {{VMCS_GUEST_PAT, 3}}},
	{FLAT, NULL, {{VMCS_GUEST_PAT, 0x0706050401000706}}},
	{FLAT, "guest EFER: reserved bits", {{EFER, EFER_SVME}}},
	{FLAT, "guest EFER: LMA against the entry controls", {{EFER, EFER_LMA}}},
	{LONG, "guest EFER: LMA against the entry controls", {{EFER, EFER_LME}}},
	{LONG, "guest EFER: LMA against LME", {{EFER, EFER_LMA}}},
	{PAE, "guest EFER: LMA against LME", {{EFER, EFER_LME}}},
	{FLAT, NULL, {{EFER, EFER_LME}}}, /* without paging */
};

#define RIP	 VMCS_GUEST_RIP
#define RFLAGS	 VMCS_GUEST_RFLAGS
#define ACTIVITY VMCS_GUEST_ACTIVITY
#define BLOCKING VMCS_GUEST_INTERRUPTIBILITY
#define PENDING	 VMCS_GUEST_PENDING_DEBUG
#define DEBUGCTL VMCS_GUEST_DEBUGCTL

/* 26.3.1.4 to 26.3.1.6. */
static const struct row state_rows[] = {
	{FLAT, "guest RIP: more than 32 bits outside of 64-bit code", {{RIP, BIT(32)}}},
	{LONG,
	 "guest RIP: more than 32 bits outside of 64-bit code",
	 {{RIP, BIT(32)}, {CS(RIGHTS), 0xc09b}}},
	{LONG, "guest RIP: not canonical", {{RIP, NOT_CANONICAL}}},
	{FLAT, "guest RFLAGS: reserved bits", {{RFLAGS, 0}}},
	{FLAT, "guest RFLAGS: reserved bits", {{RFLAGS, 2 | BIT(3)}}},
	{FLAT, "guest RFLAGS: reserved bits", {{RFLAGS, 2 | BIT(5)}}},
	{FLAT, "guest RFLAGS: reserved bits", {{RFLAGS, 2 | BIT(15)}}},
	{FLAT, "guest RFLAGS: reserved bits", {{RFLAGS, 2 | BIT(22)}}},
	{FLAT, "guest RFLAGS: reserved bits", {{RFLAGS, 2 | BIT(63)}}},
	{FLAT, NULL, {{RFLAGS, 0x3d7fd7}}},
	{LONG,
	 "guest RFLAGS: virtual-8086 mode outside of protected mode",
	 {{RFLAGS, 2 | RFLAGS_VM}}},
	{REAL,
	 "guest RFLAGS: virtual-8086 mode outside of protected mode",
	 {{RFLAGS, 2 | RFLAGS_VM}}},
	{FLAT, "an external interrupt to a guest with interrupts off", {{EVENT, 0x80000020}}},
	{FLAT, NULL, {{EVENT, 0x80000020}, {RFLAGS, 2 | RFLAGS_IF}}},
	{FLAT, "guest activity: neither active nor halted", {{ACTIVITY, 2}}},
	{FLAT, NULL, {{ACTIVITY, VMX_HALTED}}},
	{FLAT,
	 "guest activity: halted outside of CPL 0",
	 {{ACTIVITY, VMX_HALTED}, {SS(RIGHTS), 0xc0f3}}},
	{FLAT,
	 "guest activity: halted in the shadow of STI or MOV SS",
	 {{ACTIVITY, VMX_HALTED}, {BLOCKING, VMX_BLOCKING_BY_STI}}},
	{FLAT,
	 "guest activity: halted in the shadow of STI or MOV SS",
	 {{ACTIVITY, VMX_HALTED}, {BLOCKING, VMX_BLOCKING_BY_MOV_SS}}},
	{FLAT, NULL, {{ACTIVITY, VMX_HALTED}, {BLOCKING, VMX_BLOCKING_BY_NMI}}},
	{FLAT,
	 "guest activity: halted, with an event that can't end that",
	 {{ACTIVITY, VMX_HALTED}, {EVENT, 0x80000306}}},
	{FLAT,
	 "guest activity: halted, with an event that can't end that",
	 {{ACTIVITY, VMX_HALTED}, {EVENT, 0x80000480}, {LENGTH, 2}}},
	{FLAT, NULL, {{ACTIVITY, VMX_HALTED}, {EVENT, 0x80000301}}},
	{FLAT, NULL, {{ACTIVITY, VMX_HALTED}, {EVENT, 0x80000312}}},
	{FLAT, NULL, {{ACTIVITY, VMX_HALTED}, {EVENT, 0x80000202}}},
	{FLAT, NULL, {{ACTIVITY, VMX_HALTED}, {EVENT, 0x80000030}, {RFLAGS, 2 | RFLAGS_IF}}},
	{FLAT, "guest interruptibility: reserved bits", {{BLOCKING, BIT(5)}}},
	{FLAT,
	 "guest interruptibility: both STI and MOV SS",
	 {{BLOCKING, 3}, {RFLAGS, 2 | RFLAGS_IF}}},
	{FLAT,
	 "guest interruptibility: STI with interrupts off",
	 {{BLOCKING, VMX_BLOCKING_BY_STI}}},
	{FLAT, NULL, {{BLOCKING, VMX_BLOCKING_BY_STI}, {RFLAGS, 2 | RFLAGS_IF}}},
	{FLAT, NULL, {{BLOCKING, VMX_BLOCKING_BY_MOV_SS}}},
	{FLAT,
	 "an external interrupt in the shadow of STI or MOV SS",
	 {{BLOCKING, VMX_BLOCKING_BY_STI}, {RFLAGS, 2 | RFLAGS_IF}, {EVENT, 0x80000020}}},
	{FLAT,
	 "an external interrupt in the shadow of STI or MOV SS",
	 {{BLOCKING, VMX_BLOCKING_BY_MOV_SS}, {RFLAGS, 2 | RFLAGS_IF}, {EVENT, 0x80000020}}},
	{FLAT,
	 "an NMI in the shadow of MOV SS",
	 {{BLOCKING, VMX_BLOCKING_BY_MOV_SS}, {EVENT, 0x80000202}}},
	{FLAT, "guest interruptibility: SMI", {{BLOCKING, VMX_BLOCKING_BY_SMI}}},
	{FLAT,
	 "an NMI where NMIs are blocked",
	 {{BLOCKING, VMX_BLOCKING_BY_NMI}, {EVENT, 0x80000202}}},
	{FLAT, NULL, {{BLOCKING, VMX_BLOCKING_BY_NMI}, {EVENT, 0x80000306}}},
	{FLAT, "guest pending debug exceptions: reserved bits", {{PENDING, BIT(4)}}},
	{FLAT, "guest pending debug exceptions: reserved bits", {{PENDING, BIT(13)}}},
	{FLAT, "guest pending debug exceptions: reserved bits", {{PENDING, BIT(15)}}},
	{FLAT, "guest pending debug exceptions: reserved bits", {{PENDING, BIT(17)}}},
	{FLAT, NULL, {{PENDING, 0x580f}}},
	{FLAT, "guest pending debug exceptions: reserved bits", {{PENDING, BIT(10)}}},
	{FLAT,
	 "guest pending debug exceptions: single step against RFLAGS.TF",
	 {{PENDING, BIT(14)}, {BLOCKING, VMX_BLOCKING_BY_MOV_SS}}},
	{FLAT,
	 "guest pending debug exceptions: single step against RFLAGS.TF",
	 {{RFLAGS, 2 | RFLAGS_TF}, {BLOCKING, VMX_BLOCKING_BY_MOV_SS}}},
	{FLAT,
	 "guest pending debug exceptions: single step against RFLAGS.TF",
	 {{RFLAGS, 2 | RFLAGS_TF | RFLAGS_IF}, {BLOCKING, VMX_BLOCKING_BY_STI}}},
	{FLAT,
	 "guest pending debug exceptions: single step against RFLAGS.TF",
	 {{RFLAGS, 2 | RFLAGS_TF}, {ACTIVITY, VMX_HALTED}}},
	{FLAT,
	 "guest pending debug exceptions: single step against RFLAGS.TF",
	 {{RFLAGS, 2 | RFLAGS_TF}, {ACTIVITY, VMX_HALTED}, {PENDING, BIT(14)}, {DEBUGCTL, BIT(1)}}},
	{FLAT, NULL, {{RFLAGS, 2 | RFLAGS_TF}, {ACTIVITY, VMX_HALTED}, {PENDING, BIT(14)}}},
	{FLAT, NULL, {{RFLAGS, 2 | RFLAGS_TF}, {ACTIVITY, VMX_HALTED}, {DEBUGCTL, BIT(1)}}},
	{FLAT, NULL, {{RFLAGS, 2 | RFLAGS_TF}}},
	{FLAT, "the VMCS link pointer", {{VMCS_LINK_POINTER, 0}}},
	{PAE, "a guest PDPTE: reserved bits", {{VMCS_GUEST_PDPTE, 0x5003}}},
	{PAE, "a guest PDPTE: reserved bits", {{VMCS_GUEST_PDPTE + 2, 0x5005}}},
	{PAE, "a guest PDPTE: reserved bits", {{VMCS_GUEST_PDPTE + 4, 0x5021}}},
	{PAE, "a guest PDPTE: reserved bits", {{VMCS_GUEST_PDPTE + 6, 0x5101}}},
	{PAE, "a guest PDPTE: reserved bits", {{VMCS_GUEST_PDPTE + 6, BIT(46) | 1}}},
	{PAE, NULL, {{VMCS_GUEST_PDPTE + 6, 0x5e19}}},
	{PAE, NULL, {{VMCS_GUEST_PDPTE, 0xfffffffffffffffe}}}, /* not present */
	{LONG, NULL, {{VMCS_GUEST_PDPTE, ~0ull}}},
};

static void test_register(void **state)
{
	(void)state;
	check_rows(register_rows);
}

static void test_state(void **state)
{
	(void)state;
	check_rows(state_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_register),
		DESK_TEST(test_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
