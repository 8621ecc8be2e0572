// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_check_desk.h"

/* 26.3.1.2: with unrestricted guests, as the desk's are. */
static const struct row segment_rows[] = {
	{VM86, "guest segments: not as virtual-8086 mode has them", {{DS(BASE), 0x10000}}},
	{VM86, "guest segments: not as virtual-8086 mode has them", {{GS(LIMIT), 0xffffffff}}},
	{VM86, "guest segments: not as virtual-8086 mode has them", {{SS(RIGHTS), 0x93}}},
	{FLAT, "guest CS: unusable", {{CS(RIGHTS), UNUSABLE | 0xc09b}}},
	{FLAT, "guest CS: type", {{CS(RIGHTS), 0xc09a}}},
	{FLAT, "guest CS: type", {{CS(RIGHTS), 0xc091}}},
	{FLAT, "guest CS: type", {{CS(RIGHTS), 0xc097}}},
	{FLAT, NULL, {{CS(RIGHTS), 0xc093}}},
	{FLAT, NULL, {{CS(RIGHTS), 0xc09f}}},
	{FLAT, NULL, {{CS(RIGHTS), 0xc099}}},
	{FLAT, "guest CS: not present, or a system segment", {{CS(RIGHTS), 0xc01b}}},
	{FLAT, "guest CS: not present, or a system segment", {{CS(RIGHTS), 0xc08b}}},
	{FLAT, "guest CS: DPL of a data segment", {{CS(RIGHTS), 0xc0f3}}},
	{FLAT, "guest CS: DPL against that of SS", {{CS(RIGHTS), 0xc0fb}}},
	{FLAT, "guest CS: DPL against that of SS", {{CS(RIGHTS), 0xc0ff}}}, /* conforming */
	{FLAT, "guest CS: DPL against that of SS", {{SS(RIGHTS), 0xc0f3}}},
	{FLAT, NULL, {{SS(RIGHTS), 0xc0f3}, {CS(RIGHTS), 0xc09f}}},
	{FLAT, NULL, {{SS(RIGHTS), 0xc0f3}, {CS(RIGHTS), 0xc0fb}}},
	{FLAT, "guest CS: limit or reserved bits", {{CS(RIGHTS), 0xc19b}}},
	{FLAT, "guest CS: limit or reserved bits", {{CS(RIGHTS), 0x2c09b}}},
	{FLAT, "guest CS: limit or reserved bits", {{CS(LIMIT), 0xffffeffe}}},
	{FLAT, "guest CS: limit or reserved bits", {{CS(RIGHTS), 0x409b}}},
	{FLAT, NULL, {{CS(RIGHTS), 0x409b}, {CS(LIMIT), 0xffffe}}},
	{LONG, "guest CS: both L and D", {{CS(RIGHTS), 0xe09b}}},
	{FLAT, NULL, {{CS(RIGHTS), 0xe09b}}}, /* L means nothing */
	{LONG, "guest CS: base", {{CS(BASE), BIT(32)}}},
	{REAL, "guest SS: DPL in real mode", {{SS(RIGHTS), 0xf3}}},
	{FLAT, "guest SS: DPL in real mode", {{SS(RIGHTS), 0xc0f3}, {CS(RIGHTS), 0xc093}}},
	{FLAT, "guest SS: type", {{SS(RIGHTS), 0xc091}}},
	{FLAT, "guest SS: type", {{SS(RIGHTS), 0xc09b}}},
	{FLAT, NULL, {{SS(RIGHTS), 0xc097}}},
	{FLAT, "guest SS: not present, or a system segment", {{SS(RIGHTS), 0xc013}}},
	{FLAT, "guest SS: not present, or a system segment", {{SS(RIGHTS), 0xc083}}},
	{FLAT, "guest SS: limit or reserved bits", {{SS(RIGHTS), 0xc893}}},
	{FLAT, "guest SS: limit or reserved bits", {{SS(LIMIT), 0}}},
	{LONG, "guest SS: base", {{SS(BASE), BIT(32)}}},
	/* Unusable: but for its DPL, which is the CPL, nothing of it counts. */
	{LONG, NULL, {{SS(RIGHTS), UNUSABLE | 0xf0c}, {SS(BASE), BIT(32)}, {SS(LIMIT), 0}}},
	{LONG, "guest CS: DPL against that of SS", {{SS(RIGHTS), UNUSABLE | 0x60}}},
	{FLAT, NULL, {{SS(SELECTOR), 0x1b}}},
	{LONG, "guest FS or GS: base not canonical", {{FS(BASE), NOT_CANONICAL}}},
	{LONG,
	 "guest FS or GS: base not canonical",
	 {{GS(BASE), NOT_CANONICAL}, {GS(RIGHTS), UNUSABLE}}},
	{LONG, NULL, {{GS(BASE), 0xffff800000000000}}},
	{LONG, "guest DS or ES: base", {{DS(BASE), BIT(32)}}},
	{LONG, "guest DS or ES: base", {{ES(BASE), BIT(32)}}},
	{LONG, NULL, {{ES(BASE), BIT(32)}, {ES(RIGHTS), UNUSABLE}}},
	{FLAT, "a guest data segment: type", {{ES(RIGHTS), 0xc092}}},
	{FLAT, "a guest data segment: type", {{DS(RIGHTS), 0xc099}}},
	{FLAT, NULL, {{DS(RIGHTS), 0xc09b}}},
	{FLAT, NULL, {{DS(RIGHTS), 0xc095}}},
	{FLAT, "a guest data segment: not present, or a system segment", {{FS(RIGHTS), 0xc013}}},
	{FLAT, "a guest data segment: not present, or a system segment", {{GS(RIGHTS), 0xc083}}},
	{FLAT, "a guest data segment: limit or reserved bits", {{ES(LIMIT), 0xfffff000}}},
	{FLAT, "a guest data segment: limit or reserved bits", {{DS(RIGHTS), 0xc193}}},
	{FLAT, NULL, {{DS(RIGHTS), UNUSABLE | 0x13c1f}, {DS(LIMIT), 0}}},
	{FLAT, NULL, {{DS(SELECTOR), 0x1b}}},
};

/* 26.3.1.2, 26.3.1.3. */
static const struct row table_rows[] = {
	{FLAT, "guest TR: unusable, or in the LDT", {{TR(RIGHTS), UNUSABLE | 0x8b}}},
	{FLAT, "guest TR: unusable, or in the LDT", {{TR(SELECTOR), 0x1c}}},
	{FLAT, "guest TR: type", {{TR(RIGHTS), 0x89}}},
	{FLAT, NULL, {{TR(RIGHTS), 0x83}}},
	{LONG, "guest TR: type", {{TR(RIGHTS), 0x83}}},
	{FLAT, "guest TR: not a present system segment", {{TR(RIGHTS), 0x0b}}},
	{FLAT, "guest TR: not a present system segment", {{TR(RIGHTS), 0x9b}}},
	{FLAT, "guest TR: limit or reserved bits", {{TR(RIGHTS), 0x18b}}},
	{FLAT, "guest TR: limit or reserved bits", {{TR(LIMIT), 0x100000}}},
	{LONG, "guest TR: base not canonical", {{TR(BASE), NOT_CANONICAL}}},
	{FLAT, "guest LDTR: in the LDT", {{LD(SELECTOR), 4}}},
	{FLAT, "guest LDTR: type", {{LD(RIGHTS), 0x83}}},
	{FLAT, "guest LDTR: not a present system segment", {{LD(RIGHTS), 0x02}}},
	{FLAT, "guest LDTR: not a present system segment", {{LD(RIGHTS), 0x92}}},
	{FLAT, "guest LDTR: limit or reserved bits", {{LD(RIGHTS), 0x8082}}},
	{FLAT, "guest LDTR: limit or reserved bits", {{LD(RIGHTS), 0x20082}}},
	{LONG, "guest LDTR: base not canonical", {{LD(BASE), NOT_CANONICAL}}},
	{FLAT, NULL, {{LD(RIGHTS), UNUSABLE | 0x5f}, {LD(SELECTOR), 4}, {LD(BASE), NOT_CANONICAL}}},
	{LONG, "guest GDTR or IDTR: base not canonical", {{VMCS_GUEST_GDTR_BASE, NOT_CANONICAL}}},
	{LONG, "guest GDTR or IDTR: base not canonical", {{VMCS_GUEST_IDTR_BASE, NOT_CANONICAL}}},
	{FLAT, "guest GDTR or IDTR: limit", {{VMCS_GUEST_GDTR_LIMIT, 0x10000}}},
	{FLAT, "guest GDTR or IDTR: limit", {{VMCS_GUEST_IDTR_LIMIT, 0xffffffff}}},
	/* In virtual-8086 mode too. */
	{VM86, "guest TR: type", {{TR(RIGHTS), 0x89}}},
	{VM86, "guest GDTR or IDTR: limit", {{VMCS_GUEST_IDTR_LIMIT, 0x10000}}},
};

static void test_segment(void **state)
{
	(void)state;
	check_rows(segment_rows);
}

static void test_table(void **state)
{
	(void)state;
	check_rows(table_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_segment),
		DESK_TEST(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
