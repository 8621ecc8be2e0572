/*
 * The instruction decoder: for CPUs that report an intercepted instruction without its length (no
 * NRIP-save) or a nested page fault without its bytes and operands (no decode assists).
 *
 * Two sets of instructions are accepted, and everything else is refused:
 *  - those that a hypervisor intercepts, for their length, register and port;
 *  - those that drivers reach device registers with, for their memory operand. Only forms with a
 *    memory operand are in the set: the same opcode on two registers can't have caused an exit.
 *
 * Encodings are in AMD APM volume 3, chapter 1 and appendix A, and Intel SDM volume 2, chapter 2 and
 * appendix A. Where the two vendors read the same bytes differently, the bytes are refused.
 */
#ifndef ARCH_X86_DECODE_H
#define ARCH_X86_DECODE_H

#include "arch/x86/vcpu.h"
#include "hv/base/bytes.h"
#include "hv/base/status.h"
#include "hv/base/types.h"

/* No instruction is longer; the CPU raises #GP. */
#define INSTRUCTION_MAX_LENGTH VCPU_CODE_MAX

/* In the place of an enum gpr, an enum segment. */
#define NO_REGISTER 0xff
#define NO_SEGMENT  0xff

enum operation {
	INSN_NONE, /* not in the accepted set */

	/* Intercepted; no operand that matters here, but for the comments. */
	INSN_CLGI,
	INSN_CLTS,
	INSN_CPUID,
	INSN_HLT,
	INSN_ICEBP,
	INSN_IN,  /* reg: accumulator; the port is the immediate, or else DX */
	INSN_INS, /* memory: ES:[rDI]; port in DX */
	INSN_INT, /* immediate: vector */
	INSN_INT3,
	INSN_INTO,
	INSN_INVD,
	INSN_INVLPG, /* memory: the address, which is not accessed */
	INSN_INVLPGA,
	INSN_IRET,
	INSN_LMSW, /* reg or memory, 16 bits */
	INSN_MONITOR,
	INSN_MOV_FROM_CR, /* reg, and control_register */
	INSN_MOV_FROM_DR,
	INSN_MOV_TO_CR,
	INSN_MOV_TO_DR,
	INSN_MWAIT,
	INSN_OUT,
	INSN_OUTS, /* memory: DS:[rSI] or another segment */
	INSN_PAUSE,
	INSN_RDMSR,
	INSN_RDPMC,
	INSN_RDTSC,
	INSN_RDTSCP,
	INSN_RSM,
	INSN_SKINIT,
	INSN_SMSW, /* reg of any width, or 16 bits of memory */
	INSN_STGI,
	INSN_VMCALL,
	INSN_VMLOAD,
	INSN_VMMCALL,
	INSN_VMRUN,
	INSN_VMSAVE,
	INSN_WBINVD, /* WBNOINVD too */
	INSN_WRMSR,
	INSN_XSETBV,

	/* With a memory operand, and known to emulate(). */
	INSN_FIRST_EMULATED,
	INSN_ADD = INSN_FIRST_EMULATED,
	INSN_OR,
	INSN_ADC,
	INSN_SBB,
	INSN_AND,
	INSN_SUB,
	INSN_XOR,
	INSN_CMP,
	INSN_BT,
	INSN_BTS,
	INSN_BTR,
	INSN_BTC,
	INSN_CMPXCHG,
	INSN_DEC,
	INSN_INC,
	INSN_LODS,
	INSN_MOV, /* MOVNTI too: the hint has no meaning for device registers */
	INSN_MOVS,
	INSN_MOVSX, /* MOVSXD too */
	INSN_MOVZX,
	INSN_NEG,
	INSN_NOT,
	INSN_STOS,
	INSN_TEST,
	INSN_XADD,
	INSN_XCHG,
};

/* Bytes before a string instruction. INS, OUTS, MOVS, STOS and LODS repeat alike for both. */
enum repeat {
	REPEAT_NONE,
	REPEAT_REP,   /* F3 */
	REPEAT_REPNE, /* F2 */
};

/* The code segment's kind. */
struct decode_mode {
	u8 bits; /* 64 if EFER.LMA and CS.L, else 32 if CS.D, else 16 */
};

struct memory_operand {
	u8 segment;	   /* enum segment, with the override applied */
	u8 base;	   /* enum gpr; likewise index */
	u8 index;	   /* never RSP */
	u8 scale;	   /* 1, 2, 4 or 8 */
	bool rip_relative; /* to the next instruction; no base, no index */
	u64 displacement;  /* sign-extended */
};

struct register_operand {
	u8 number;	/* enum gpr */
	u8 width;	/* in bytes; 0: the instruction has no such operand */
	bool high_byte; /* bits 15..8: AH, CH, DH, BH */
};

struct instruction {
	enum operation operation;
	enum repeat repeat;
	u8 length;
	u8 mode_bits;	 /* of the decode_mode */
	u8 address_size; /* in bytes: 2, 4, 8 */
	u8 width; /* in bytes, of the data in memory or of the port; 0: no data, as for CPUID and INVLPG */
	u8 control_register; /* or debug register: CRn, DRn */
	bool lock;	     /* by prefix, or XCHG */
	bool has_memory;
	bool reads;	  /* the memory operand's data; likewise writes */
	bool writes;	  /* for MOVS: false, its destination is another operand */
	bool to_register; /* reg is the destination, or the first operand of CMP */
	bool has_immediate;
	struct memory_operand memory;
	struct memory_operand destination; /* of MOVS: ES:[rDI]. Its source is memory. */
	struct register_operand reg;
	u64 immediate; /* sign-extended; vectors, ports and bit numbers are not */
};

/*
 * Decodes the instruction at the start of code. More bytes than it has do no harm: give 15 where there
 * are as many.
 *
 * ERR_TRUNCATED: the bytes end before the instruction does; ERR_UNSUPPORTED: it is not in the accepted
 * set, or not valid (the CPU would raise #UD); ERR_INVALID: it is longer than 15 bytes. *insn is set
 * only on OK.
 */
enum status decode_instruction(struct bytes code, struct decode_mode mode,
			       struct instruction *insn);

/*
 * The linear address of operand, which is &insn->memory or &insn->destination, for an instruction at
 * rip (an offset in CS, as the register has it). segment_base is that of operand->segment; it counts in
 * 64-bit mode for FS and GS only. The bit number in a register of BT and its kin moves the address by
 * whole operands (APM volume 3, BT).
 */
u64 linear_address(const struct instruction *insn, const struct memory_operand *operand,
		   const u64 gpr[GPR_COUNT], u64 rip, u64 segment_base);

/* Where the instruction after this one lies: 32 bits outside of 64-bit mode. */
u64 next_rip(const struct instruction *insn, u64 rip);

#endif
