#include "arch/x86/decode.h"

#include "arch/x86/width.h"

/* The bit number is signed, and counts from the operand that the ModRM byte names. */
static u64 bit_string_offset(const struct instruction *insn, const u64 gpr[GPR_COUNT])
{
	u64 bit = sign_extend(gpr[insn->reg.number], insn->reg.width);

	return (u64)((s64)bit >> 3) & ~(u64)(insn->width - 1);
}

static bool is_bit_string(const struct instruction *insn)
{
	return insn->operation >= INSN_BT && insn->operation <= INSN_BTC && insn->reg.width;
}

static u64 offset_in_segment(const struct instruction *insn, const struct memory_operand *operand,
			     const u64 gpr[GPR_COUNT], u64 rip)
{
	u64 offset = operand->displacement;

	if (operand->rip_relative)
		offset += rip + insn->length;
	if (operand->base != NO_REGISTER)
		offset += gpr[operand->base];
	if (operand->index != NO_REGISTER)
		offset += gpr[operand->index] * operand->scale;
	if (is_bit_string(insn))
		offset += bit_string_offset(insn, gpr);
	return offset & width_mask(insn->address_size);
}

u64 linear_address(const struct instruction *insn, const struct memory_operand *operand,
		   const u64 gpr[GPR_COUNT], u64 rip, u64 segment_base)
{
	u64 offset = offset_in_segment(insn, operand, gpr, rip);

	if (insn->mode_bits != 64)
		return (segment_base + offset) & width_mask(4);
	if (operand->segment == SEGMENT_FS || operand->segment == SEGMENT_GS)
		return segment_base + offset;
	return offset;
}

u64 next_rip(const struct instruction *insn, u64 rip)
{
	u64 next = rip + insn->length;

	return insn->mode_bits == 64 ? next : next & width_mask(4);
}
