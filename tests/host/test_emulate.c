// sources: arch/x86/decode.c arch/x86/decode_memory.c arch/x86/decode_tables.c arch/x86/decode_address.c arch/x86/emulate.c
/*
 * Emulation against this machine's own CPU: every instruction that emulate() knows is run on ordinary
 * memory, in all its forms and with many operands, and must leave the registers, flags and memory that
 * emulation leaves. Addresses are compared likewise, with LEA.
 */
#include "tests/host/cpu_runner.h"
#include "tests/host/random.h"

#include "arch/x86/emulate.h"
#include "arch/x86/msr.h"
#include "arch/x86/width.h"
#include "hv/base/bits.h"

#define ROUNDS	    24	   /* of operands for each form */
#define ADDRESSES   200000 /* compared with LEA */
#define DATA_SIZE   0x3000
#define DATA_CENTER 0x1800

#define ARITHMETIC_FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static const struct decode_mode mode_64 = {.bits = 64};

struct machine {
	u8 *data; /* below 4 GiB, so that a 67 prefix can reach it */
	struct cpu_runner runner;
	u64 seen[INSN_XCHG + 1];
};

/* Often one at which something carries, overflows or becomes zero. */
static u64 random_operand(void)
{
	static const u64 edges[] = {
		0,	 0x01,	 0x0f,	 0x10,	     0x7f,	 0x80,	     0xff,
		0x7fff,	 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
		BIT(63), ~0ull,
	};
	u64 choice = random_u64();

	return choice & 1 ? edges[choice >> 32 & (ARRAY_SIZE(edges) - 1)] : random_u64();
}

static u8 *host_memory(const struct machine *m, const struct instruction *insn,
		       const struct memory_operand *operand, const struct cpu_state *state)
{
	u64 address = linear_address(insn, operand, state->gpr, (uintptr_t)m->runner.slot, 0);

	assert_true(range_within(address, insn->width, (uintptr_t)m->data, DATA_SIZE));
	return m->data + (address - (uintptr_t)m->data);
}

/* One element of a string instruction, or all of any other, as the hypervisor would do it. */
static void emulate_step(const struct machine *m, const struct instruction *insn,
			 struct cpu_state *state)
{
	u8 *memory = host_memory(m, insn, &insn->memory, state), *to = memory;
	u64 value = random_u64(), result;

	if (insn->operation == INSN_MOVS)
		to = host_memory(m, insn, &insn->destination, state);
	if (insn->reads) {
		value = 0;
		memcpy(&value, memory, insn->width);
	}
	result = emulate(insn, state->gpr, &state->rflags, value);
	assert_int_equal(result & ~width_mask(insn->width), 0);
	if (insn->writes || insn->operation == INSN_MOVS)
		memcpy(to, &result, insn->width);
}

static bool is_string(const struct instruction *insn)
{
	return insn->operation == INSN_MOVS || insn->operation == INSN_STOS ||
	       insn->operation == INSN_LODS;
}

static void emulate_all(const struct machine *m, const struct instruction *insn,
			struct cpu_state *state)
{
	if (!is_string(insn)) {
		emulate_step(m, insn, state);
		return;
	}
	for (u64 left = string_count(insn, state->gpr); left; left--) {
		emulate_step(m, insn, state);
		string_advance(insn, state->gpr, state->rflags, 1);
	}
}

static u64 undefined_flags(enum operation operation)
{
	switch (operation) {
	case INSN_AND:
	case INSN_OR:
	case INSN_XOR:
	case INSN_TEST:
		return RFLAGS_AF;
	case INSN_BT:
	case INSN_BTS:
	case INSN_BTR:
	case INSN_BTC:
		return RFLAGS_PF | RFLAGS_AF | RFLAGS_SF | RFLAGS_OF;
	default:
		return 0;
	}
}

static void fill_state(const struct machine *m, const struct instruction *insn,
		       struct cpu_state *state)
{
	u64 center = (uintptr_t)m->data + DATA_CENTER;

	for (unsigned r = 0; r < GPR_COUNT; r++)
		state->gpr[r] = random_operand();
	state->gpr[GPR_RSP] = 0;
	state->rflags = RFLAGS_FIXED | RFLAGS_IF | (random_u64() & ARITHMETIC_FLAGS);
	if (is_string(insn)) {
		state->gpr[GPR_RCX] = random_u64() % 6;
		state->gpr[GPR_RSI] = center + random_u64() % 64;
		state->rflags |= random_u64() & RFLAGS_DF;
	} else if (insn->operation >= INSN_BT && insn->operation <= INSN_BTC && insn->reg.width) {
		state->gpr[insn->reg.number] = (random_u64() & 0xffff) - 0x8000;
	}
	state->gpr[GPR_RDI] = center + random_u64() % 64;
	/* Equal operands matter to CMPXCHG. */
	if (random_u64() & 1)
		memcpy(m->data + (state->gpr[GPR_RDI] - (uintptr_t)m->data), &state->gpr[GPR_RAX],
		       8);
}

static void fail_with(const struct instruction *insn, const u8 *code, const char *what, u64 ours,
		      u64 cpu)
{
	fprintf(stderr, "%s: emulated %#llx, CPU %#llx;", what, (unsigned long long)ours,
		(unsigned long long)cpu);
	for (unsigned i = 0; i < insn->length; i++)
		fprintf(stderr, " %02x", code[i]);
	fprintf(stderr, "\n");
	fail();
}

static void compare_round(struct machine *m, const struct instruction *insn, const u8 *code)
{
	static u8 before[DATA_SIZE], after_cpu[DATA_SIZE];
	u64 flags = ~undefined_flags(insn->operation);
	struct cpu_state ours, cpu;

	fill_state(m, insn, &ours);
	cpu = ours;
	memcpy(before, m->data, DATA_SIZE);
	cpu_runner_run(&m->runner, &cpu);
	memcpy(after_cpu, m->data, DATA_SIZE);
	memcpy(m->data, before, DATA_SIZE);
	emulate_all(m, insn, &ours);

	for (unsigned r = 0; r < GPR_COUNT; r++) {
		if (ours.gpr[r] != cpu.gpr[r])
			fail_with(insn, code, "register", ours.gpr[r], cpu.gpr[r]);
	}
	if ((ours.rflags ^ cpu.rflags) & flags)
		fail_with(insn, code, "flags", ours.rflags, cpu.rflags);
	if (memcmp(m->data, after_cpu, DATA_SIZE) == 0)
		return;
	for (unsigned i = 0; i < DATA_SIZE; i++) {
		if (m->data[i] != after_cpu[i])
			fail_with(insn, code, "memory", m->data[i], after_cpu[i]);
	}
}

/* The operands that build() and fill_state() lay into the data; prefixes as opcodes lead elsewhere. */
static bool is_in_data(const struct machine *m, const struct memory_operand *memory)
{
	if (memory->base == NO_REGISTER)
		return memory->displacement == (uintptr_t)m->data + DATA_CENTER;
	return (memory->base == GPR_RDI || memory->base == GPR_RSI) &&
	       memory->index == NO_REGISTER && memory->displacement == 0;
}

/* True if the form can run in the harness, whose RSP is not free. */
static bool can_run(const struct machine *m, const struct instruction *insn)
{
	bool bit_string = insn->operation >= INSN_BT && insn->operation <= INSN_BTC;

	if (!instruction_is_emulated(insn) || !is_in_data(m, &insn->memory))
		return false;
	if (insn->reg.width && !insn->reg.high_byte && insn->reg.number == GPR_RSP)
		return false;
	/* The address itself as the bit number leads out of the data. */
	return !(bit_string && insn->reg.width && insn->reg.number == GPR_RDI);
}

/* Builds prefixes, opcode, and [rdi] or moffs with reg in ModRM. */
static void build(const struct machine *m, u8 *code, const u8 *prefix, unsigned opcode,
		  unsigned reg)
{
	u64 address = (uintptr_t)m->data + DATA_CENTER;
	u8 *at = code;

	for (unsigned i = 0; i < 2 && prefix[i]; i++)
		*at++ = prefix[i];
	if (opcode & 0x100)
		*at++ = 0x0f;
	*at++ = (u8)opcode;
	if (opcode >= 0xa0 && opcode <= 0xa3) {
		put(&at, &address, 8);
		return;
	}
	*at++ = (u8)(reg << 3 | GPR_RDI);
	for (unsigned i = 0; i < 4; i++)
		*at++ = (u8)random_operand();
}

static void results_match_the_cpu(void **state)
{
	static const u8 prefixes[][2] = {{0},	       {0x66},	     {0x48},	   {0x44},
					 {0x4c},       {0x40},	     {0x67},	   {0xf0},
					 {0xf3},       {0xf2},	     {0x66, 0x44}, {0x66, 0xf3},
					 {0xf3, 0x48}, {0xf0, 0x48}, {0x67, 0xf3}, {0xf0, 0x66}};
	struct machine *m = *state;

	for (unsigned i = 0; i < 0x200 * 8 * ARRAY_SIZE(prefixes); i++) {
		u8 code[INSTRUCTION_MAX_LENGTH + 1] = {0};
		struct instruction insn;

		build(m, code, prefixes[i % ARRAY_SIZE(prefixes)], i / ARRAY_SIZE(prefixes) / 8,
		      i / ARRAY_SIZE(prefixes) % 8);
		if (decode_instruction((struct bytes){code, INSTRUCTION_MAX_LENGTH}, mode_64,
				       &insn) != OK ||
		    !can_run(m, &insn))
			continue;
		cpu_runner_put(&m->runner, code, insn.length);
		m->seen[insn.operation]++;
		for (unsigned round = 0; round < ROUNDS; round++)
			compare_round(m, &insn, code);
	}
	for (unsigned operation = INSN_FIRST_EMULATED; operation <= INSN_XCHG; operation++) {
		if (!m->seen[operation])
			fail_msg("operation %u was never run", operation);
	}
}

/* mov reg, m decoded; lea reg, m with the same bytes run. */
static void addresses_match_the_cpu(void **state)
{
	struct machine *m = *state;
	unsigned compared = 0;

	for (unsigned i = 0; i < ADDRESSES; i++) {
		u64 random = random_u64(), address;
		u8 code[INSTRUCTION_MAX_LENGTH + 1], at = 0;
		struct cpu_state cpu;
		struct instruction insn;

		memset(&cpu, 0, sizeof(cpu));
		for (unsigned r = 0; r < GPR_COUNT; r++)
			cpu.gpr[r] = r == GPR_RSP ? 0 : random_operand();
		cpu.rflags = RFLAGS_FIXED | RFLAGS_IF;
		if (random & 1)
			code[at++] = 0x67;
		code[at++] = 0x48 | (random >> 8 & 7);
		code[at++] = 0x8b;
		memcpy(code + at, &random, 8);
		code[at] = random >> 16 & 0xff;
		code[at + 1] = random >> 24 & 0xff;
		if (decode_instruction((struct bytes){code, sizeof(code)}, mode_64, &insn) != OK ||
		    insn.memory.base == GPR_RSP || insn.reg.number == GPR_RSP)
			continue;
		address =
			linear_address(&insn, &insn.memory, cpu.gpr, (uintptr_t)m->runner.slot, 0);
		code[at - 1] = 0x8d;
		cpu_runner_put(&m->runner, code, insn.length);
		cpu_runner_run(&m->runner, &cpu);
		if (cpu.gpr[insn.reg.number] != address)
			fail_with(&insn, code, "address", address, cpu.gpr[insn.reg.number]);
		compared++;
	}
	assert_true(compared > ADDRESSES / 2);
}

static struct instruction decode_in(u8 bits, const char *code, size_t size)
{
	struct instruction insn;

	assert_int_equal(decode_instruction((struct bytes){(const u8 *)code, size},
					    (struct decode_mode){.bits = bits}, &insn),
			 OK);
	return insn;
}

/* What the CPU of a 64-bit process can't be asked: 16-bit addresses. */
static void string_registers_wrap_with_the_address(void **state)
{
	struct instruction movs = decode_in(16, "\xf3\xa5", 2);
	struct instruction lods = decode_in(16, "\xad", 1);
	u64 gpr[GPR_COUNT] = {
		[GPR_RCX] = 0xaaaa0002, [GPR_RSI] = 0xaaaafffe, [GPR_RDI] = 0xaaaa0000};

	(void)state;
	assert_int_equal(string_count(&movs, gpr), 2);
	string_advance(&movs, gpr, 0, 1);
	assert_int_equal(gpr[GPR_RCX], 0xaaaa0001);
	assert_int_equal(gpr[GPR_RSI], 0xaaaa0000);
	assert_int_equal(gpr[GPR_RDI], 0xaaaa0002);
	string_advance(&movs, gpr, RFLAGS_DF, 1);
	assert_int_equal(string_count(&movs, gpr), 0);
	assert_int_equal(gpr[GPR_RSI], 0xaaaafffe);
	assert_int_equal(gpr[GPR_RDI], 0xaaaa0000);

	/* Without a repeat prefix there is one element, whatever rCX is. */
	assert_int_equal(string_count(&lods, gpr), 1);
	string_advance(&lods, gpr, 0, 1);
	assert_int_equal(gpr[GPR_RCX], 0xaaaa0000);
	assert_int_equal(gpr[GPR_RSI], 0xaaaa0000);
	assert_int_equal(gpr[GPR_RDI], 0xaaaa0000);
}

/* INS and OUTS are not emulated, but their registers move alike. */
static void port_strings_advance(void **state)
{
	struct instruction ins = decode_in(64, "\xf3\x6d", 2);
	struct instruction outs = decode_in(32, "\xf3\x6e", 2);
	u64 gpr[GPR_COUNT] = {[GPR_RCX] = 5, [GPR_RSI] = 0x100, [GPR_RDI] = 0x1fffffffc};

	(void)state;
	assert_false(instruction_is_emulated(&ins));
	assert_false(instruction_is_emulated(&outs));
	string_advance(&ins, gpr, 0, 2);
	assert_int_equal(gpr[GPR_RCX], 3);
	assert_int_equal(gpr[GPR_RDI], 0x200000004);
	assert_int_equal(gpr[GPR_RSI], 0x100);
	string_advance(&outs, gpr, RFLAGS_DF, 3);
	assert_int_equal(string_count(&outs, gpr), 0);
	assert_int_equal(gpr[GPR_RSI], 0xfd);
	assert_int_equal(gpr[GPR_RDI], 0x200000004);
}

static int set_up(void **state)
{
	static struct machine m;

	m.data = memory_below_4g(DATA_SIZE, PROT_READ | PROT_WRITE);
	if (!m.data || !cpu_runner_open(&m.runner))
		return -1;
	for (unsigned i = 0; i < DATA_SIZE; i++)
		m.data[i] = (u8)random_u64();
	*state = &m;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_match_the_cpu),
		cmocka_unit_test(addresses_match_the_cpu),
		cmocka_unit_test(string_registers_wrap_with_the_address),
		cmocka_unit_test(port_strings_advance),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
