/* The opcode tables of the decoder: what each accepted opcode does with its operands, as data. */
#ifndef ARCH_X86_DECODE_TABLES_H
#define ARCH_X86_DECODE_TABLES_H

#include "hv/base/bits.h"
#include "hv/base/types.h"

/* Operands. */
#define OPCODE_MEMORY	   BIT(0)  /* ModRM, which must name memory */
#define OPCODE_ADDRESS	   BIT(1)  /* that memory is only an address: no data */
#define OPCODE_RM_REGISTER BIT(2)  /* ModRM names a register, whatever its mod field says */
#define OPCODE_RM_EITHER   BIT(3)  /* ModRM names a register or memory */
#define OPCODE_OFFSET	   BIT(4)  /* memory at an address in the instruction: moffs */
#define OPCODE_SOURCE	   BIT(5)  /* memory at DS:[rSI] or another segment */
#define OPCODE_DESTINATION BIT(6)  /* memory at ES:[rDI] */
#define OPCODE_REGISTER	   BIT(7)  /* ModRM.reg is a general register */
#define OPCODE_ACCUMULATOR BIT(8)  /* AL, AX, EAX, RAX */
#define OPCODE_CONTROL	   BIT(9)  /* ModRM.reg is a control register */
#define OPCODE_DEBUG	   BIT(10) /* ModRM.reg is a debug register */
#define OPCODE_IMMEDIATE   BIT(11) /* of the operand's width, 32 bits at most, sign-extended */
#define OPCODE_SIGNED_BYTE BIT(12) /* an immediate byte, sign-extended */
#define OPCODE_BYTE	   BIT(13) /* an immediate byte, zero-extended */

/* What happens to them. */
#define OPCODE_READ   BIT(14) /* memory's data is read */
#define OPCODE_WRITE  BIT(15) /* and written */
#define OPCODE_TO_REG BIT(16) /* the register is the destination */
#define OPCODE_LOCK   BIT(17) /* LOCK is allowed */
#define OPCODE_LOCKED BIT(18) /* and implied */

/* Widths. Without any: 16, 32 or 64 bits by mode and prefix. */
#define OPCODE_8	 BIT(19) /* all operands are bytes */
#define OPCODE_FROM_8	 BIT(20) /* memory is a byte, the register is not */
#define OPCODE_FROM_16	 BIT(21)
#define OPCODE_FROM_32	 BIT(22)
#define OPCODE_UP_TO_32	 BIT(23) /* REX.W counts as no prefix does: ports */
#define OPCODE_MODE_WIDE BIT(24) /* 64 bits in 64-bit mode, else 32 */
#define OPCODE_32_64	 BIT(29) /* 64 bits with REX.W, else 32 */

/* Where the opcode is valid, and how it goes on. */
#define OPCODE_STRING	 BIT(25) /* F2 and F3 repeat */
#define OPCODE_NO_64	 BIT(26) /* not in 64-bit mode */
#define OPCODE_ONLY_64	 BIT(27)
#define OPCODE_NO_PREFIX BIT(28) /* not with 66, F2, F3 */
#define OPCODE_ONLY_F3	 BIT(30)
#define OPCODE_GROUP	 BIT(31) /* ModRM.reg selects the operation in opcode_groups[operation] */

struct opcode {
	u8 operation; /* enum operation, INSN_NONE where refused; or with OPCODE_GROUP: */
	u32 traits;
};

/* Groups, with the numbers of the manuals. A member's traits add to those of its opcode. */
enum opcode_group {
	GROUP_1,
	GROUP_3,
	GROUP_4_5,
	GROUP_7,
	GROUP_8,
	GROUP_11,
	GROUP_COUNT,
};

extern const struct opcode opcodes_primary[256];
extern const struct opcode opcodes_0f[256];
extern const struct opcode opcode_groups[GROUP_COUNT][8];

/* The instruction 0F 01 with a ModRM byte that names no memory; INSN_NONE if none is accepted. */
struct opcode opcode_0f_01(u8 modrm);

#endif
