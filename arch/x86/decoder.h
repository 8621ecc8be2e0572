/* What the parts of the decoder share. Nothing else includes this. */
#ifndef ARCH_X86_DECODER_H
#define ARCH_X86_DECODER_H

#include "arch/x86/decode.h"
#include "arch/x86/decode_tables.h"
#include "arch/x86/width.h"
#include "hv/base/bits.h"

#define REX_W BIT(3) /* 64-bit operands */
#define REX_R BIT(2) /* bit 3 of ModRM.reg */
#define REX_X BIT(1) /* bit 3 of SIB.index */
#define REX_B BIT(0) /* bit 3 of ModRM.rm or SIB.base */

/* An instruction on its way through the decoder. */
struct decoder {
	struct bytes code; /* 15 bytes at most */
	size_t at;	   /* offset of the next one */
	bool overrun;	   /* something was read past the end; all such bytes read as 0 */
	struct decode_mode mode;
	bool operand_size_prefix;
	bool address_size_prefix;
	bool lock_prefix;
	enum repeat repeat_prefix;
	u8 segment_prefix; /* enum segment */
	u8 rex;		   /* 0: none */
	u8 modrm;
	struct opcode opcode;
};

/* The next size bytes, little-endian. */
u64 decoder_take(struct decoder *d, u8 size);

static inline u64 decoder_take_signed(struct decoder *d, u8 size)
{
	return sign_extend(decoder_take(d, size), size);
}

static inline u8 modrm_mod(const struct decoder *d)
{
	return d->modrm >> 6;
}

static inline u8 modrm_reg(const struct decoder *d)
{
	return (d->modrm >> 3 & 7) | (d->rex & REX_R ? 8 : 0);
}

static inline u8 modrm_rm(const struct decoder *d)
{
	return (d->modrm & 7) | (d->rex & REX_B ? 8 : 0);
}

/* Bytes of an address: 2, 4, 8. */
u8 decoder_address_size(const struct decoder *d);

/* The memory operand that the opcode's traits and the ModRM byte tell of, for all but ES:[rDI]. */
struct memory_operand decoder_memory(struct decoder *d);

/* [base], without a displacement. */
struct memory_operand plain_memory(u8 segment, u8 base);

#endif
