#include "arch/x86/emulate.h"

#include "arch/x86/msr.h"
#include "arch/x86/width.h"
#include "hv/base/bits.h"

#define RFLAGS_ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static u64 read_register(const u64 gpr[GPR_COUNT], struct register_operand reg)
{
	return gpr[reg.number] >> (reg.high_byte ? 8 : 0) & width_mask(reg.width);
}

/* 32 bits clear the upper half; 8 and 16 leave the rest alone. */
static void write_register(u64 gpr[GPR_COUNT], struct register_operand reg, u64 value)
{
	unsigned shift = reg.high_byte ? 8 : 0;
	u64 mask = reg.width == 4 ? ~0ull : width_mask(reg.width) << shift;

	value = (value & width_mask(reg.width)) << shift;
	gpr[reg.number] = (gpr[reg.number] & ~mask) | value;
}

static void replace_flags(u64 *rflags, u64 which, u64 value)
{
	*rflags = (*rflags & ~which) | (value & which);
}

static bool has_even_parity(u8 byte)
{
	u8 folded = (byte ^ byte >> 4) & 0xf;

	return !(0x6996 >> folded & 1);
}

/* Bit n of carries: a carry or borrow out of bit n. The sign bit of overflow: OF. */
static void set_arithmetic_flags(u64 *rflags, u64 result, u64 carries, u64 overflow, u8 width)
{
	u64 sign = width_sign(width);

	replace_flags(rflags, RFLAGS_ARITHMETIC,
		      (carries & sign ? RFLAGS_CF : 0) |
			      (has_even_parity((u8)result) ? RFLAGS_PF : 0) |
			      (carries & BIT(3) ? RFLAGS_AF : 0) |
			      (result & width_mask(width) ? 0 : RFLAGS_ZF) |
			      (result & sign ? RFLAGS_SF : 0) | (overflow & sign ? RFLAGS_OF : 0));
}

static u64 add(u64 a, u64 b, bool carry, u8 width, u64 *rflags)
{
	u64 result = a + b + carry;

	set_arithmetic_flags(rflags, result, (a & b) | ((a | b) & ~result),
			     (a ^ result) & (b ^ result), width);
	return result;
}

static u64 subtract(u64 a, u64 b, bool borrow, u8 width, u64 *rflags)
{
	u64 result = a - b - borrow;

	set_arithmetic_flags(rflags, result, (~a & b) | ((~a | b) & result), (a ^ b) & (a ^ result),
			     width);
	return result;
}

static u64 logical(u64 result, u8 width, u64 *rflags)
{
	set_arithmetic_flags(rflags, result, 0, 0, width);
	return result;
}

static u64 bit_test(const struct instruction *insn, u64 memory, u64 number, u64 *rflags)
{
	u64 bit = BIT(number & (width_bits(insn->width) - 1));

	replace_flags(rflags, RFLAGS_CF, memory & bit ? RFLAGS_CF : 0);
	switch (insn->operation) {
	case INSN_BTS:
		return memory | bit;
	case INSN_BTR:
		return memory & ~bit;
	case INSN_BTC:
		return memory ^ bit;
	default:
		return memory;
	}
}

static u64 compare_exchange(const struct instruction *insn, u64 gpr[GPR_COUNT], u64 memory,
			    u64 *rflags)
{
	struct register_operand accumulator = {.number = GPR_RAX, .width = insn->width};

	subtract(read_register(gpr, accumulator), memory, false, insn->width, rflags);
	if (*rflags & RFLAGS_ZF)
		return read_register(gpr, insn->reg);
	write_register(gpr, accumulator, memory);
	return memory;
}

/* INC and DEC leave CF alone. */
static u64 count_by_one(const struct instruction *insn, u64 memory, u64 *rflags)
{
	u64 carry = *rflags & RFLAGS_CF;
	u64 result = insn->operation == INSN_INC ? add(memory, 1, false, insn->width, rflags)
						 : subtract(memory, 1, false, insn->width, rflags);

	replace_flags(rflags, RFLAGS_CF, carry);
	return result;
}

/* The operations that compute one value of a destination a and a source b. */
static u64 arithmetic(const struct instruction *insn, u64 a, u64 b, u64 *rflags)
{
	bool carry = *rflags & RFLAGS_CF;
	u8 width = insn->width;

	switch (insn->operation) {
	case INSN_ADD:
	case INSN_XADD:
		return add(a, b, false, width, rflags);
	case INSN_ADC:
		return add(a, b, carry, width, rflags);
	case INSN_SUB:
	case INSN_CMP:
		return subtract(a, b, false, width, rflags);
	case INSN_SBB:
		return subtract(a, b, carry, width, rflags);
	case INSN_AND:
	case INSN_TEST:
		return logical(a & b, width, rflags);
	case INSN_OR:
		return logical(a | b, width, rflags);
	case INSN_XOR:
		return logical(a ^ b, width, rflags);
	case INSN_NEG:
		return subtract(0, a, false, width, rflags);
	case INSN_NOT:
		return ~a;
	case INSN_INC:
	case INSN_DEC:
		return count_by_one(insn, a, rflags);
	case INSN_MOVSX:
		return sign_extend(b, width);
	default: /* all kinds of MOV, and XCHG: the source as it is */
		return b;
	}
}

static u64 source(const struct instruction *insn, const u64 gpr[GPR_COUNT])
{
	return insn->reg.width ? read_register(gpr, insn->reg) : insn->immediate;
}

/* What memory, or the register that is the destination, becomes. */
static u64 compute(const struct instruction *insn, u64 gpr[GPR_COUNT], u64 *rflags, u64 memory)
{
	u64 operand = source(insn, gpr);

	switch (insn->operation) {
	case INSN_BT:
	case INSN_BTS:
	case INSN_BTR:
	case INSN_BTC:
		return bit_test(insn, memory, operand, rflags);
	case INSN_CMPXCHG:
		return compare_exchange(insn, gpr, memory, rflags);
	case INSN_MOVS:
		return memory;
	default:
		return insn->to_register ? arithmetic(insn, operand, memory, rflags)
					 : arithmetic(insn, memory, operand, rflags);
	}
}

u64 emulate(const struct instruction *insn, u64 gpr[GPR_COUNT], u64 *rflags, u64 memory)
{
	u64 result;

	memory &= width_mask(insn->width);
	/* Nearly all that drivers do. */
	if (insn->operation == INSN_MOV) {
		if (!insn->to_register)
			return source(insn, gpr) & width_mask(insn->width);
		write_register(gpr, insn->reg, memory);
		return memory;
	}
	result = compute(insn, gpr, rflags, memory);
	if (insn->operation == INSN_XCHG || insn->operation == INSN_XADD)
		write_register(gpr, insn->reg, memory);
	if (insn->to_register && insn->operation != INSN_CMP)
		write_register(gpr, insn->reg, result);
	return result & width_mask(insn->width);
}

static bool moves_source(const struct instruction *insn)
{
	return insn->operation == INSN_MOVS || insn->operation == INSN_LODS ||
	       insn->operation == INSN_OUTS;
}

static bool moves_destination(const struct instruction *insn)
{
	return insn->operation == INSN_MOVS || insn->operation == INSN_STOS ||
	       insn->operation == INSN_INS;
}

/* A register as wide as an address of the instruction. */
static struct register_operand address_register(const struct instruction *insn, enum gpr number)
{
	return (struct register_operand){.number = number, .width = insn->address_size};
}

u64 string_count(const struct instruction *insn, const u64 gpr[GPR_COUNT])
{
	if (insn->repeat == REPEAT_NONE)
		return 1;
	return read_register(gpr, address_register(insn, GPR_RCX));
}

void string_advance(const struct instruction *insn, u64 gpr[GPR_COUNT], u64 rflags, u64 count)
{
	u64 distance = (rflags & RFLAGS_DF ? -count : count) * insn->width;

	if (moves_source(insn))
		write_register(gpr, address_register(insn, GPR_RSI), gpr[GPR_RSI] + distance);
	if (moves_destination(insn))
		write_register(gpr, address_register(insn, GPR_RDI), gpr[GPR_RDI] + distance);
	if (insn->repeat != REPEAT_NONE)
		write_register(gpr, address_register(insn, GPR_RCX), gpr[GPR_RCX] - count);
}
