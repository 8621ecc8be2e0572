// sources: arch/x86/decode.c arch/x86/decode_memory.c arch/x86/decode_tables.c arch/x86/decode_address.c
/* The decoder on encodings written by hand: operations on memory, forms of addresses, and their value. */
#include "tests/host/decode_rows.h"

static const struct row operations[] = {
	{64, "00 0f", "add 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "01 0f", "add 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "02 0f", "add 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "03 0f", "add 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "08 0f", "or 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "09 0f", "or 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "0a 0f", "or 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "0b 0f", "or 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "10 0f", "adc 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "11 0f", "adc 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "12 0f", "adc 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "13 0f", "adc 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "18 0f", "sbb 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "19 0f", "sbb 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "1a 0f", "sbb 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "1b 0f", "sbb 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "20 0f", "and 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "21 0f", "and 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "22 0f", "and 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "23 0f", "and 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "28 0f", "sub 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "29 0f", "sub 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "2a 0f", "sub 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "2b 0f", "sub 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "30 0f", "xor 2 a8 w1 ds:rdi+0 read write rcx/1"},
	{64, "31 0f", "xor 2 a8 w4 ds:rdi+0 read write rcx/4"},
	{64, "32 0f", "xor 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "33 0f", "xor 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "38 0f", "cmp 2 a8 w1 ds:rdi+0 read rcx/1"},
	{64, "39 0f", "cmp 2 a8 w4 ds:rdi+0 read rcx/4"},
	{64, "3a 0f", "cmp 2 a8 w1 ds:rdi+0 read rcx/1<"},
	{64, "3b 0f", "cmp 2 a8 w4 ds:rdi+0 read rcx/4<"},
	{64, "80 07 fe", "add 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 0f fe", "or 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 17 fe", "adc 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 1f fe", "sbb 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 27 fe", "and 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 2f fe", "sub 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 37 fe", "xor 3 a8 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "80 3f fe", "cmp 3 a8 w1 ds:rdi+0 read $fffffffffffffffe"},
	{64, "81 07 78 56 34 92", "add 6 a8 w4 ds:rdi+0 read write $ffffffff92345678"},
	{64, "66 81 0f 78 96", "or 5 a8 w2 ds:rdi+0 read write $ffffffffffff9678"},
	{64, "48 81 17 78 56 34 92", "adc 7 a8 w8 ds:rdi+0 read write $ffffffff92345678"},
	{16, "81 1f 78 96", "sbb 4 a2 w2 ds:rbx+0 read write $ffffffffffff9678"},
	{32, "82 27 fe", "and 3 a4 w1 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "83 2f fe", "sub 3 a8 w4 ds:rdi+0 read write $fffffffffffffffe"},
	{64, "48 83 37 7f", "xor 4 a8 w8 ds:rdi+0 read write $7f"},
	{64, "66 83 3f fe", "cmp 4 a8 w2 ds:rdi+0 read $fffffffffffffffe"},
	{64, "84 1f", "test 2 a8 w1 ds:rdi+0 read rbx/1"},
	{64, "48 85 1f", "test 3 a8 w8 ds:rdi+0 read rbx/8"},
	{64, "f6 07 fe", "test 3 a8 w1 ds:rdi+0 read $fffffffffffffffe"},
	{64, "f7 07 78 56 34 92", "test 6 a8 w4 ds:rdi+0 read $ffffffff92345678"},
	{64, "f7 0f 78 56 34 12", "test 6 a8 w4 ds:rdi+0 read $12345678"},
	{64, "f6 17", "not 2 a8 w1 ds:rdi+0 read write"},
	{64, "f7 17", "not 2 a8 w4 ds:rdi+0 read write"},
	{64, "f6 1f", "neg 2 a8 w1 ds:rdi+0 read write"},
	{64, "48 f7 1f", "neg 3 a8 w8 ds:rdi+0 read write"},
	{64, "86 1f", "xchg lock 2 a8 w1 ds:rdi+0 read write rbx/1"},
	{64, "87 1f", "xchg lock 2 a8 w4 ds:rdi+0 read write rbx/4"},
	{64, "f0 87 1f", "xchg lock 3 a8 w4 ds:rdi+0 read write rbx/4"},
	{64, "88 1f", "mov 2 a8 w1 ds:rdi+0 write rbx/1"},
	{64, "88 27", "mov 2 a8 w1 ds:rdi+0 write rax.high/1"},
	{64, "40 88 27", "mov 3 a8 w1 ds:rdi+0 write rsp/1"},
	{64, "89 1f", "mov 2 a8 w4 ds:rdi+0 write rbx/4"},
	{64, "66 89 1f", "mov 3 a8 w2 ds:rdi+0 write rbx/2"},
	{64, "4c 89 1f", "mov 3 a8 w8 ds:rdi+0 write r11/8"},
	{16, "89 1f", "mov 2 a2 w2 ds:rbx+0 write rbx/2"},
	{64, "8a 1f", "mov 2 a8 w1 ds:rdi+0 read rbx/1<"},
	{64, "8b 1f", "mov 2 a8 w4 ds:rdi+0 read rbx/4<"},
	{32, "8b 1f", "mov 2 a4 w4 ds:rdi+0 read rbx/4<"},
	{64, "a0 88 77 66 55 44 33 22 91", "mov 9 a8 w1 ds:9122334455667788 read rax/1<"},
	{64, "a1 88 77 66 55 44 33 22 91", "mov 9 a8 w4 ds:9122334455667788 read rax/4<"},
	{64, "67 a1 88 77 66 95", "mov 6 a4 w4 ds:95667788 read rax/4<"},
	{32, "a2 88 77 66 95", "mov 5 a4 w1 ds:95667788 write rax/1"},
	{32, "a3 00 03 e0 fe", "mov 5 a4 w4 ds:fee00300 write rax/4"},
	{16, "a3 34 92", "mov 3 a2 w2 ds:9234 write rax/2"},
	{16, "66 a3 34 92", "mov 4 a2 w4 ds:9234 write rax/4"},
	{64, "48 a3 88 77 66 55 44 33 22 91", "mov 10 a8 w8 ds:9122334455667788 write rax/8"},
	{64, "c6 07 fe", "mov 3 a8 w1 ds:rdi+0 write $fffffffffffffffe"},
	{64, "c7 07 78 56 34 92", "mov 6 a8 w4 ds:rdi+0 write $ffffffff92345678"},
	{64, "66 c7 07 78 96", "mov 5 a8 w2 ds:rdi+0 write $ffffffffffff9678"},
	{64, "48 c7 07 78 56 34 92", "mov 7 a8 w8 ds:rdi+0 write $ffffffff92345678"},
	{64, "0f b6 1f", "movzx 3 a8 w1 ds:rdi+0 read rbx/4<"},
	{64, "66 0f b6 1f", "movzx 4 a8 w1 ds:rdi+0 read rbx/2<"},
	{64, "48 0f b7 1f", "movzx 4 a8 w2 ds:rdi+0 read rbx/8<"},
	{64, "0f b7 1f", "movzx 3 a8 w2 ds:rdi+0 read rbx/4<"},
	{64, "0f be 1f", "movsx 3 a8 w1 ds:rdi+0 read rbx/4<"},
	{64, "4c 0f be 1f", "movsx 4 a8 w1 ds:rdi+0 read r11/8<"},
	{64, "0f bf 1f", "movsx 3 a8 w2 ds:rdi+0 read rbx/4<"},
	{64, "63 1f", "movsx 2 a8 w4 ds:rdi+0 read rbx/4<"},
	{64, "48 63 1f", "movsx 3 a8 w4 ds:rdi+0 read rbx/8<"},
	{64, "fe 07", "inc 2 a8 w1 ds:rdi+0 read write"},
	{64, "ff 07", "inc 2 a8 w4 ds:rdi+0 read write"},
	{64, "fe 0f", "dec 2 a8 w1 ds:rdi+0 read write"},
	{64, "48 ff 0f", "dec 3 a8 w8 ds:rdi+0 read write"},
	{64, "0f a3 1f", "bt 3 a8 w4 ds:rdi+0 read rbx/4"},
	{64, "0f ab 1f", "bts 3 a8 w4 ds:rdi+0 read write rbx/4"},
	{64, "0f b3 1f", "btr 3 a8 w4 ds:rdi+0 read write rbx/4"},
	{64, "48 0f bb 1f", "btc 4 a8 w8 ds:rdi+0 read write rbx/8"},
	{64, "0f ba 27 ff", "bt 4 a8 w4 ds:rdi+0 read $ff"},
	{64, "0f ba 2f 03", "bts 4 a8 w4 ds:rdi+0 read write $3"},
	{64, "66 0f ba 37 0f", "btr 5 a8 w2 ds:rdi+0 read write $f"},
	{64, "48 0f ba 3f 3f", "btc 5 a8 w8 ds:rdi+0 read write $3f"},
	{64, "0f b0 1f", "cmpxchg 3 a8 w1 ds:rdi+0 read write rbx/1"},
	{64, "0f b1 1f", "cmpxchg 3 a8 w4 ds:rdi+0 read write rbx/4"},
	{64, "0f c0 27", "xadd 3 a8 w1 ds:rdi+0 read write rax.high/1"},
	{64, "48 0f c1 1f", "xadd 4 a8 w8 ds:rdi+0 read write rbx/8"},
	{64, "0f c3 1f", "mov 3 a8 w4 ds:rdi+0 write rbx/4"},
	{64, "48 0f c3 1f", "mov 4 a8 w8 ds:rdi+0 write rbx/8"},
	{16, "0f c3 1f", "mov 3 a2 w4 ds:rbx+0 write rbx/4"},
};

static void operations_on_memory(void **state)
{
	(void)state;
	check_rows(operations, ARRAY_SIZE(operations));
}

static void addressing_forms(void **state)
{
	static const struct row rows[] = {
		{16, "8b 00", "mov 2 a2 w2 ds:rbx+rsi*1+0 read rax/2<"},
		{16, "8b 01", "mov 2 a2 w2 ds:rbx+rdi*1+0 read rax/2<"},
		{16, "8b 02", "mov 2 a2 w2 ss:rbp+rsi*1+0 read rax/2<"},
		{16, "8b 03", "mov 2 a2 w2 ss:rbp+rdi*1+0 read rax/2<"},
		{16, "8b 04", "mov 2 a2 w2 ds:rsi+0 read rax/2<"},
		{16, "8b 05", "mov 2 a2 w2 ds:rdi+0 read rax/2<"},
		{16, "8b 07", "mov 2 a2 w2 ds:rbx+0 read rax/2<"},
		{16, "8b 06 34 92", "mov 4 a2 w2 ds:ffffffffffff9234 read rax/2<"},
		{16, "8b 46 fe", "mov 3 a2 w2 ss:rbp+fffffffffffffffe read rax/2<"},
		{16, "8b 86 34 92", "mov 4 a2 w2 ss:rbp+ffffffffffff9234 read rax/2<"},
		{32, "67 8b 03", "mov 3 a2 w4 ss:rbp+rdi*1+0 read rax/4<"},
		{32, "8b 00", "mov 2 a4 w4 ds:rax+0 read rax/4<"},
		{32, "8b 45 fe", "mov 3 a4 w4 ss:rbp+fffffffffffffffe read rax/4<"},
		{32, "8b 85 78 56 34 92", "mov 6 a4 w4 ss:rbp+ffffffff92345678 read rax/4<"},
		{32, "8b 05 78 56 34 92", "mov 6 a4 w4 ds:ffffffff92345678 read rax/4<"},
		{32, "8b 04 24", "mov 3 a4 w4 ss:rsp+0 read rax/4<"},
		{32, "8b 04 8d 78 56 34 92", "mov 7 a4 w4 ds:rcx*4+ffffffff92345678 read rax/4<"},
		{32, "8b 44 cd 7f", "mov 4 a4 w4 ss:rbp+rcx*8+7f read rax/4<"},
		{32, "8b 44 65 00", "mov 4 a4 w4 ss:rbp+0 read rax/4<"},
		{64, "8b 05 78 56 34 92", "mov 6 a8 w4 ds:rip+ffffffff92345678 read rax/4<"},
		{64, "67 8b 05 78 56 34 12", "mov 7 a4 w4 ds:rip+12345678 read rax/4<"},
		{64, "41 8b 05 78 56 34 12", "mov 7 a8 w4 ds:rip+12345678 read rax/4<"},
		{64, "8b 04 25 78 56 34 92", "mov 7 a8 w4 ds:ffffffff92345678 read rax/4<"},
		{64, "41 8b 04 25 78 56 34 12", "mov 8 a8 w4 ds:12345678 read rax/4<"},
		{64, "67 41 8b 04 25 78 56 34 12", "mov 9 a4 w4 ds:12345678 read rax/4<"},
		{64, "42 8b 04 25 78 56 34 12", "mov 8 a8 w4 ds:r12*1+12345678 read rax/4<"},
		{64, "42 8b 04 20", "mov 4 a8 w4 ds:rax+r12*1+0 read rax/4<"},
		{64, "43 8b 44 f5 80", "mov 5 a8 w4 ds:r13+r14*8+ffffffffffffff80 read rax/4<"},
		{64, "41 8b 04 24", "mov 4 a8 w4 ds:r12+0 read rax/4<"},
		{64, "41 8b 45 00", "mov 4 a8 w4 ds:r13+0 read rax/4<"},
		{64, "8b 44 24 08", "mov 4 a8 w4 ss:rsp+8 read rax/4<"},
		{64, "8b 45 10", "mov 3 a8 w4 ss:rbp+10 read rax/4<"},
		{64, "67 8b 45 10", "mov 4 a4 w4 ss:rbp+10 read rax/4<"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

/* The linear address of the first operand, with gpr[n] = 0x1111111111111111 * n. */
static u64 address_of(u8 bits, const char *code, u64 rip, u64 segment_base)
{
	u64 gpr[GPR_COUNT];
	struct instruction insn;

	for (unsigned r = 0; r < GPR_COUNT; r++)
		gpr[r] = 0x1111111111111111u * r;
	assert_int_equal(decode_text(bits, code, &insn), OK);
	assert_true(insn.has_memory);
	return linear_address(&insn, &insn.memory, gpr, rip, segment_base);
}

static void linear_addresses(void **state)
{
	(void)state;
	/* [rsi+rdi*2+0x10] */
	assert_int_equal(address_of(64, "8b 44 7e 10", 0, 0), 0x5555555555555564);
	assert_int_equal(address_of(64, "67 8b 44 7e 10", 0, 0), 0x55555564);
	assert_int_equal(address_of(32, "8b 44 7e 10", 0, 0), 0x55555564);
	/* Segments have bases outside of 64-bit mode, and the sum has 32 bits. */
	assert_int_equal(address_of(32, "8b 44 7e 10", 0, 0xf0000000), 0x45555564);
	assert_int_equal(address_of(64, "8b 44 7e 10", 0, 0xf0000000), 0x5555555555555564);
	assert_int_equal(address_of(64, "2e 8b 44 7e 10", 0, 0xf0000000), 0x5555555555555564);
	assert_int_equal(address_of(64, "65 8b 44 7e 10", 0, 0xf0000000), 0x5555555645555564);
	assert_int_equal(address_of(64, "67 64 8b 44 7e 10", 0, 0xf00000000), 0xf55555564);
	/* [bp+di-2] is 0x5555+0x7777-2; the offset has 16 bits, the sum has more. */
	assert_int_equal(address_of(16, "8b 43 fe", 0, 0xffff0), 0x10ccba);
	assert_int_equal(address_of(16, "8b 84 99 99", 0, 0xffff0), 0xffff0 + 0xffff);
	/* [si+0xa000] wraps. */
	assert_int_equal(address_of(16, "8b 84 00 a0", 0, 0x10000), 0x10666);
	/* Relative to the next instruction, with and without the immediate. */
	assert_int_equal(address_of(64, "8b 05 f0 ff ff ff", 0x100001000, 0), 0x100000ff6);
	assert_int_equal(address_of(64, "c7 05 f0 ff ff ff 1 2 3 4", 0x100001000, 0), 0x100000ffa);
	assert_int_equal(address_of(64, "67 8b 05 f0 ff ff ff", 0x100001000, 0), 0xff7);
	/* An absolute address. */
	assert_int_equal(address_of(64, "a3 00 03 e0 fe 80 00 00 00", 0, 0), 0x80fee00300);
}

static void bit_numbers_move_the_address(void **state)
{
	struct instruction insn;
	u64 gpr[GPR_COUNT] = {[GPR_RDI] = 0x1000};

	(void)state;
	assert_int_equal(decode_text(64, "0f ab 07", &insn), OK); /* bts [rdi], eax */
	gpr[GPR_RAX] = 31;
	assert_int_equal(linear_address(&insn, &insn.memory, gpr, 0, 0), 0x1000);
	gpr[GPR_RAX] = 32;
	assert_int_equal(linear_address(&insn, &insn.memory, gpr, 0, 0), 0x1004);
	gpr[GPR_RAX] = 0xffffffff;
	assert_int_equal(linear_address(&insn, &insn.memory, gpr, 0, 0), 0xffc);
	assert_int_equal(decode_text(64, "66 0f ab 07", &insn), OK);
	assert_int_equal(linear_address(&insn, &insn.memory, gpr, 0, 0), 0xffe);
	assert_int_equal(decode_text(64, "48 0f ab 07", &insn), OK);
	assert_int_equal(linear_address(&insn, &insn.memory, gpr, 0, 0), 0x1000 + 0x1ffffff8);
	/* An immediate bit number stays within the operand. */
	assert_int_equal(decode_text(64, "0f ba 2f ff", &insn), OK);
	assert_int_equal(linear_address(&insn, &insn.memory, gpr, 0, 0), 0x1000);
}

static void next_instruction(void **state)
{
	struct instruction insn;

	(void)state;
	assert_int_equal(decode_text(64, "0f a2", &insn), OK);
	assert_int_equal(next_rip(&insn, 0xffffffff), 0x100000001);
	assert_int_equal(decode_text(32, "0f a2", &insn), OK);
	assert_int_equal(next_rip(&insn, 0xffffffff), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_on_memory),
		cmocka_unit_test(addressing_forms),
		cmocka_unit_test(linear_addresses),
		cmocka_unit_test(bit_numbers_move_the_address),
		cmocka_unit_test(next_instruction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
