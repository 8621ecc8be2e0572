/*
 * The virtual machine control structure (Intel SDM volume 3C, 325462-077, chapter 24 and appendix B) and
 * exit reasons (appendix C).
 */
#ifndef ARCH_X86_VMX_VMCS_H
#define ARCH_X86_VMX_VMCS_H

#include "hv/base/bits.h"

/* Field encodings, B.1 to B.4. Those of segments: the first one's plus twice enum segment, LDTR 6, TR 7. */
enum vmcs_field {
	/* 16 bits. */
	VMCS_VPID = 0x0000,
	VMCS_GUEST_SELECTOR = 0x0800,
	VMCS_HOST_ES_SELECTOR = 0x0c00,
	VMCS_HOST_CS_SELECTOR = 0x0c02,
	VMCS_HOST_SS_SELECTOR = 0x0c04,
	VMCS_HOST_DS_SELECTOR = 0x0c06,
	VMCS_HOST_FS_SELECTOR = 0x0c08,
	VMCS_HOST_GS_SELECTOR = 0x0c0a,
	VMCS_HOST_TR_SELECTOR = 0x0c0c,
	/* 64 bits. */
	VMCS_IO_BITMAP_A = 0x2000,
	VMCS_IO_BITMAP_B = 0x2002,
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_EPT_POINTER = 0x201a,
	VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
	VMCS_LINK_POINTER = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802,
	VMCS_GUEST_PAT = 0x2804,
	VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE = 0x280a, /* four, twice the index added */
	VMCS_HOST_PAT = 0x2c00,
	VMCS_HOST_EFER = 0x2c02,
	/* 32 bits. */
	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_PROC_CONTROLS = 0x4002,
	VMCS_EXCEPTION_BITMAP = 0x4004,
	VMCS_PF_ERROR_MASK = 0x4006,
	VMCS_PF_ERROR_MATCH = 0x4008,
	VMCS_CR3_TARGET_COUNT = 0x400a,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
	VMCS_ENTRY_EVENT = 0x4016,
	VMCS_ENTRY_EVENT_ERROR = 0x4018,
	VMCS_ENTRY_INSTRUCTION_LENGTH = 0x401a,
	VMCS_PROC2_CONTROLS = 0x401e,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_EVENT = 0x4404,
	VMCS_IDT_VECTORING = 0x4408,
	VMCS_IDT_VECTORING_ERROR = 0x440a,
	VMCS_EXIT_INSTRUCTION_LENGTH = 0x440c,
	VMCS_GUEST_LIMIT = 0x4800,
	VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812,
	VMCS_GUEST_RIGHTS = 0x4814,
	VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a,
	VMCS_PREEMPTION_TIMER = 0x482e,
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	/* As wide as the CPU. */
	VMCS_CR0_MASK = 0x6000,
	VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004,
	VMCS_CR4_SHADOW = 0x6006,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_CR0 = 0x6800,
	VMCS_GUEST_CR3 = 0x6802,
	VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_BASE = 0x6806,
	VMCS_GUEST_GDTR_BASE = 0x6816,
	VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a,
	VMCS_GUEST_RSP = 0x681c,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824,
	VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00,
	VMCS_HOST_CR3 = 0x6c02,
	VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08,
	VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10,
	VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14, /* enter.asm knows it */
	VMCS_HOST_RIP = 0x6c16,
};

#define VMCS_LDTR 6
#define VMCS_TR	  7

static inline enum vmcs_field vmcs_of_segment(enum vmcs_field first, unsigned segment)
{
	return (enum vmcs_field)(first + 2 * segment);
}

/* 24.6.1: pin-based controls. */
#define VMX_PIN_EXTERNAL_INTERRUPT BIT(0)
#define VMX_PIN_NMI		   BIT(3)
#define VMX_PIN_VIRTUAL_NMIS	   BIT(5)
#define VMX_PIN_PREEMPTION_TIMER   BIT(6)

/* 24.6.2: processor-based controls, primary and secondary. */
#define VMX_PROC_INTERRUPT_WINDOW BIT(2)
#define VMX_PROC_HLT		  BIT(7)
#define VMX_PROC_INVLPG		  BIT(9)
#define VMX_PROC_MWAIT		  BIT(10)
#define VMX_PROC_RDPMC		  BIT(11)
#define VMX_PROC_RDTSC		  BIT(12)
#define VMX_PROC_CR3_LOAD	  BIT(15)
#define VMX_PROC_CR3_STORE	  BIT(16)
#define VMX_PROC_CR8_LOAD	  BIT(19)
#define VMX_PROC_CR8_STORE	  BIT(20)
#define VMX_PROC_TPR_SHADOW	  BIT(21)
#define VMX_PROC_NMI_WINDOW	  BIT(22)
#define VMX_PROC_IO_BITMAPS	  BIT(25)
#define VMX_PROC_MSR_BITMAPS	  BIT(28)
#define VMX_PROC_MONITOR	  BIT(29)
#define VMX_PROC_SECONDARY	  BIT(31)
#define VMX_PROC2_EPT		  BIT(1)
#define VMX_PROC2_RDTSCP	  BIT(3)
#define VMX_PROC2_VPID		  BIT(5)
#define VMX_PROC2_UNRESTRICTED	  BIT(7)
#define VMX_PROC2_INVPCID	  BIT(12)

/* 24.7.1: exit controls. */
#define VMX_EXIT_SAVE_DEBUG    BIT(2)
#define VMX_EXIT_HOST_64       BIT(9)
#define VMX_EXIT_ACK_INTERRUPT BIT(15)
#define VMX_EXIT_SAVE_PAT      BIT(18)
#define VMX_EXIT_LOAD_PAT      BIT(19)
#define VMX_EXIT_SAVE_EFER     BIT(20)
#define VMX_EXIT_LOAD_EFER     BIT(21)

/* 24.8.1: entry controls. */
#define VMX_ENTRY_LOAD_DEBUG BIT(2)
#define VMX_ENTRY_LONG_MODE  BIT(9)
#define VMX_ENTRY_LOAD_PAT   BIT(14)
#define VMX_ENTRY_LOAD_EFER  BIT(15)

/* 24.4.2: interruptibility, and activity states. */
#define VMX_BLOCKING_BY_STI    BIT(0)
#define VMX_BLOCKING_BY_MOV_SS BIT(1)
#define VMX_BLOCKING_BY_SMI    BIT(2)
#define VMX_BLOCKING_BY_NMI    BIT(3)
#define VMX_ACTIVE	       0
#define VMX_HALTED	       1
#define VMX_PENDING_DEBUG_STEP BIT(14)

/* Table 24-2: access rights; descriptor bits 47:40 in 7:0, 55:52 in 15:12. */
#define VMX_RIGHTS_UNUSABLE BIT(16)

/* 24.8.3, 24.9.2, 24.9.3: events to be delivered, that exited, that were being delivered. */
#define VMX_EVENT_VECTOR	    BITS(7, 0)
#define VMX_EVENT_TYPE		    BITS(10, 8)
#define VMX_EVENT_TYPE_INTERRUPT    (0ull << 8)
#define VMX_EVENT_TYPE_NMI	    (2ull << 8)
#define VMX_EVENT_TYPE_EXCEPTION    (3ull << 8)
#define VMX_EVENT_TYPE_SOFTWARE_INT (4ull << 8)
#define VMX_EVENT_TYPE_PRIVILEGED   (5ull << 8) /* INT1 */
#define VMX_EVENT_TYPE_SOFTWARE	    (6ull << 8) /* INT3, INTO */
#define VMX_EVENT_ERROR_VALID	    BIT(11)
#define VMX_EVENT_NMI_UNBLOCKED	    BIT(12) /* of an exit: by IRET */
#define VMX_EVENT_VALID		    BIT(31)

/* Exit reasons, appendix C; 24.9.1. */
#define VMX_REASON_BASIC	 0xffffu
#define VMX_REASON_ENTRY_FAILED	 BIT(31)
#define VMX_REASON_EVENT	 0 /* exception or NMI */
#define VMX_REASON_TRIPLE_FAULT	 2
#define VMX_REASON_INIT		 3
#define VMX_REASON_NMI_WINDOW	 8
#define VMX_REASON_TASK_SWITCH	 9
#define VMX_REASON_CPUID	 10
#define VMX_REASON_GETSEC	 11
#define VMX_REASON_INVD		 13
#define VMX_REASON_RDPMC	 15
#define VMX_REASON_VMCALL	 18
#define VMX_REASON_VMCLEAR	 19
#define VMX_REASON_VMXON	 27 /* 19 to 27 are the VMX instructions */
#define VMX_REASON_CONTROL_REG	 28
#define VMX_REASON_IO		 30
#define VMX_REASON_RDMSR	 31
#define VMX_REASON_WRMSR	 32
#define VMX_REASON_MWAIT	 36
#define VMX_REASON_MONITOR	 39
#define VMX_REASON_MACHINE_CHECK 41 /* during the entry */
#define VMX_REASON_EPT_VIOLATION 48
#define VMX_REASON_INVEPT	 50
#define VMX_REASON_PREEMPTION	 52
#define VMX_REASON_INVVPID	 53
#define VMX_REASON_XSETBV	 55
#define VMX_REASON_VMFUNC	 59

/* Exit qualifications, 27.2.1. Control registers, table 27-3. */
#define VMX_CR_NUMBER	 BITS(3, 0)
#define VMX_CR_ACCESS	 BITS(5, 4) /* 0: MOV to it */
#define VMX_CR_GPR_SHIFT 8
/* I/O, table 27-5. */
#define VMX_IO_SIZE	  BITS(2, 0) /* bytes less one */
#define VMX_IO_IN	  BIT(3)
#define VMX_IO_STRING	  BIT(4)
#define VMX_IO_PORT_SHIFT 16
/* EPT violations, table 27-7. */
#define VMX_EPT_WRITE	BIT(1)
#define VMX_EPT_EXECUTE BIT(2)
#define VMX_EPT_LINEAR	BIT(7) /* a linear address is the cause */
#define VMX_EPT_FINAL	BIT(8) /* of it: the translated address, not a table on the way */
/* Debug exceptions, table 27-1: DR6's B0-B3, BD and BS. */
#define VMX_DEBUG_REASONS (BITS(3, 0) | BITS(14, 13))

/* 24.6.11: the pointer to EPT tables. */
#define VMX_EPT_WALK_WB	  6ull
#define VMX_EPT_WALK_TYPE BITS(2, 0)
#define VMX_EPT_LEVELS	  BITS(5, 3) /* less one */
#define VMX_EPT_AD	  BIT(6)

/*
 * Fields of the VMCS that is current on the calling CPU. A field that is not there reads 0 and ignores
 * writes: those of features that are checked for are read and written only then.
 */
u64 vmcs_read(enum vmcs_field field);
void vmcs_write(enum vmcs_field field, u64 value);

/* 30.3: what the CPU cached of one EPT pointer's or VPID's translations, or of all, is gone. */
#define VMX_INVEPT_SINGLE  1
#define VMX_INVEPT_ALL	   2
#define VMX_INVVPID_SINGLE 1
#define VMX_INVVPID_ALL	   2
void vmx_invept(u64 type, u64 ept_pointer);
void vmx_invvpid(u64 type, u16 vpid);

#endif
