#include "arch/x86/decode.h"

#include "arch/x86/decoder.h"
#include "hv/base/bits.h"

#define OPCODE_HAS_MODRM                                                                           \
	(OPCODE_MEMORY | OPCODE_RM_REGISTER | OPCODE_RM_EITHER | OPCODE_REGISTER | OPCODE_GROUP)

u64 decoder_take(struct decoder *d, u8 size)
{
	u64 value = 0;

	if (!bytes_has(d->code, d->at, size)) {
		d->overrun = true;
		return 0;
	}
	for (u8 i = 0; i < size; i++)
		value |= (u64)d->code.data[d->at + i] << (8 * i);
	d->at += size;
	return value;
}

/* In 64-bit mode an override by ES, CS, SS or DS is no override: not even of an earlier one. */
static void read_segment_prefix(struct decoder *d, enum segment segment)
{
	if (d->mode.bits != 64 || segment >= SEGMENT_FS)
		d->segment_prefix = segment;
}

static bool is_legacy_prefix(struct decoder *d, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		read_segment_prefix(d, SEGMENT_ES + (byte >> 3 & 3));
		return true;
	case 0x64:
	case 0x65:
		read_segment_prefix(d, SEGMENT_FS + (byte & 1));
		return true;
	case 0x66:
		d->operand_size_prefix = true;
		return true;
	case 0x67:
		d->address_size_prefix = true;
		return true;
	case 0xf0:
		d->lock_prefix = true;
		return true;
	case 0xf2:
		d->repeat_prefix = REPEAT_REPNE;
		return true;
	case 0xf3:
		d->repeat_prefix = REPEAT_REP;
		return true;
	}
	return false;
}

/* A REX prefix counts only right before the opcode. */
static void read_prefixes(struct decoder *d)
{
	for (;; d->at++) {
		u8 byte = bytes_u8(d->code, d->at);

		if (is_legacy_prefix(d, byte))
			d->rex = 0;
		else if (d->mode.bits == 64 && (byte & 0xf0) == 0x40)
			d->rex = byte;
		else
			return;
	}
}

static void select_group_member(struct decoder *d)
{
	const struct opcode *member = &opcode_groups[d->opcode.operation][d->modrm >> 3 & 7];

	if (d->opcode.operation == GROUP_7) {
		struct opcode special = opcode_0f_01(d->modrm);

		if (special.operation != INSN_NONE) {
			d->opcode = special;
			return;
		}
	}
	d->opcode.operation = member->operation;
	d->opcode.traits |= member->traits;
}

static void read_opcode(struct decoder *d)
{
	u8 byte = (u8)decoder_take(d, 1);

	d->opcode = byte == 0x0f ? opcodes_0f[decoder_take(d, 1)] : opcodes_primary[byte];
	if (d->opcode.traits & OPCODE_HAS_MODRM)
		d->modrm = (u8)decoder_take(d, 1);
	if (d->opcode.traits & OPCODE_GROUP)
		select_group_member(d);
}

/* True if the opcode is accepted at all, in this mode, after these prefixes. */
static bool is_accepted(const struct decoder *d)
{
	u32 traits = d->opcode.traits;

	if (d->opcode.operation == INSN_NONE)
		return false;
	if (d->lock_prefix && !(traits & OPCODE_LOCK))
		return false;
	if (traits & (d->mode.bits == 64 ? OPCODE_NO_64 : OPCODE_ONLY_64))
		return false;
	if (traits & OPCODE_NO_PREFIX && (d->operand_size_prefix || d->repeat_prefix))
		return false;
	if (traits & OPCODE_ONLY_F3 && d->repeat_prefix != REPEAT_REP)
		return false;
	return !(traits & OPCODE_MEMORY) || modrm_mod(d) != 3;
}

static u8 operand_width(const struct decoder *d)
{
	u32 traits = d->opcode.traits;

	if (traits & OPCODE_8)
		return 1;
	if (traits & OPCODE_MODE_WIDE)
		return d->mode.bits == 64 ? 8 : 4;
	if (d->rex & REX_W)
		return traits & OPCODE_UP_TO_32 ? 4 : 8;
	if (traits & OPCODE_32_64)
		return 4;
	return (d->mode.bits == 16) != d->operand_size_prefix ? 2 : 4;
}

static u8 data_width(const struct decoder *d)
{
	u32 traits = d->opcode.traits;

	if (traits & OPCODE_FROM_8)
		return 1;
	if (traits & OPCODE_FROM_16)
		return 2;
	if (traits & OPCODE_FROM_32)
		return 4;
	return operand_width(d);
}

static void read_memory_operands(struct decoder *d, struct instruction *insn)
{
	u32 traits = d->opcode.traits;
	struct memory_operand destination = plain_memory(SEGMENT_ES, GPR_RDI);

	if (traits & (OPCODE_MEMORY | OPCODE_OFFSET | OPCODE_SOURCE) ||
	    (traits & OPCODE_RM_EITHER && modrm_mod(d) != 3)) {
		insn->has_memory = true;
		insn->memory = decoder_memory(d);
		if (traits & OPCODE_DESTINATION)
			insn->destination = destination;
	} else if (traits & OPCODE_DESTINATION) {
		insn->has_memory = true;
		insn->memory = destination;
	}
	insn->reads = insn->has_memory && traits & OPCODE_READ;
	insn->writes = insn->has_memory && traits & OPCODE_WRITE;
}

static struct register_operand register_operand(const struct decoder *d, u8 number, u8 width)
{
	bool high_byte = width == 1 && !d->rex && number >= 4;

	return (struct register_operand){
		.number = high_byte ? number - 4 : number, .width = width, .high_byte = high_byte};
}

static void set_register(const struct decoder *d, struct instruction *insn)
{
	u32 traits = d->opcode.traits;
	u8 width = operand_width(d);

	if (traits & OPCODE_REGISTER)
		insn->reg = register_operand(d, modrm_reg(d), width);
	else if (traits & OPCODE_ACCUMULATOR)
		insn->reg = register_operand(d, GPR_RAX, width);
	else if (traits & OPCODE_RM_REGISTER || (traits & OPCODE_RM_EITHER && modrm_mod(d) == 3))
		insn->reg = register_operand(d, modrm_rm(d), width);
	insn->to_register = insn->reg.width && traits & OPCODE_TO_REG;
}

/* False if there is no such control or debug register. */
static bool set_control_register(const struct decoder *d, struct instruction *insn)
{
	u8 number = modrm_reg(d);

	if (d->opcode.traits & OPCODE_CONTROL) {
		insn->control_register = number;
		return number == 0 || number == 2 || number == 3 || number == 4 || number == 8;
	}
	if (d->opcode.traits & OPCODE_DEBUG) {
		insn->control_register = number;
		return number < 8;
	}
	return true;
}

static void read_immediate(struct decoder *d, struct instruction *insn)
{
	u32 traits = d->opcode.traits;

	insn->has_immediate = traits & (OPCODE_IMMEDIATE | OPCODE_SIGNED_BYTE | OPCODE_BYTE);
	if (traits & OPCODE_IMMEDIATE)
		insn->immediate = decoder_take_signed(d, (u8)min_u64(operand_width(d), 4));
	else if (traits & OPCODE_SIGNED_BYTE)
		insn->immediate = decoder_take_signed(d, 1);
	else if (traits & OPCODE_BYTE)
		insn->immediate = decoder_take(d, 1);
}

static enum status decode(struct decoder *d, struct instruction *insn)
{
	read_prefixes(d);
	read_opcode(d);
	if (!is_accepted(d))
		return ERR_UNSUPPORTED;

	*insn = (struct instruction){
		.operation = d->opcode.operation,
		.repeat = d->opcode.traits & OPCODE_STRING ? d->repeat_prefix : REPEAT_NONE,
		.mode_bits = d->mode.bits,
		.address_size = decoder_address_size(d),
		.lock = d->lock_prefix || d->opcode.traits & OPCODE_LOCKED,
	};
	read_memory_operands(d, insn);
	set_register(d, insn);
	if (insn->has_memory ? !(d->opcode.traits & OPCODE_ADDRESS)
			     : d->opcode.traits & OPCODE_ACCUMULATOR)
		insn->width = data_width(d);
	if (!set_control_register(d, insn))
		return ERR_UNSUPPORTED;
	read_immediate(d, insn);
	insn->length = (u8)d->at;
	return OK;
}

enum status decode_instruction(struct bytes code, struct decode_mode mode, struct instruction *insn)
{
	struct decoder d = {
		.code = {code.data, min_u64(code.size, INSTRUCTION_MAX_LENGTH)},
		.mode = mode,
		.segment_prefix = NO_SEGMENT,
	};
	struct instruction result;
	enum status status = decode(&d, &result);

	/* What followed from bytes that aren't there has no meaning. */
	if (d.overrun)
		return code.size >= INSTRUCTION_MAX_LENGTH ? ERR_INVALID : ERR_TRUNCATED;
	if (status == OK)
		*insn = result;
	return status;
}
