// sources: arch/x86/decode.c arch/x86/decode_memory.c arch/x86/decode_tables.c
// libs: -lZydis
/*
 * The decoder against an independent one. What it accepts must mean the same to Zydis; what Zydis
 * rejects it must reject; and it must accept all forms of the instructions in its set.
 *
 * With SLUICE_SHOW_REFUSED set, the refused instructions are counted by name.
 */
#include "tests/host/harness.h"

#include <Zydis/Zydis.h>

#include "tests/host/random.h"
#include "tests/host/zydis_names.h"

#include "arch/x86/decode.h"
#include "arch/x86/width.h"

#define RANDOM_STRINGS	   1200000
#define STRUCTURED_STRINGS 2400000

static const struct {
	u8 bits;
	ZydisMachineMode machine;
	ZydisStackWidth stack;
} modes[] = {
	{16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16},
	{32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
	{64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
};

struct theirs {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};

/* One comparison: what is printed when it fails. */
struct subject {
	const u8 *code;
	size_t size;
	u8 bits;
	const struct theirs *theirs;
};

static u64 accepted_count[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static u64 refused_count[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static ZydisDecoder decoders[ARRAY_SIZE(modes)];
static enum operation operation_of[ZYDIS_MNEMONIC_MAX_VALUE + 1];

static void report(const struct subject *s, const char *what, u64 ours, u64 theirs)
{
	fprintf(stderr, "%s: ours %#llx, theirs %#llx; %u-bit", what, (unsigned long long)ours,
		(unsigned long long)theirs, s->bits);
	for (size_t i = 0; i < s->size; i++)
		fprintf(stderr, " %02x", s->code[i]);
	fprintf(stderr, " (%s)\n", ZydisMnemonicGetString(s->theirs->insn.mnemonic));
	fail();
}

static void check_equal(const struct subject *s, const char *what, u64 ours, u64 theirs)
{
	if (ours != theirs)
		report(s, what, ours, theirs);
}

/*
 * Zydis 4.0 takes R13D for the base where REX.B meets the SIB form without a base and a 67 prefix. The
 * CPU has no base there, as test_emulate.c shows.
 */
static bool is_misread_by_zydis(const struct subject *s, const ZydisDecodedOperand *operand)
{
	const ZydisDecodedInstruction *insn = &s->theirs->insn;

	return insn->raw.sib.offset && insn->raw.modrm.mod == 0 && insn->raw.sib.base == 5 &&
	       operand->mem.base == ZYDIS_REGISTER_R13D;
}

static void compare_memory(const struct subject *s, const struct instruction *insn,
			   const struct memory_operand *ours, const ZydisDecodedOperand *operand)
{
	const ZydisDecodedOperandMem *theirs = &operand->mem;
	bool rip = theirs->base == ZYDIS_REGISTER_RIP || theirs->base == ZYDIS_REGISTER_EIP;
	bool high;
	u8 index = gpr_number(theirs->index, &high);

	check_equal(s, "segment", ours->segment, (u64)ZydisRegisterGetId(theirs->segment));
	check_equal(s, "rip-relative", ours->rip_relative, rip);
	if (is_misread_by_zydis(s, operand))
		return;
	check_equal(s, "base", ours->base, rip ? NO_REGISTER : gpr_number(theirs->base, &high));
	check_equal(s, "index", ours->index, index);
	if (index != NO_REGISTER)
		check_equal(s, "scale", ours->scale, theirs->scale);
	check_equal(s, "displacement", ours->displacement & width_mask(insn->address_size),
		    theirs->disp.has_displacement
			    ? (u64)theirs->disp.value & width_mask(insn->address_size)
			    : 0);
	if (insn->operation != INSN_INVLPG)
		check_equal(s, "memory width", insn->width, operand->size / 8);
}

/* The nth operand of a type, counting only those that count in our terms. */
static const ZydisDecodedOperand *find_operand(const struct theirs *t, ZydisOperandType type,
					       unsigned n)
{
	for (unsigned i = 0; i < t->insn.operand_count; i++) {
		if (t->operand[i].type == type && n-- == 0)
			return &t->operand[i];
	}
	return NULL;
}

static void compare_memory_operands(const struct subject *s, const struct instruction *insn)
{
	bool moves = insn->operation == INSN_MOVS;
	const ZydisDecodedOperand *operand =
		find_operand(s->theirs, ZYDIS_OPERAND_TYPE_MEMORY, moves ? 1 : 0);

	if (!insn->has_memory) {
		check_equal(s, "explicit memory", 0,
			    operand && operand->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT);
		return;
	}
	assert_non_null(operand);
	compare_memory(s, insn, &insn->memory, operand);
	if (insn->operation != INSN_INVLPG) {
		check_equal(s, "reads", insn->reads,
			    !!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ));
		check_equal(s, "writes", insn->writes,
			    !!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE));
	}
	if (moves)
		compare_memory(s, insn, &insn->destination,
			       find_operand(s->theirs, ZYDIS_OPERAND_TYPE_MEMORY, 0));
}

/* Zydis lists the rAX that these name implicitly. */
static bool has_implicit_address(enum operation operation)
{
	return operation == INSN_INVLPGA || operation == INSN_SKINIT || operation == INSN_VMLOAD ||
	       operation == INSN_VMRUN || operation == INSN_VMSAVE;
}

static void compare_register(const struct subject *s, const struct instruction *insn)
{
	bool high = false;

	for (unsigned i = 0; i < s->theirs->insn.operand_count; i++) {
		const ZydisDecodedOperand *operand = &s->theirs->operand[i];
		ZydisRegisterClass class;

		if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    (operand->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
		     insn->operation != INSN_STOS && insn->operation != INSN_LODS) ||
		    (insn->operation == INSN_OUT && operand->reg.value == ZYDIS_REGISTER_DX))
			continue;
		class = ZydisRegisterGetClass(operand->reg.value);
		if (class == ZYDIS_REGCLASS_CONTROL || class == ZYDIS_REGCLASS_DEBUG) {
			check_equal(s, "control register", insn->control_register,
				    (u64)ZydisRegisterGetId(operand->reg.value));
			continue;
		}
		check_equal(s, "register", insn->reg.number, gpr_number(operand->reg.value, &high));
		check_equal(s, "high byte", insn->reg.high_byte, high);
		if (insn->operation != INSN_LMSW)
			check_equal(s, "register width", insn->reg.width, operand->size / 8);
		if (insn->operation != INSN_STOS)
			check_equal(s, "to register", insn->to_register,
				    i == 0 && insn->operation != INSN_LMSW);
		return;
	}
	check_equal(s, "a register operand", insn->reg.width, 0);
}

static void compare_immediate(const struct subject *s, const struct instruction *insn)
{
	const ZydisDecodedOperand *operand =
		find_operand(s->theirs, ZYDIS_OPERAND_TYPE_IMMEDIATE, 0);
	bool is_byte = insn->operation == INSN_INT || insn->operation == INSN_IN ||
		       insn->operation == INSN_OUT ||
		       (insn->operation >= INSN_BT && insn->operation <= INSN_BTC);
	u64 mask = is_byte ? 0xff : width_mask(insn->width ? insn->width : 8);

	check_equal(s, "has immediate", insn->has_immediate, operand != NULL);
	if (!operand)
		return;
	check_equal(s, "immediate", insn->immediate & mask, operand->imm.value.u & mask);
	if (is_byte)
		check_equal(s, "immediate's upper bits", insn->immediate & ~mask, 0);
}

static void compare(const struct subject *s, const struct instruction *insn)
{
	const ZydisDecodedInstruction *theirs = &s->theirs->insn;
	u64 repeats = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
	enum operation operation = operation_of[theirs->mnemonic];

	check_equal(s, "length", insn->length, theirs->length);
	check_equal(s, "address size", insn->address_size, theirs->address_width / 8);
	if (insn->operation < INSN_MOV_FROM_CR || insn->operation > INSN_MOV_TO_DR)
		check_equal(s, "operation", insn->operation, operation);
	check_equal(s, "lock", insn->lock,
		    insn->operation == INSN_XCHG || theirs->attributes & ZYDIS_ATTRIB_HAS_LOCK);
	check_equal(s, "repeat", insn->repeat != REPEAT_NONE, !!(theirs->attributes & repeats));
	compare_memory_operands(s, insn);
	if (!has_implicit_address(insn->operation))
		compare_register(s, insn);
	compare_immediate(s, insn);
}

static bool is_memory_operation(enum operation operation)
{
	return operation >= INSN_ADD;
}

static bool has_mandatory_prefix(const struct subject *s)
{
	for (unsigned i = 0; i < s->theirs->insn.raw.prefix_count; i++) {
		u8 byte = s->code[i];

		if (byte == 0x66 || byte == 0xf2 || byte == 0xf3)
			return true;
	}
	return false;
}

static bool has_register_of(const struct theirs *t, ZydisRegisterClass class)
{
	for (unsigned i = 0; i < t->insn.operand_count; i++) {
		if (t->operand[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    t->operand[i].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
		    ZydisRegisterGetClass(t->operand[i].reg.value) == class)
			return true;
	}
	return false;
}

/* MOVSD is the name of a vector instruction too. */
static bool is_vector(const ZydisDecodedInstruction *insn)
{
	return insn->mnemonic == ZYDIS_MNEMONIC_MOVSD &&
	       insn->meta.category != ZYDIS_CATEGORY_STRINGOP;
}

/* True for what is in the set by its name, and yet refused on purpose. */
static bool is_outside(const struct subject *s)
{
	const struct theirs *t = s->theirs;
	enum operation operation = operation_of[t->insn.mnemonic];
	const ZydisDecodedOperand *memory = find_operand(t, ZYDIS_OPERAND_TYPE_MEMORY, 0);

	if (operation == INSN_NONE || is_vector(&t->insn))
		return true;
	if (has_register_of(t, ZYDIS_REGCLASS_CONTROL) || has_register_of(t, ZYDIS_REGCLASS_DEBUG))
		return false;
	if (is_memory_operation(operation) && !memory)
		return true;
	if (has_register_of(t, ZYDIS_REGCLASS_SEGMENT))
		return true;
	/* Its width depends on the vendor. */
	return t->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD && has_mandatory_prefix(s);
}

static void check(const u8 *code, size_t size, unsigned mode)
{
	struct theirs theirs;
	struct subject s = {code, size, modes[mode].bits, &theirs};
	struct instruction insn;
	enum status ours = decode_instruction(
		(struct bytes){code, size}, (struct decode_mode){.bits = modes[mode].bits}, &insn);
	bool theirs_ok = ZYAN_SUCCESS(
		ZydisDecoderDecodeFull(&decoders[mode], code, size, &theirs.insn, theirs.operand));

	if (!theirs_ok) {
		theirs.insn.mnemonic = ZYDIS_MNEMONIC_INVALID;
		if (ours == OK)
			report(&s, "accepted", insn.operation, 0);
		return;
	}
	if (ours == OK) {
		accepted_count[theirs.insn.mnemonic]++;
		compare(&s, &insn);
		return;
	}
	refused_count[theirs.insn.mnemonic]++;
	if (!is_outside(&s))
		report(&s, "refused", ours, 0);
}

static const u8 prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
			      0x40, 0x41, 0x42, 0x44, 0x48, 0x49, 0x4c, 0x4f, 0x48, 0x66, 0x67};

static void fill_random(u8 *code)
{
	for (unsigned i = 0; i < INSTRUCTION_MAX_LENGTH + 1; i += 8) {
		u64 word = random_u64();

		memcpy(code + i, &word, 8);
	}
}

static void random_strings_agree(void **state)
{
	u8 code[INSTRUCTION_MAX_LENGTH + 1];

	(void)state;
	for (unsigned i = 0; i < RANDOM_STRINGS; i++) {
		fill_random(code);
		check(code, INSTRUCTION_MAX_LENGTH, i % ARRAY_SIZE(modes));
	}
}

/* Some prefixes, one of the two opcode maps, random operands; sometimes cut short. */
static void structured_strings_agree(void **state)
{
	u8 code[INSTRUCTION_MAX_LENGTH + 1];

	(void)state;
	for (unsigned i = 0; i < STRUCTURED_STRINGS; i++) {
		u64 choice = random_u64();
		unsigned count = choice % 5, size = INSTRUCTION_MAX_LENGTH;

		fill_random(code);
		for (unsigned at = 0; at < count; at++)
			code[at] = prefixes[(choice >> (8 + 8 * at)) % ARRAY_SIZE(prefixes)];
		if (choice >> 63)
			code[count] = 0x0f;
		if ((choice >> 56 & 7) == 0)
			size = 1 + (choice >> 48) % INSTRUCTION_MAX_LENGTH;
		check(code, size, i % ARRAY_SIZE(modes));
	}
}

/* Every opcode of both maps with every ModRM byte, in each mode, after each of these prefixes. */
static void every_opcode_and_modrm_agrees(void **state)
{
	static const u8 before[][2] = {{0, 0},	  {0x66, 0}, {0x67, 0}, {0xf0, 0},    {0xf2, 0},
				       {0xf3, 0}, {0x48, 0}, {0x45, 0}, {0x66, 0x48}, {0x40, 0}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(modes) * ARRAY_SIZE(before) * 0x20000; i++) {
		unsigned mode = i % ARRAY_SIZE(modes), rest = i / ARRAY_SIZE(modes);
		const u8 *prefix = before[rest % ARRAY_SIZE(before)];
		u8 code[INSTRUCTION_MAX_LENGTH + 1], at = 0;

		rest /= ARRAY_SIZE(before);
		fill_random(code);
		for (unsigned p = 0; p < 2 && prefix[p]; p++)
			code[at++] = prefix[p];
		if (rest & 0x10000)
			code[at++] = 0x0f;
		code[at++] = rest >> 8 & 0xff;
		code[at] = rest & 0xff;
		check(code, INSTRUCTION_MAX_LENGTH, mode);
	}
}

/* Guards the comparison itself: it means little if hardly anything was accepted. */
static void every_name_was_accepted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (!accepted_count[names[i].mnemonic])
			fail_msg("never seen: %s", ZydisMnemonicGetString(names[i].mnemonic));
	}
	if (!getenv("SLUICE_SHOW_REFUSED"))
		return;
	for (unsigned m = 0; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++) {
		if (refused_count[m])
			printf("refused: %-16s %10llu (accepted %llu)\n", ZydisMnemonicGetString(m),
			       (unsigned long long)refused_count[m],
			       (unsigned long long)accepted_count[m]);
	}
}

static int set_up(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoders[i], modes[i].machine, modes[i].stack)))
			return -1;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		operation_of[names[i].mnemonic] = names[i].operation;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_strings_agree),
		cmocka_unit_test(structured_strings_agree),
		cmocka_unit_test(every_opcode_and_modrm_agrees),
		cmocka_unit_test(every_name_was_accepted),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
