/*
 * Expected decodings as rows of text: the bytes in hexadecimal, and the whole struct instruction in the
 * notation of print_instruction().
 */
#ifndef TESTS_HOST_DECODE_ROWS_H
#define TESTS_HOST_DECODE_ROWS_H

#include "tests/host/harness.h"

#include "arch/x86/decode.h"

static const char *const operation_names[] = {
	[INSN_CLGI] = "clgi",
	[INSN_CLTS] = "clts",
	[INSN_CPUID] = "cpuid",
	[INSN_HLT] = "hlt",
	[INSN_ICEBP] = "icebp",
	[INSN_IN] = "in",
	[INSN_INS] = "ins",
	[INSN_INT] = "int",
	[INSN_INT3] = "int3",
	[INSN_INTO] = "into",
	[INSN_INVD] = "invd",
	[INSN_INVLPG] = "invlpg",
	[INSN_INVLPGA] = "invlpga",
	[INSN_IRET] = "iret",
	[INSN_LMSW] = "lmsw",
	[INSN_MONITOR] = "monitor",
	[INSN_MOV_FROM_CR] = "mov-from-cr",
	[INSN_MOV_FROM_DR] = "mov-from-dr",
	[INSN_MOV_TO_CR] = "mov-to-cr",
	[INSN_MOV_TO_DR] = "mov-to-dr",
	[INSN_MWAIT] = "mwait",
	[INSN_OUT] = "out",
	[INSN_OUTS] = "outs",
	[INSN_PAUSE] = "pause",
	[INSN_RDMSR] = "rdmsr",
	[INSN_RDPMC] = "rdpmc",
	[INSN_RDTSC] = "rdtsc",
	[INSN_RDTSCP] = "rdtscp",
	[INSN_RSM] = "rsm",
	[INSN_SKINIT] = "skinit",
	[INSN_SMSW] = "smsw",
	[INSN_STGI] = "stgi",
	[INSN_VMCALL] = "vmcall",
	[INSN_VMLOAD] = "vmload",
	[INSN_VMMCALL] = "vmmcall",
	[INSN_VMRUN] = "vmrun",
	[INSN_VMSAVE] = "vmsave",
	[INSN_WBINVD] = "wbinvd",
	[INSN_WRMSR] = "wrmsr",
	[INSN_XSETBV] = "xsetbv",
	[INSN_ADD] = "add",
	[INSN_OR] = "or",
	[INSN_ADC] = "adc",
	[INSN_SBB] = "sbb",
	[INSN_AND] = "and",
	[INSN_SUB] = "sub",
	[INSN_XOR] = "xor",
	[INSN_CMP] = "cmp",
	[INSN_BT] = "bt",
	[INSN_BTS] = "bts",
	[INSN_BTR] = "btr",
	[INSN_BTC] = "btc",
	[INSN_CMPXCHG] = "cmpxchg",
	[INSN_DEC] = "dec",
	[INSN_INC] = "inc",
	[INSN_LODS] = "lods",
	[INSN_MOV] = "mov",
	[INSN_MOVS] = "movs",
	[INSN_MOVSX] = "movsx",
	[INSN_MOVZX] = "movzx",
	[INSN_NEG] = "neg",
	[INSN_NOT] = "not",
	[INSN_STOS] = "stos",
	[INSN_TEST] = "test",
	[INSN_XADD] = "xadd",
	[INSN_XCHG] = "xchg",
};

static const char *const segment_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
static const char *const gpr_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

/* Bytes from text such as "0f a2". */
static inline size_t parse_hex(const char *text, u8 *bytes, size_t max)
{
	size_t size = 0;

	for (char *end; *text && size < max; text = end)
		bytes[size++] = (u8)strtoul(text, &end, 16);
	return size;
}

static inline enum status decode_bytes(u8 bits, const u8 *code, size_t size,
				       struct instruction *insn)
{
	return decode_instruction((struct bytes){code, size}, (struct decode_mode){.bits = bits},
				  insn);
}

static inline enum status decode_text(u8 bits, const char *text, struct instruction *insn)
{
	u8 code[64];
	size_t size = parse_hex(text, code, sizeof(code));

	return decode_bytes(bits, code, size, insn);
}

static inline void print_memory(FILE *out, const struct memory_operand *memory)
{
	fprintf(out, " %s:", segment_names[memory->segment]);
	if (memory->rip_relative)
		fprintf(out, "rip+");
	if (memory->base != NO_REGISTER)
		fprintf(out, "%s+", gpr_names[memory->base]);
	if (memory->index != NO_REGISTER)
		fprintf(out, "%s*%u+", gpr_names[memory->index], memory->scale);
	fprintf(out, "%llx", (unsigned long long)memory->displacement);
}

/*
 * The whole struct as a line: name, prefixes, length, address size and width in bytes; memory as
 * segment:base+index*scale+displacement with what is done to it; register with its width, and < if it
 * is the destination; immediate.
 */
static inline void print_instruction(FILE *out, const struct instruction *insn)
{
	fprintf(out, "%s%s%s %u a%u w%u", operation_names[insn->operation],
		insn->lock ? " lock" : "",
		insn->repeat == REPEAT_NONE  ? ""
		: insn->repeat == REPEAT_REP ? " rep"
					     : " repne",
		insn->length, insn->address_size, insn->width);
	if (insn->has_memory) {
		print_memory(out, &insn->memory);
		fprintf(out, "%s%s", insn->reads ? " read" : "", insn->writes ? " write" : "");
	}
	if (insn->operation == INSN_MOVS)
		print_memory(out, &insn->destination);
	if (insn->reg.width)
		fprintf(out, " %s%s/%u%s", gpr_names[insn->reg.number],
			insn->reg.high_byte ? ".high" : "", insn->reg.width,
			insn->to_register ? "<" : "");
	if (insn->operation >= INSN_MOV_FROM_CR && insn->operation <= INSN_MOV_TO_DR)
		fprintf(out, " #%u", insn->control_register);
	if (insn->has_immediate)
		fprintf(out, " $%llx", (unsigned long long)insn->immediate);
}

struct row {
	u8 bits;
	const char *code;
	const char *meaning;
};

/* Each row decodes to its meaning, whatever follows it, and no shorter part of it does. */
static inline void check_row(const struct row *row)
{
	char got[160] = "";
	FILE *out = fmemopen(got, sizeof(got), "w");
	struct instruction insn, untouched;
	u8 code[32];
	size_t size = parse_hex(row->code, code, sizeof(code));

	if (decode_bytes(row->bits, code, size, &insn) != OK)
		fail_msg("refused: %u-bit %s", row->bits, row->code);
	print_instruction(out, &insn);
	fclose(out);
	if (strcmp(got, row->meaning) != 0)
		fail_msg("%u-bit %s: got \"%s\", not \"%s\"", row->bits, row->code, got,
			 row->meaning);

	memset(&insn, 0xee, sizeof(insn));
	untouched = insn;
	for (size_t shorter = 0; shorter < size; shorter++)
		assert_int_equal(decode_bytes(row->bits, code, shorter, &insn), ERR_TRUNCATED);
	assert_memory_equal(&insn, &untouched, sizeof(insn));
	memset(code + size, 0xf0, sizeof(code) - size);
	assert_int_equal(decode_bytes(row->bits, code, sizeof(code), &insn), OK);
	assert_int_equal(insn.length, size);
}

static inline void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(&rows[i]);
}

#endif
