#include "arch/x86/decoder.h"

u8 decoder_address_size(const struct decoder *d)
{
	if (d->mode.bits == 64)
		return d->address_size_prefix ? 4 : 8;
	return (d->mode.bits == 32) != d->address_size_prefix ? 4 : 2;
}

/* The displacement that follows a ModRM byte and its SIB byte. */
static u64 read_displacement(struct decoder *d, u8 full_size, bool without_base)
{
	if (modrm_mod(d) == 1)
		return decoder_take_signed(d, 1);
	if (modrm_mod(d) == 2 || without_base)
		return decoder_take_signed(d, full_size);
	return 0;
}

/* SDM volume 2, table 2-1. */
static void read_memory_16(struct decoder *d, struct memory_operand *memory)
{
	static const struct {
		u8 base, index;
	} forms[8] = {
		{GPR_RBX, GPR_RSI},	{GPR_RBX, GPR_RDI},	{GPR_RBP, GPR_RSI},
		{GPR_RBP, GPR_RDI},	{GPR_RSI, NO_REGISTER}, {GPR_RDI, NO_REGISTER},
		{GPR_RBP, NO_REGISTER}, {GPR_RBX, NO_REGISTER},
	};
	u8 rm = d->modrm & 7;
	bool without_base = modrm_mod(d) == 0 && rm == 6;

	if (!without_base) {
		memory->base = forms[rm].base;
		memory->index = forms[rm].index;
	}
	memory->displacement = read_displacement(d, 2, without_base);
}

/* SDM volume 2, table 2-3. Returns true if there is no base. */
static bool read_sib(struct decoder *d, struct memory_operand *memory)
{
	u8 sib = (u8)decoder_take(d, 1);
	u8 index = (sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0);

	if (index != GPR_RSP) {
		memory->index = index;
		memory->scale = (u8)(1 << (sib >> 6));
	}
	if ((sib & 7) == GPR_RBP && modrm_mod(d) == 0)
		return true;
	memory->base = (sib & 7) | (d->rex & REX_B ? 8 : 0);
	return false;
}

static void read_memory_32_64(struct decoder *d, struct memory_operand *memory)
{
	u8 rm = d->modrm & 7;
	bool without_base = false;

	if (rm == GPR_RSP) {
		without_base = read_sib(d, memory);
	} else if (rm == GPR_RBP && modrm_mod(d) == 0) {
		without_base = true;
		memory->rip_relative = d->mode.bits == 64;
	} else {
		memory->base = modrm_rm(d);
	}
	memory->displacement = read_displacement(d, 4, without_base);
}

struct memory_operand plain_memory(u8 segment, u8 base)
{
	return (struct memory_operand){
		.segment = segment, .base = base, .index = NO_REGISTER, .scale = 1};
}

struct memory_operand decoder_memory(struct decoder *d)
{
	struct memory_operand memory = plain_memory(SEGMENT_DS, NO_REGISTER);

	if (d->opcode.traits & OPCODE_OFFSET)
		memory.displacement = decoder_take(d, decoder_address_size(d));
	else if (d->opcode.traits & OPCODE_SOURCE)
		memory.base = GPR_RSI;
	else if (decoder_address_size(d) == 2)
		read_memory_16(d, &memory);
	else
		read_memory_32_64(d, &memory);
	if (memory.base == GPR_RBP || memory.base == GPR_RSP)
		memory.segment = SEGMENT_SS;
	if (d->segment_prefix != NO_SEGMENT)
		memory.segment = d->segment_prefix;
	return memory;
}
