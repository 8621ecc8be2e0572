/* The virtual machine control block (AMD APM volume 2, 24593 rev 3.40, appendix B) and exit codes (C). */
#ifndef ARCH_X86_SVM_VMCB_H
#define ARCH_X86_SVM_VMCB_H

#include "arch/x86/vcpu.h"

/* Offset 0x000: reads of CR0-CR15 in 15:0, writes in 31:16. */
#define SVM_INTERCEPT_CR4_READ	BIT(4)
#define SVM_INTERCEPT_CR4_WRITE BIT(20)
/* Offset 0x004: writes of DR0-DR15 in 31:16. */
#define SVM_INTERCEPT_DR7_WRITE BIT(23)
/* Offset 0x00C: intercept word 3. */
#define SVM_INTERCEPT_NMI      BIT(1)
#define SVM_INTERCEPT_SMI      BIT(2)
#define SVM_INTERCEPT_INIT     BIT(3)
#define SVM_INTERCEPT_RDPMC    BIT(15)
#define SVM_INTERCEPT_CPUID    BIT(18)
#define SVM_INTERCEPT_RSM      BIT(19)
#define SVM_INTERCEPT_IRET     BIT(20)
#define SVM_INTERCEPT_INVD     BIT(22)
#define SVM_INTERCEPT_INVLPGA  BIT(26)
#define SVM_INTERCEPT_IOIO     BIT(27)
#define SVM_INTERCEPT_MSR      BIT(28)
#define SVM_INTERCEPT_FERR     BIT(30)
#define SVM_INTERCEPT_SHUTDOWN BIT(31)
/* Offset 0x010: intercept word 4. */
#define SVM_INTERCEPT_VMRUN   BIT(0)
#define SVM_INTERCEPT_VMMCALL BIT(1)
#define SVM_INTERCEPT_VMLOAD  BIT(2)
#define SVM_INTERCEPT_VMSAVE  BIT(3)
#define SVM_INTERCEPT_STGI    BIT(4)
#define SVM_INTERCEPT_CLGI    BIT(5)
#define SVM_INTERCEPT_SKINIT  BIT(6)
#define SVM_INTERCEPT_WBINVD  BIT(9)
#define SVM_INTERCEPT_MONITOR BIT(10)
#define SVM_INTERCEPT_MWAIT   BIT(11)
#define SVM_INTERCEPT_XSETBV  BIT(13)
#define SVM_INTERCEPT_RDPRU   BIT(14)

/* What lies at offsets 0x040 and 0x048 (15.10.1, 15.11). */
#define SVM_IOPM_PAGES	3
#define SVM_MSRPM_PAGES 2

/* Offset 0x05C. */
#define SVM_TLB_FLUSH_NOTHING 0
#define SVM_TLB_FLUSH_ALL     1
#define SVM_TLB_FLUSH_ASID    3 /* where CPUID has FlushByASID */

/* Offset 0x068. */
#define SVM_INTERRUPT_SHADOW BIT(0)

/* Offset 0x090. */
#define SVM_NESTED_PAGING BIT(0)

/* EVENTINJ at 0x0A8 and EXITINTINFO at 0x088 (15.20). */
#define SVM_EVENT_VECTOR	 BITS(7, 0)
#define SVM_EVENT_TYPE		 BITS(10, 8)
#define SVM_EVENT_TYPE_INTERRUPT (0ull << 8)
#define SVM_EVENT_TYPE_NMI	 (2ull << 8)
#define SVM_EVENT_TYPE_EXCEPTION (3ull << 8)
#define SVM_EVENT_TYPE_SOFTWARE	 (4ull << 8)
#define SVM_EVENT_ERROR_VALID	 BIT(11)
#define SVM_EVENT_VALID		 BIT(31)
#define SVM_EVENT_ERROR		 BITS(63, 32)
#define SVM_EVENT_ERROR_SHIFT	 32

/* Offset 0x0D0: how many bytes at 0x0D1 were fetched, where CPUID has decode assists (15.8.4). */
#define SVM_FETCHED_BYTES 0x0f

struct vmcb {
	/* Control area. */
	u32 intercept_cr;	  /* 0x000: reads 15:0, writes 31:16 */
	u32 intercept_dr;	  /* 0x004 */
	u32 intercept_exceptions; /* 0x008 */
	u32 intercept_3;	  /* 0x00c */
	u32 intercept_4;	  /* 0x010 */
	u32 intercept_5;	  /* 0x014 */
	u8 reserved_018[0x03c - 0x018];
	u16 pause_threshold; /* 0x03c */
	u16 pause_count;
	u64 iopm_base;	/* 0x040 */
	u64 msrpm_base; /* 0x048 */
	u64 tsc_offset; /* 0x050 */
	u32 asid;	/* 0x058 */
	u8 tlb_control; /* 0x05c */
	u8 reserved_05d[3];
	u64 virtual_interrupt; /* 0x060 */
	u64 interrupt_shadow;  /* 0x068 */
	u64 exit_code;	       /* 0x070 */
	u64 exit_info[2];      /* 0x078 */
	u64 exit_int_info;     /* 0x088 */
	u64 nested_control;    /* 0x090 */
	u8 reserved_098[0x0a8 - 0x098];
	u64 event_injection; /* 0x0a8 */
	u64 nested_cr3;	     /* 0x0b0 */
	u64 lbr_control;     /* 0x0b8 */
	u32 clean_bits;	     /* 0x0c0 */
	u32 reserved_0c4;
	u64 next_rip;			     /* 0x0c8 */
	u8 instruction_length;		     /* 0x0d0 */
	u8 instruction_bytes[VCPU_CODE_MAX]; /* 0x0d1 */
	u8 reserved_0e0[0x400 - 0x0e0];
	/* State save area. */
	struct vcpu_segment segment[SEGMENT_COUNT]; /* 0x400: ES CS SS DS FS GS */
	struct vcpu_segment gdtr;		    /* 0x460 */
	struct vcpu_segment ldtr;
	struct vcpu_segment idtr;
	struct vcpu_segment tr;
	u8 reserved_4a0[0x4cb - 0x4a0];
	u8 cpl; /* 0x4cb */
	u32 reserved_4cc;
	u64 efer; /* 0x4d0 */
	u8 reserved_4d8[0x548 - 0x4d8];
	u64 cr4; /* 0x548 */
	u64 cr3;
	u64 cr0;
	u64 dr7; /* 0x560 */
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 reserved_580[0x5d8 - 0x580];
	u64 rsp; /* 0x5d8 */
	u8 reserved_5e0[0x5f8 - 0x5e0];
	u64 rax; /* 0x5f8 */
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2; /* 0x640 */
	u8 reserved_648[0x668 - 0x648];
	u64 g_pat; /* 0x668 */
	u8 reserved_670[0x1000 - 0x670];
};

#define ASSERT_OFFSET(field, offset)                                                               \
	_Static_assert(offsetof(struct vmcb, field) == (offset), "VMCB " #field)
ASSERT_OFFSET(iopm_base, 0x040);
ASSERT_OFFSET(asid, 0x058);
ASSERT_OFFSET(tlb_control, 0x05c);
ASSERT_OFFSET(exit_code, 0x070);
ASSERT_OFFSET(exit_int_info, 0x088);
ASSERT_OFFSET(event_injection, 0x0a8);
ASSERT_OFFSET(nested_cr3, 0x0b0);
ASSERT_OFFSET(next_rip, 0x0c8);
ASSERT_OFFSET(instruction_bytes, 0x0d1);
ASSERT_OFFSET(segment, 0x400);
ASSERT_OFFSET(gdtr, 0x460);
ASSERT_OFFSET(tr, 0x490);
ASSERT_OFFSET(cpl, 0x4cb);
ASSERT_OFFSET(efer, 0x4d0);
ASSERT_OFFSET(cr4, 0x548);
ASSERT_OFFSET(rip, 0x578);
ASSERT_OFFSET(rsp, 0x5d8);
ASSERT_OFFSET(rax, 0x5f8);
ASSERT_OFFSET(cr2, 0x640);
ASSERT_OFFSET(g_pat, 0x668);
_Static_assert(sizeof(struct vmcb) == 4096, "VMCB");
_Static_assert(sizeof(struct vcpu_segment) == 16, "VMCB segment");

/* Attributes of a code segment: descriptor bit 53, L. */
#define SVM_CODE_LONG BIT(9)

/* Exit codes, appendix C. */
#define SVM_EXIT_CR4_READ     0x004
#define SVM_EXIT_CR4_WRITE    0x014
#define SVM_EXIT_DR7_WRITE    0x037
#define SVM_EXIT_EXCEPTION    0x040 /* + vector */
#define SVM_EXIT_NMI	      0x061
#define SVM_EXIT_INIT	      0x063
#define SVM_EXIT_RDPMC	      0x06f
#define SVM_EXIT_CPUID	      0x072
#define SVM_EXIT_RSM	      0x073
#define SVM_EXIT_IRET	      0x074
#define SVM_EXIT_INVD	      0x076
#define SVM_EXIT_INVLPGA      0x07a
#define SVM_EXIT_IOIO	      0x07b
#define SVM_EXIT_MSR	      0x07c
#define SVM_EXIT_FERR	      0x07e
#define SVM_EXIT_SHUTDOWN     0x07f
#define SVM_EXIT_VMRUN	      0x080
#define SVM_EXIT_VMMCALL      0x081
#define SVM_EXIT_VMLOAD	      0x082
#define SVM_EXIT_VMSAVE	      0x083
#define SVM_EXIT_STGI	      0x084
#define SVM_EXIT_CLGI	      0x085
#define SVM_EXIT_SKINIT	      0x086
#define SVM_EXIT_WBINVD	      0x089
#define SVM_EXIT_MONITOR      0x08a
#define SVM_EXIT_MWAIT	      0x08b
#define SVM_EXIT_MWAIT_ARMED  0x08c
#define SVM_EXIT_XSETBV	      0x08d
#define SVM_EXIT_RDPRU	      0x08e
#define SVM_EXIT_NESTED_FAULT 0x400
#define SVM_EXIT_INVALID      0xffffffffu /* the low half; QEMU before 11 leaves the high half 0 */

/* EXITINFO1 of IOIO (15.10.2). */
#define SVM_IOIO_IN	    BIT(0)
#define SVM_IOIO_STRING	    BIT(2)
#define SVM_IOIO_SIZE_SHIFT 4 /* the width in bytes, as one bit of three */
#define SVM_IOIO_PORT_SHIFT 16

/* EXITINFO1 of a read or write of CRn, where CPUID has decode assists (15.8.1). */
#define SVM_CR_GPR   BITS(3, 0)
#define SVM_CR_VALID BIT(63)

/* EXITINFO1 of MSR (15.11). */
#define SVM_MSR_WRITE BIT(0)

/* EXITINFO1 of a nested page fault (15.25.6). */
#define SVM_NPF_WRITE	   BIT(1)
#define SVM_NPF_EXECUTE	   BIT(4)
#define SVM_NPF_TABLE_WALK BIT(33)

/* MSR_VM_CR and VM_HSAVE_PA (15.30). */
#define MSR_VM_CR	0xc0010114
#define VM_CR_SVMDIS	BIT(4)
#define MSR_VM_HSAVE_PA 0xc0010117

#endif
