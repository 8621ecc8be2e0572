// sources: arch/x86/guest_cr4.c arch/x86/guest_msr.c
// sources: arch/x86/svm/event.c arch/x86/svm/nested.c arch/x86/svm/setup.c arch/x86/svm/state.c hv/base/pool.c
#include "tests/host/svm_desk.h"

static void test_create(void **state)
{
	const u8 *iopm, *msrpm = svm_of(&vcpu)->msrpm;

	(void)state;
	assert_int_equal(vmcb->nested_cr3, 0x7000);
	assert_int_equal(vmcb->nested_control, 1);
	assert_true(vmcb->asid >= 1 && vmcb->asid < svm_caps.asids);
	assert_int_equal(vmcb->msrpm_base, pool_hpa(&pool, msrpm).v);
	assert_true(is_aligned(vmcb->msrpm_base, PAGE_SIZE) &&
		    is_aligned(vmcb->iopm_base, PAGE_SIZE));
	/* Everything is trapped: ports, which may be 4 bytes from 0xffff on, and MSRs. */
	iopm = pool_page(&pool, hpa(vmcb->iopm_base));
	for (u32 i = 0; i < 3 * PAGE_SIZE; i++)
		assert_int_equal(iopm[i], 0xff);
	for (u32 i = 0; i < 2 * PAGE_SIZE; i++)
		assert_int_equal(msrpm[i], 0xff);
}

static void test_intercepts(void **state)
{
	/* 15.5: without it VMRUN fails. What would reach the host or make the CPU spin is there too. */
	const u32 word_3 = (u32)(BIT(1) | BIT(3) | BIT(15) | BIT(18) | BIT(22) | BIT(26) | BIT(27) |
				 BIT(28) | BIT(31));
	const u32 word_4 = 0x2e7f; /* VMRUN .. SKINIT, WBINVD, MONITOR, MWAIT, XSETBV */

	(void)state;
	assert_int_equal(vmcb->intercept_3 & word_3, word_3);
	assert_int_equal(vmcb->intercept_4 & word_4, word_4);
	assert_int_equal(vmcb->intercept_exceptions, BIT(1) | BIT(17) | BIT(18));
	/* External interrupts, HLT and IRET are the guest's own. */
	assert_int_equal(vmcb->intercept_3 & (BIT(0) | BIT(4) | BIT(20) | BIT(24)), 0);
	assert_int_equal(vmcb->virtual_interrupt, 0);
}

/* What both boot protocols ask for, whatever the last guest left. */
static void test_reset(void **state)
{
	struct vcpu_state seen;

	(void)state;
	memset(vmcb->segment, 0xa5, sizeof(*vmcb) - offsetof(struct vmcb, segment));
	memset(vcpu.gpr, 0xa5, sizeof(vcpu.gpr));
	vmcb->event_injection = SVM_EVENT_VALID;
	vmcb->interrupt_shadow = 1;
	svm_reset(&vcpu, &desk_start);
	assert_int_equal(cpu_resets, 1);
	svm_state(&vcpu, &seen);
	assert_int_equal(seen.cr0, CR0_PE | CR0_ET);
	assert_int_equal(seen.cr2 | seen.cr3 | seen.cr4 | seen.efer | seen.cpl, 0);
	assert_int_equal(vmcb->cr4, CR4_MCE);
	assert_int_equal(vmcb->efer, EFER_SVME); /* 15.5.1: VMRUN fails without it */
	assert_int_equal(vcpu.rip, 0x100020);
	assert_int_equal(vcpu.rflags, 2);
	for (unsigned i = 0; i < GPR_COUNT; i++)
		assert_int_equal(vcpu.gpr[i], i == GPR_RAX   ? 0x2badb002
					      : i == GPR_RBX ? 0x9500
							     : 0);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		assert_int_equal(seen.segment[i].base, 0);
		assert_int_equal(seen.segment[i].limit, 0xffffffff);
		assert_int_equal(seen.segment[i].attributes, i == SEGMENT_CS ? 0xc9b : 0xc93);
	}
	assert_int_equal(vmcb->event_injection, 0);
	assert_int_equal(vmcb->interrupt_shadow, 0);
	assert_int_equal(vmcb->dr7, 0x400);
	assert_int_equal(vmcb->g_pat, PAT_RESET);
	assert_int_equal(vmcb->tlb_control, SVM_TLB_FLUSH_ALL);
	/* The control area is as it was made. */
	assert_int_equal(vmcb->nested_cr3, 0x7000);
	for (u32 i = 0; i < sizeof(vmcb->reserved_670); i++)
		assert_int_equal(vmcb->reserved_670[i], 0);
}

/* AMD APM volume 2, 14.1.3 and 15.27.8: as a startup IPI leaves it. */
static void test_real_start(void **state)
{
	static const struct vcpu_start real = {.kind = START_REAL, .rdx = 0x306c3, .page = 0x9a};
	struct vcpu_state seen;

	(void)state;
	memset(vmcb->segment, 0xa5, sizeof(*vmcb) - offsetof(struct vmcb, segment));
	memset(vcpu.gpr, 0xa5, sizeof(vcpu.gpr));
	svm_of(&vcpu)->nmi_waits = true;
	svm_of(&vcpu)->nmi = SVM_NMI_BLOCKED;
	vmcb->intercept_3 |= (u32)SVM_INTERCEPT_IRET;
	svm_reset(&vcpu, &real);
	svm_state(&vcpu, &seen);
	assert_int_equal(seen.cr0, CR0_ET);
	assert_int_equal(seen.cr2 | seen.cr3 | seen.cr4 | seen.efer | seen.cpl, 0);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		assert_int_equal(seen.segment[i].selector, i == SEGMENT_CS ? 0x9a00 : 0);
		assert_int_equal(seen.segment[i].base, i == SEGMENT_CS ? 0x9a000 : 0);
		assert_int_equal(seen.segment[i].limit, 0xffff);
		assert_int_equal(seen.segment[i].attributes, i == SEGMENT_CS ? 0x9b : 0x93);
	}
	for (unsigned i = 0; i < GPR_COUNT; i++)
		assert_int_equal(vcpu.gpr[i], i == GPR_RDX ? 0x306c3 : 0);
	assert_int_equal(vcpu.rip, 0);
	assert_int_equal(vcpu.rflags, 2);
	assert_int_equal(vmcb->idtr.limit, 0xffff);
	assert_int_equal(vmcb->idtr.base, 0);
	assert_false(svm_of(&vcpu)->nmi_waits);
	assert_int_equal(svm_of(&vcpu)->nmi, SVM_NMI_OPEN);
	assert_int_equal(vmcb->intercept_3 & SVM_INTERCEPT_IRET, 0);
}

static bool passes(u32 index, bool write)
{
	const u8 *map = svm_of(&vcpu)->msrpm;
	u32 base = index < 0x2000 ? 0 : index < 0xc0010000 ? 0x4000 : 0x8000;
	u32 bit = base + (index & 0x1fff) * 2 + write; /* 15.11 */

	return !(map[bit / 8] >> bit % 8 & 1);
}

static u32 open_bits(void)
{
	u32 count = 0;

	for (u32 i = 0; i < 2 * PAGE_SIZE; i++)
		count += 8 - (u32)__builtin_popcount(svm_of(&vcpu)->msrpm[i]);
	return count;
}

static void test_msr_map(void **state)
{
	static const u32 indices[] = {0,	  1,	      2,	  3,	      0x10,
				      0x174,	  0x808,      0x1fff,	  0xc0000000, 0xc0000080,
				      0xc0001fff, 0xc0010000, 0xc0010015, 0xc0011fff};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(indices); i++) {
		svm_msr_pass(&vcpu, indices[i], true, false);
		assert_true(passes(indices[i], false) && !passes(indices[i], true));
		assert_int_equal(open_bits(), 1);
		svm_msr_pass(&vcpu, indices[i], false, true);
		assert_true(!passes(indices[i], false) && passes(indices[i], true));
		assert_int_equal(open_bits(), 1);
		svm_msr_pass(&vcpu, indices[i], true, true);
		assert_int_equal(open_bits(), 2);
		svm_msr_pass(&vcpu, indices[i], false, false);
		assert_int_equal(open_bits(), 0);
	}
}

static void test_injection(void **state)
{
	(void)state;
	vmcb->cr2 = 0x1111;
	svm_inject(&vcpu, &(struct vcpu_event){.kind = EVENT_EXCEPTION, .vector = VECTOR_UD});
	assert_int_equal(vmcb->event_injection, 0x80000306);
	svm_inject(&vcpu, &(struct vcpu_event){
				  .kind = EVENT_EXCEPTION, .vector = VECTOR_GP, .has_error = true});
	assert_int_equal(vmcb->event_injection, 0x80000b0d);
	assert_int_equal(vmcb->cr2, 0x1111);
	svm_inject(&vcpu, &(struct vcpu_event){
				  .kind = EVENT_EXCEPTION,
				  .vector = VECTOR_PF,
				  .has_error = true,
				  .error = 7,
				  .address = 0xffff800000001238ull,
			  });
	assert_int_equal(vmcb->event_injection, 0x780000b0eull);
	assert_int_equal(vmcb->cr2, 0xffff800000001238ull);
}

static void test_moving_on(void **state)
{
	(void)state;
	vmcb->interrupt_shadow = 3;
	svm_move_on(vmcb, 0x100000001ull); /* 32-bit code */
	assert_int_equal(vmcb->rip, 1);
	assert_int_equal(vmcb->interrupt_shadow, 2); /* the shadow only */
	vmcb->efer = EFER_LMA | EFER_LME | EFER_SVME;
	svm_move_on(vmcb, 0x100000001ull); /* compatibility mode */
	assert_int_equal(vmcb->rip, 1);
	vmcb->segment[SEGMENT_CS].attributes = 0x29b;
	svm_move_on(vmcb, 0x100000001ull);
	assert_int_equal(vmcb->rip, 0x100000001ull);
}

static enum status efer(u64 value)
{
	return svm_msr_write(&vcpu, MSR_EFER, value);
}

static void test_efer(void **state)
{
	u64 value;

	(void)state;
	svm_reset(&vcpu, &desk_start);
	assert_int_equal(efer(EFER_SVME), ERR_INVALID);
	assert_int_equal(efer(BIT(13)), ERR_INVALID); /* LMSLE */
	assert_int_equal(efer(EFER_FFXSR), ERR_INVALID);
	assert_int_equal(efer(BIT(63)), ERR_INVALID);
	assert_int_equal(vmcb->efer, EFER_SVME);
	svm_caps.fast_fxsr = true;
	assert_int_equal(efer(EFER_FFXSR), OK);
	assert_int_equal(efer(EFER_SCE | EFER_LME | EFER_NXE), OK);
	assert_int_equal(svm_msr_read(&vcpu, MSR_EFER, &value), OK);
	assert_int_equal(value, EFER_SCE | EFER_LME | EFER_NXE); /* SVME is not shown */
	assert_int_equal(vmcb->efer, value | EFER_SVME);

	/* With paging on LME stays, and LMA is the CPU's. */
	vmcb->cr0 |= CR0_PG;
	vmcb->efer |= EFER_LMA;
	assert_int_equal(efer(EFER_LMA | EFER_SCE), ERR_INVALID);
	assert_int_equal(efer(EFER_LME), OK);
	assert_int_equal(vmcb->efer, EFER_LME | EFER_LMA | EFER_SVME);
	for (unsigned bit = 0; bit < 64; bit++) {
		(void)efer(EFER_LME | BIT(bit));
		assert_true(vmcb->efer & EFER_SVME);
		assert_int_equal(vmcb->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE |
						EFER_SVME | EFER_FFXSR),
				 0);
	}
}

static void test_pat(void **state)
{
	(void)state;
	for (unsigned place = 0; place < 8; place++)
		for (u32 type = 0; type < 256; type++) {
			bool valid = type <= 7 && type != 2 && type != 3;
			u64 value = (u64)type << 8 * place;

			vmcb->g_pat = PAT_RESET;
			assert_int_equal(svm_msr_write(&vcpu, MSR_PAT, value),
					 valid ? OK : ERR_INVALID);
			assert_int_equal(vmcb->g_pat, valid ? value : PAT_RESET);
		}
}

static void test_other_msrs(void **state)
{
	static const u32 there[] = {0x174,	0x175,	    0x176,	0xc0000081, 0xc0000082,
				    0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102};
	u64 value = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(there); i++) {
		assert_int_equal(svm_msr_write(&vcpu, there[i], 0x1000 + i), OK);
		assert_int_equal(svm_msr_read(&vcpu, there[i], &value), OK);
		assert_int_equal(value, 0x1000 + i);
	}
	assert_int_equal(svm_msr_write(&vcpu, 0xc0000082, 0xff00000000000000ull), OK);
	assert_int_equal(svm_msr_write(&vcpu, 0xc0000082, 0x8000000000000000ull), ERR_INVALID);
	assert_int_equal(svm_msr_write(&vcpu, 0xc0000100, 0x0100000000000000ull), ERR_INVALID);
	assert_int_equal(svm_msr_read(&vcpu, 0x10, &value), ERR_NOT_FOUND);
	assert_int_equal(svm_msr_write(&vcpu, 0xc0010117, 0), ERR_NOT_FOUND);
}

static void test_cr4(void **state)
{
	(void)state;
	vcpu.cr4_allowed = CR4_PAE | CR4_PGE;
	assert_int_equal(vmcb->intercept_cr, BIT(4) | BIT(20)); /* reads and writes of CR4 */
	assert_int_equal(svm_cr4_write(&vcpu, CR4_OSXSAVE), ERR_INVALID);
	assert_int_equal(vmcb->cr4, 0);
	assert_int_equal(vmcb->tlb_control, SVM_TLB_FLUSH_NOTHING);
	assert_int_equal(svm_cr4_write(&vcpu, CR4_PAE | CR4_PGE), OK);
	assert_int_equal(vmcb->cr4, CR4_PAE | CR4_PGE | CR4_MCE);
	assert_int_equal(vmcb->tlb_control, SVM_TLB_FLUSH_ALL);
	vmcb->efer = EFER_LME | EFER_LMA | EFER_SVME;
	assert_int_equal(svm_cr4_write(&vcpu, 0), ERR_INVALID);
	assert_int_equal(vmcb->cr4, CR4_PAE | CR4_PGE | CR4_MCE);
}

/* A machine check is to be an exit, whatever the guest says; which reads what it wrote. */
static void test_mce(void **state)
{
	struct vcpu_state seen;

	(void)state;
	vcpu.cr4_allowed = CR4_PGE | CR4_MCE;
	for (u64 value = 0; value <= CR4_MCE; value += CR4_MCE) {
		assert_int_equal(svm_cr4_write(&vcpu, CR4_PGE | value), OK);
		assert_int_equal(vmcb->cr4, CR4_PGE | CR4_MCE);
		svm_state(&vcpu, &seen);
		assert_int_equal(seen.cr4, CR4_PGE | value);
		assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, EFER_LME), OK);
		svm_state(&vcpu, &seen);
		assert_int_equal(seen.cr4, CR4_PGE | value);
	}
}

/* On a machine that loses the host's CR0 otherwise: LME does not go without PAE, which the guest has not set. */
static void test_lent_pae(void **state)
{
	struct vcpu_state seen;

	(void)state;
	vcpu.cr4_allowed = CR4_PAE | CR4_PGE;
	assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, EFER_LME), OK);
	assert_int_equal(vmcb->cr4, CR4_MCE);
	svm_caps.loses_cr0 = true;
	assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, EFER_LME), OK);
	assert_int_equal(vmcb->cr4, CR4_PAE | CR4_MCE);
	assert_int_equal(svm_cr4_write(&vcpu, CR4_PGE), OK);
	assert_int_equal(vmcb->cr4, CR4_PGE | CR4_PAE | CR4_MCE);
	svm_state(&vcpu, &seen);
	assert_int_equal(seen.cr4, CR4_PGE);

	/* It goes with LME. */
	assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, 0), OK);
	assert_int_equal(vmcb->cr4, CR4_PGE | CR4_MCE);
	assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, EFER_LME), OK);
	assert_int_equal(vmcb->cr4, CR4_PGE | CR4_PAE | CR4_MCE);

	/* What the guest sets itself stays, as does what its long mode rests on. */
	assert_int_equal(svm_cr4_write(&vcpu, CR4_PAE), OK);
	assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, 0), OK);
	assert_int_equal(vmcb->cr4, CR4_PAE | CR4_MCE);
	assert_int_equal(svm_msr_write(&vcpu, MSR_EFER, EFER_LME), OK);
	assert_int_equal(svm_cr4_write(&vcpu, 0), OK);
	vmcb->efer |= EFER_LMA;
	svm_state(&vcpu, &seen);
	assert_int_equal(seen.cr4, CR4_PAE);
}

static void test_flush(void **state)
{
	(void)state;
	svm_flush(&vcpu);
	assert_int_equal(vmcb->tlb_control, SVM_TLB_FLUSH_ALL);
	svm_caps.flush_by_asid = true;
	svm_flush(&vcpu);
	assert_int_equal(vmcb->tlb_control, SVM_TLB_FLUSH_ASID);
}

/* 15.25: the host's paging mode; its MTRRs hold for guests too, so that no run ends where they change. */
static void test_nested_shape(void **state)
{
	bool cached = false;
	u8 levels, sizes;

	(void)state;
	svm_nested_shape(&levels, &sizes);
	assert_int_equal(levels, 4);
	assert_int_equal(sizes & ~PT_1G, PT_4K | PT_2M);
	assert_int_equal(svm_memory_run(hpa(0xa0000), GIB(1), &cached), GIB(1));
	assert_true(cached);
}

/* What it took it gives back; a pool that ran out loses nothing. */
static void test_pages(void **state)
{
	struct vcpu other = {0};
	u32 before = pool.free_pages;

	(void)state;
	assert_int_equal(svm_create(&other, &pool, hpa(0x8000)), OK);
	assert_int_equal(pool.free_pages, before - 4);
	svm_destroy(&other, &pool);
	assert_int_equal(pool.free_pages, before);
	assert_null(other.backend);
	while (pool.free_pages > 3)
		assert_non_null(pool_take(&pool));
	assert_int_equal(svm_create(&other, &pool, hpa(0x8000)), ERR_NO_MEMORY);
	assert_int_equal(pool.free_pages, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_create),	    DESK_TEST(test_intercepts),
		DESK_TEST(test_reset),	    DESK_TEST(test_msr_map),
		DESK_TEST(test_injection),  DESK_TEST(test_moving_on),
		DESK_TEST(test_efer),	    DESK_TEST(test_pat),
		DESK_TEST(test_other_msrs), DESK_TEST(test_cr4),
		DESK_TEST(test_mce),	    DESK_TEST(test_flush),
		DESK_TEST(test_pages),	    DESK_TEST(test_lent_pae),
		DESK_TEST(test_real_start), DESK_TEST(test_nested_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
