// sources: arch/x86/decode.c arch/x86/decode_memory.c arch/x86/decode_tables.c arch/x86/decode_address.c
// runs: 200000
// max_len: 20
/* The instruction decoder: the first byte is the mode, the rest the code. */
#include "tests/fuzz/fuzz.h"

#include "arch/x86/decode.h"

static enum status decode(struct bytes code, u8 bits, struct instruction *insn)
{
	u8 *copy = fuzz_copy(code);
	enum status status;

	memset(insn, 0, sizeof(*insn));
	status = decode_instruction((struct bytes){copy, code.size}, (struct decode_mode){bits},
				    insn);
	free(copy);
	return status;
}

static bool is_width(u8 width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

static void check_memory(const struct instruction *insn, const struct memory_operand *memory)
{
	u64 gpr[GPR_COUNT];

	memset(gpr, 0x5a, sizeof(gpr));
	MUST(memory->base == NO_REGISTER || memory->base < GPR_COUNT);
	MUST(memory->index == NO_REGISTER ||
	     (memory->index < GPR_COUNT && memory->index != GPR_RSP));
	MUST(is_width(memory->scale));
	MUST(!memory->rip_relative || insn->mode_bits == 64);
	MUST(!memory->rip_relative ||
	     (memory->base == NO_REGISTER && memory->index == NO_REGISTER));
	(void)linear_address(insn, memory, gpr, 0x1234567812345678, 0x1000);
}

static void check(const struct instruction *insn, u8 bits)
{
	MUST(insn->operation != INSN_NONE && insn->mode_bits == bits);
	MUST(insn->address_size == 2 || insn->address_size == 4 || insn->address_size == 8);
	MUST((bits == 64 || insn->address_size != 8) && (bits != 64 || insn->address_size != 2));
	MUST(!insn->width || is_width(insn->width));
	MUST(!insn->reg.width || (is_width(insn->reg.width) && insn->reg.number < GPR_COUNT));
	MUST(!insn->reg.high_byte || (insn->reg.width == 1 && insn->reg.number < 4));
	MUST(insn->operation < INSN_FIRST_EMULATED || (insn->has_memory && is_width(insn->width)));
	if (insn->has_memory)
		check_memory(insn, &insn->memory);
	if (insn->operation == INSN_MOVS)
		check_memory(insn, &insn->destination);
}

static bool are_same(const struct instruction *a, const struct instruction *b)
{
	return a->operation == b->operation && a->length == b->length && a->width == b->width &&
	       a->repeat == b->repeat && a->lock == b->lock && a->immediate == b->immediate &&
	       a->has_memory == b->has_memory && a->memory.displacement == b->memory.displacement &&
	       a->memory.base == b->memory.base && a->memory.index == b->memory.index &&
	       a->reg.number == b->reg.number && a->reg.width == b->reg.width;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u8 modes[] = {16, 32, 64, 64};
	struct instruction insn, other;
	struct bytes code = {data + 1, size - 1};
	enum status status;

	if (!size)
		return 0;

	u8 bits = modes[data[0] & 3];

	status = decode(code, bits, &insn);
	if (status == ERR_TRUNCATED)
		MUST(code.size < INSTRUCTION_MAX_LENGTH);
	if (status == ERR_INVALID)
		MUST(code.size >= INSTRUCTION_MAX_LENGTH);
	if (status != OK)
		return 0;
	MUST(insn.length && insn.length <= INSTRUCTION_MAX_LENGTH && insn.length <= code.size);
	check(&insn, bits);
	/* It takes all its bytes and nothing of what follows. */
	code.size = insn.length;
	MUST(decode(code, bits, &other) == OK && are_same(&insn, &other));
	code.size--;
	MUST(decode(code, bits, &other) == ERR_TRUNCATED);
	return 0;
}
