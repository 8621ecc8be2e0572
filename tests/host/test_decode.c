// sources: arch/x86/decode.c arch/x86/decode_memory.c arch/x86/decode_tables.c
/* The decoder on encodings written by hand: what is intercepted, prefixes, and what is refused. */
#include "tests/host/decode_rows.h"

static void intercepted_instructions(void **state)
{
	static const struct row rows[] = {
		{64, "0f a2", "cpuid 2 a8 w0"},
		{64, "0f 32", "rdmsr 2 a8 w0"},
		{64, "0f 30", "wrmsr 2 a8 w0"},
		{64, "f4", "hlt 1 a8 w0"},
		{64, "0f 01 d9", "vmmcall 3 a8 w0"},
		{64, "0f 01 c1", "vmcall 3 a8 w0"},
		{64, "0f 31", "rdtsc 2 a8 w0"},
		{64, "0f 01 f9", "rdtscp 3 a8 w0"},
		{64, "0f 33", "rdpmc 2 a8 w0"},
		{64, "0f 09", "wbinvd 2 a8 w0"},
		{64, "f3 0f 09", "wbinvd 3 a8 w0"},
		{64, "0f 08", "invd 2 a8 w0"},
		{64, "0f 01 38", "invlpg 3 a8 w0 ds:rax+0"},
		{64, "41 0f 01 7c 24 08", "invlpg 6 a8 w0 ds:r12+8"},
		{64, "f3 90", "pause 2 a8 w0"},
		{64, "0f 01 c8", "monitor 3 a8 w0"},
		{64, "0f 01 c9", "mwait 3 a8 w0"},
		{64, "0f 01 d1", "xsetbv 3 a8 w0"},
		{64, "0f 01 d8", "vmrun 3 a8 w0"},
		{64, "0f 01 da", "vmload 3 a8 w0"},
		{64, "0f 01 db", "vmsave 3 a8 w0"},
		{64, "0f 01 dc", "stgi 3 a8 w0"},
		{64, "0f 01 dd", "clgi 3 a8 w0"},
		{64, "0f 01 de", "skinit 3 a8 w0"},
		{64, "0f 01 df", "invlpga 3 a8 w0"},
		{64, "0f 06", "clts 2 a8 w0"},
		{64, "0f 01 f0", "lmsw 3 a8 w0 rax/4"},
		{64, "0f 01 30", "lmsw 3 a8 w2 ds:rax+0 read"},
		{64, "0f 01 e0", "smsw 3 a8 w0 rax/4<"},
		{32, "0f 01 e1", "smsw 3 a4 w0 rcx/4<"},
		{32, "66 0f 01 e1", "smsw 4 a4 w0 rcx/2<"},
		{64, "48 0f 01 e1", "smsw 4 a8 w0 rcx/8<"},
		{64, "0f 01 20", "smsw 3 a8 w2 ds:rax+0 write"},
		{64, "0f 20 c0", "mov-from-cr 3 a8 w0 rax/8< #0"},
		{64, "0f 20 d3", "mov-from-cr 3 a8 w0 rbx/8< #2"},
		{64, "44 0f 20 c0", "mov-from-cr 4 a8 w0 rax/8< #8"},
		{64, "41 0f 22 df", "mov-to-cr 4 a8 w0 r15/8 #3"},
		{32, "0f 22 e0", "mov-to-cr 3 a4 w0 rax/4 #4"},
		{64, "0f 22 20", "mov-to-cr 3 a8 w0 rax/8 #4"},
		{64, "0f 21 f8", "mov-from-dr 3 a8 w0 rax/8< #7"},
		{32, "0f 23 fb", "mov-to-dr 3 a4 w0 rbx/4 #7"},
		{64, "cc", "int3 1 a8 w0"},
		{64, "cd 80", "int 2 a8 w0 $80"},
		{32, "ce", "into 1 a4 w0"},
		{64, "f1", "icebp 1 a8 w0"},
		{64, "cf", "iret 1 a8 w0"},
		{64, "48 cf", "iret 2 a8 w0"},
		{64, "0f aa", "rsm 2 a8 w0"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void ports(void **state)
{
	static const struct row rows[] = {
		{64, "e4 60", "in 2 a8 w1 rax/1< $60"},
		{64, "e5 60", "in 2 a8 w4 rax/4< $60"},
		{64, "66 e5 fe", "in 3 a8 w2 rax/2< $fe"},
		{16, "e5 60", "in 2 a2 w2 rax/2< $60"},
		{64, "e6 80", "out 2 a8 w1 rax/1 $80"},
		{64, "e7 80", "out 2 a8 w4 rax/4 $80"},
		{64, "ec", "in 1 a8 w1 rax/1<"},
		{64, "ed", "in 1 a8 w4 rax/4<"},
		{64, "66 ed", "in 2 a8 w2 rax/2<"},
		{64, "48 ed", "in 2 a8 w4 rax/4<"},
		{16, "ed", "in 1 a2 w2 rax/2<"},
		{16, "66 ed", "in 2 a2 w4 rax/4<"},
		{64, "ee", "out 1 a8 w1 rax/1"},
		{64, "ef", "out 1 a8 w4 rax/4"},
		{64, "6c", "ins 1 a8 w1 es:rdi+0 write"},
		{64, "f3 6c", "ins rep 2 a8 w1 es:rdi+0 write"},
		{64, "f3 66 6d", "ins rep 3 a8 w2 es:rdi+0 write"},
		{64, "f3 48 6d", "ins rep 3 a8 w4 es:rdi+0 write"},
		{64, "67 f3 6d", "ins rep 3 a4 w4 es:rdi+0 write"},
		{16, "6c", "ins 1 a2 w1 es:rdi+0 write"},
		{64, "6e", "outs 1 a8 w1 ds:rsi+0 read"},
		{64, "f3 6f", "outs rep 2 a8 w4 ds:rsi+0 read"},
		{64, "65 6e", "outs 2 a8 w1 gs:rsi+0 read"},
		{32, "26 66 6f", "outs 3 a4 w2 es:rsi+0 read"},
		{32, "67 f2 6e", "outs repne 3 a2 w1 ds:rsi+0 read"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void string_operations(void **state)
{
	static const struct row rows[] = {
		{64, "a4", "movs 1 a8 w1 ds:rsi+0 read es:rdi+0"},
		{64, "f3 48 a5", "movs rep 3 a8 w8 ds:rsi+0 read es:rdi+0"},
		{64, "65 f3 a5", "movs rep 3 a8 w4 gs:rsi+0 read es:rdi+0"},
		{32, "67 66 a5", "movs 3 a2 w2 ds:rsi+0 read es:rdi+0"},
		{16, "26 f3 a4", "movs rep 3 a2 w1 es:rsi+0 read es:rdi+0"},
		{64, "aa", "stos 1 a8 w1 es:rdi+0 write rax/1"},
		{64, "65 ab", "stos 2 a8 w4 es:rdi+0 write rax/4"},
		{64, "f3 48 ab", "stos rep 3 a8 w8 es:rdi+0 write rax/8"},
		{32, "67 ab", "stos 2 a2 w4 es:rdi+0 write rax/4"},
		{64, "ac", "lods 1 a8 w1 ds:rsi+0 read rax/1<"},
		{64, "66 ad", "lods 2 a8 w2 ds:rsi+0 read rax/2<"},
		{64, "f2 48 ad", "lods repne 3 a8 w8 ds:rsi+0 read rax/8<"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void prefixes(void **state)
{
	static const struct row rows[] = {
		{32, "2e 8b 07", "mov 3 a4 w4 cs:rdi+0 read rax/4<"},
		{32, "36 8b 07", "mov 3 a4 w4 ss:rdi+0 read rax/4<"},
		{32, "3e 8b 45 00", "mov 4 a4 w4 ds:rbp+0 read rax/4<"},
		{32, "26 64 8b 07", "mov 4 a4 w4 fs:rdi+0 read rax/4<"},
		{32, "64 26 8b 07", "mov 4 a4 w4 es:rdi+0 read rax/4<"},
		{64, "64 8b 07", "mov 3 a8 w4 fs:rdi+0 read rax/4<"},
		{64, "65 64 8b 07", "mov 4 a8 w4 fs:rdi+0 read rax/4<"},
		{64, "64 26 8b 07", "mov 4 a8 w4 fs:rdi+0 read rax/4<"},
		{64, "36 8b 07", "mov 3 a8 w4 ds:rdi+0 read rax/4<"},
		{64, "3e 8b 45 00", "mov 4 a8 w4 ss:rbp+0 read rax/4<"},
		{64, "48 66 89 07", "mov 4 a8 w2 ds:rdi+0 write rax/2"},
		{64, "48 40 89 07", "mov 4 a8 w4 ds:rdi+0 write rax/4"},
		{64, "66 48 89 07", "mov 4 a8 w8 ds:rdi+0 write rax/8"},
		{64, "4c 66 0f a2", "cpuid 4 a8 w0"},
		{64, "f0 01 07", "add lock 3 a8 w4 ds:rdi+0 read write rax/4"},
		{64, "f0 ff 07", "inc lock 3 a8 w4 ds:rdi+0 read write"},
		{64, "f0 0f ba 2f 03", "bts lock 5 a8 w4 ds:rdi+0 read write $3"},
		{64, "f0 48 0f b1 1f", "cmpxchg lock 5 a8 w8 ds:rdi+0 read write rbx/8"},
		{64, "f2 f0 01 07", "add lock 4 a8 w4 ds:rdi+0 read write rax/4"},
		{64, "f3 89 07", "mov 3 a8 w4 ds:rdi+0 write rax/4"},
		{64, "f3 f2 ab", "stos repne 3 a8 w4 es:rdi+0 write rax/4"},
		{64, "f2 f3 ab", "stos rep 3 a8 w4 es:rdi+0 write rax/4"},
		{64, "66 66 67 67 8b 07", "mov 6 a4 w2 ds:rdi+0 read rax/2<"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static const struct {
	u8 bits;
	const char *code;
} refused[] = {
	/* No memory operand. */
	{64, "89 c8"},
	{64, "01 c8"},
	{64, "0f b6 c0"},
	{64, "c7 c0 1 0 0 0"},
	{64, "0f 01 f8"}, /* SWAPGS, not INVLPG */
	{64, "90"},
	/* Memory operands that emulation does not know. */
	{64, "ff 37"},	  /* PUSH */
	{64, "8f 07"},	  /* POP */
	{64, "ff 17"},	  /* CALL */
	{64, "8c 07"},	  /* MOV from a segment register */
	{64, "8e 07"},	  /* and to one */
	{64, "c1 27 1"},  /* SHL */
	{64, "f7 27"},	  /* MUL */
	{64, "a6"},	  /* CMPS */
	{64, "ae"},	  /* SCAS */
	{64, "0f 10 07"}, /* MOVUPS */
	{64, "0f 6f 07"}, /* MOVQ */
	{64, "66 0f 6f 07"},
	{64, "f2 0f 10 07"},
	{64, "0f c7 0f"},	  /* CMPXCHG8B */
	{64, "0f 38 f0 07"},	  /* MOVBE */
	{64, "c5 fa 6f 07"},	  /* VEX */
	{64, "c4 e2 7d 58 07"},	  /* VEX */
	{64, "62 f1 7c 48 10 0"}, /* EVEX */
	{64, "d9 07"},		  /* x87 */
	/* Not in this mode. */
	{64, "ce"},
	{64, "82 07 1"},
	{32, "63 07"}, /* ARPL */
	{16, "63 07"},
	/* The vendors disagree on the width. */
	{64, "66 63 07"},
	/* Empty places of groups. */
	{64, "c6 0f 1"},
	{64, "0f ba 07 1"},
	{64, "fe 17"},
	{64, "0f 01 07"}, /* SGDT */
	{64, "0f 01 c0"},
	{64, "0f 01 d0"}, /* XGETBV */
	{64, "0f 01 fa"}, /* MONITORX */
	/* Prefixes that make them invalid, or another instruction. */
	{64, "f0 89 07"},
	{64, "f0 03 07"},
	{64, "f0 39 07"},
	{64, "f0 85 07"},
	{64, "f0 0f a3 07"},
	{64, "f0 0f a2"},
	{64, "f0 f4"},
	{64, "f0 0f 20 c0"},
	{64, "66 0f c3 07"},
	{64, "f3 0f c3 07"},
	{64, "66 0f 01 c1"},
	{64, "f2 0f 01 d1"},
	{64, "f2 90"},
	/* No such control or debug register. */
	{64, "0f 20 c8"},
	{64, "0f 22 e8"},
	{64, "44 0f 20 c8"},
	{64, "44 0f 23 c0"},
};

static void what_is_refused(void **state)
{
	struct instruction insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		enum status status = decode_text(refused[i].bits, refused[i].code, &insn);

		if (status != ERR_UNSUPPORTED)
			fail_msg("%u-bit %s: %d", refused[i].bits, refused[i].code, status);
	}
}

static void fifteen_bytes_at_most(void **state)
{
	u8 code[32];
	struct instruction insn;

	(void)state;
	memset(code, 0x66, sizeof(code));
	code[13] = 0x89;
	code[14] = 0x07;
	assert_int_equal(decode_bytes(64, code, sizeof(code), &insn), OK);
	assert_int_equal(insn.length, 15);
	assert_int_equal(decode_bytes(64, code, 14, &insn), ERR_TRUNCATED);

	code[13] = 0x66;
	code[14] = 0x89;
	code[15] = 0x07;
	assert_int_equal(decode_bytes(64, code, sizeof(code), &insn), ERR_INVALID);
	assert_int_equal(decode_bytes(64, code, 15, &insn), ERR_INVALID);
	assert_int_equal(decode_bytes(64, code, 14, &insn), ERR_TRUNCATED);

	memset(code, 0x66, sizeof(code));
	assert_int_equal(decode_bytes(64, code, sizeof(code), &insn), ERR_INVALID);
	assert_int_equal(decode_bytes(64, NULL, 0, &insn), ERR_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intercepted_instructions), cmocka_unit_test(ports),
		cmocka_unit_test(string_operations),	    cmocka_unit_test(prefixes),
		cmocka_unit_test(what_is_refused),	    cmocka_unit_test(fifteen_bytes_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
