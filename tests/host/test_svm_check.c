// sources: arch/x86/guest_cr4.c arch/x86/guest_msr.c hv/base/pool.c
// sources: arch/x86/svm/check.c arch/x86/svm/event.c arch/x86/svm/nested.c arch/x86/svm/setup.c arch/x86/svm/state.c
#include "tests/host/svm_desk.h"

/* Modes that a guest can be in at an entry. */
enum mode {
	FLAT, /* 32-bit, without paging: as reset leaves it */
	LONG,
	PAE,
	REAL,
	MODES,
};

static void set_mode(enum mode mode)
{
	svm_reset(&vcpu, &desk_start);
	if (mode == LONG || mode == PAE) {
		vmcb->cr0 = CR0_PG | CR0_PE | CR0_ET;
		vmcb->cr4 = CR4_PAE;
	}
	if (mode == LONG) {
		vmcb->efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_NXE;
		vmcb->segment[SEGMENT_CS].attributes = 0xa9b;
	}
	if (mode == REAL)
		vmcb->cr0 = CR0_ET;
}

static void test_modes(void **state)
{
	(void)state;
	for (enum mode mode = 0; mode < MODES; mode++) {
		set_mode(mode);
		assert_null(svm_check_entry(&svm_caps, vmcb));
	}
}

#define AT(field) offsetof(struct vmcb, field), sizeof((struct vmcb){0}.field)
#define CS_AT	  offsetof(struct vmcb, segment[SEGMENT_CS].attributes), sizeof(u16)

/* 15.5.1; NULL: it is taken. */
static const struct {
	enum mode mode;
	const char *reason;
	size_t offset, size;
	u64 value;
} rows[] = {
	{FLAT, "VMRUN is not intercepted", AT(intercept_4), 0xfffffffe},
	{FLAT, "ASID 0", AT(asid), 0},
	{FLAT, "I/O permission map: address", AT(iopm_base), BIT(46) - 0x2000},
	{FLAT, NULL, AT(iopm_base), BIT(46) - 0x3000},
	{FLAT, NULL, AT(iopm_base), BIT(46) - 0x2001}, /* 11:0 are ignored */
	{FLAT, "MSR permission map: address", AT(msrpm_base), BIT(46) - 0x1000},
	{FLAT, "MSR permission map: address", AT(msrpm_base), ~0ull},
	{FLAT, NULL, AT(msrpm_base), BIT(46) - 0x2000},
	{FLAT, NULL, AT(event_injection), 0x7fffffff}, /* not valid */
	{FLAT, NULL, AT(event_injection), 0x80000020},
	{FLAT, "event: type", AT(event_injection), 0x80000120},
	{FLAT, NULL, AT(event_injection), 0x80000202},
	{FLAT, NULL, AT(event_injection), 0x80000b0d},
	{FLAT, "event: an exception with a vector of none", AT(event_injection), 0x80000302},
	{FLAT, "event: an exception with a vector of none", AT(event_injection), 0x80000320},
	{FLAT, NULL, AT(event_injection), 0x8000031f},
	{FLAT, NULL, AT(event_injection), 0x80000480},
	{FLAT, "event: type", AT(event_injection), 0x80000501},
	{FLAT, "event: type", AT(event_injection), 0x80000603},
	{FLAT, "event: type", AT(event_injection), 0x80000703},
	{FLAT, "guest CR0: NW without CD", AT(cr0), CR0_PE | CR0_NW},
	{FLAT, NULL, AT(cr0), CR0_PE | CR0_NW | CR0_CD},
	{FLAT, NULL, AT(cr0), CR0_PE | CR0_CD},
	{FLAT, "guest CR0: upper half", AT(cr0), BIT(32) | CR0_PE},
	{LONG, "guest CR3: beyond the CPU's addresses", AT(cr3), BIT(46)},
	{LONG, NULL, AT(cr3), BIT(45) | 0xfff},
	{PAE, NULL, AT(cr3), BIT(46)},
	{FLAT, "guest CR4: reserved bits", AT(cr4), BIT(13)},
	{FLAT, "guest CR4: reserved bits", AT(cr4), BIT(19)},
	{FLAT, "guest CR4: reserved bits", AT(cr4), BIT(24)},
	{FLAT, NULL, AT(cr4), 0xf71fff},
	{FLAT, "guest DR6: upper half", AT(dr6), BIT(32)},
	{FLAT, "guest DR7: upper half", AT(dr7), BIT(63)},
	{FLAT, "guest EFER: SVME", AT(efer), 0},
	{FLAT, "guest EFER: reserved bits", AT(efer), EFER_SVME | BIT(9)},
	{FLAT, "guest EFER: reserved bits", AT(efer), EFER_SVME | EFER_FFXSR},
	{FLAT, "guest EFER: reserved bits", AT(efer), EFER_SVME | BIT(63)},
	{FLAT, NULL, AT(efer), EFER_SVME | EFER_LME | EFER_SCE | EFER_NXE},
	{FLAT, "guest PAT: a type that there is not", AT(g_pat), 0x0200000000000000},
	{LONG, "guest: long mode without PAE", AT(cr4), 0},
	{LONG, "guest: long mode without protection", AT(cr0), CR0_PG},
	{LONG, NULL, AT(cr0), CR0_PE},
	{LONG, "guest CS: both L and D", CS_AT, 0xe9b},
	{FLAT, NULL, CS_AT, 0xe9b},
	{PAE, NULL, CS_AT, 0xe9b},
};

static void test_rows(void **state)
{
	struct vmcb made = *vmcb;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *reason;

		*vmcb = made;
		set_mode(rows[i].mode);
		memcpy((u8 *)vmcb + rows[i].offset, &rows[i].value, rows[i].size);
		reason = svm_check_entry(&svm_caps, vmcb);
		if (!reason != !rows[i].reason || (reason && strcmp(reason, rows[i].reason)))
			fail_msg("%#zx = %#llx: \"%s\", not \"%s\"", rows[i].offset,
				 (unsigned long long)rows[i].value, reason ? reason : "nothing",
				 rows[i].reason ? rows[i].reason : "nothing");
	}
}

static void test_capabilities(void **state)
{
	(void)state;
	svm_caps.fast_fxsr = true;
	set_mode(LONG);
	vmcb->efer |= EFER_FFXSR;
	assert_null(svm_check_entry(&svm_caps, vmcb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_modes),
		DESK_TEST(test_rows),
		DESK_TEST(test_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
