// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_desk.h"

static void test_create(void **state)
{
	const u8 *io_bitmap;
	u32 revision;

	(void)state;
	assert_int_equal(vmx->vmcs_hpa.v, pool_hpa(&pool, vmx->vmcs).v);
	assert_int_equal(vmx->msr_bitmap_hpa.v, pool_hpa(&pool, vmx->msr_bitmap).v);
	assert_true(is_aligned(vmx->vmcs_hpa.v, PAGE_SIZE));
	memcpy(&revision, vmx->vmcs, sizeof(revision));
	assert_int_equal(revision, 4);
	/* Everything is trapped: ports and MSRs. */
	io_bitmap = pool_page(&pool, hpa(vmcs_read(VMCS_IO_BITMAP_A)));
	assert_int_equal(vmcs_read(VMCS_IO_BITMAP_B), vmcs_read(VMCS_IO_BITMAP_A) + PAGE_SIZE);
	for (u32 i = 0; i < 2 * PAGE_SIZE; i++)
		assert_int_equal(io_bitmap[i], 0xff);
	assert_int_equal(vmcs_read(VMCS_MSR_BITMAP), vmx->msr_bitmap_hpa.v);
	for (u32 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(vmx->msr_bitmap[i], 0xff);
}

static void test_controls(void **state)
{
	(void)state;
	assert_int_equal(vmcs_read(VMCS_PIN_CONTROLS), vmx_caps.pin);
	assert_int_equal(vmcs_read(VMCS_PROC_CONTROLS), vmx_caps.proc);
	assert_int_equal(vmcs_read(VMCS_PROC2_CONTROLS), vmx_caps.proc2);
	assert_int_equal(vmcs_read(VMCS_EXIT_CONTROLS), vmx_caps.exit);
	assert_int_equal(vmcs_read(VMCS_ENTRY_CONTROLS), vmx_caps.entry);
	assert_int_equal(vmcs_read(VMCS_EXCEPTION_BITMAP), BIT(1) | BIT(17) | BIT(18));
	assert_int_equal(vmcs_read(VMCS_VPID), 1);
	/* Four levels, walks through write-back memory, accessed and dirty bits. */
	assert_int_equal(vmcs_read(VMCS_EPT_POINTER), 0x7000 | 6 | 3 << 3 | BIT(6));
	assert_int_equal(vmcs_read(VMCS_CR0_MASK), CR0_NE | CR0_NW | CR0_CD);
	assert_int_equal(vmcs_read(VMCS_CR4_MASK), ~vcpu.cr4_allowed | CR4_MCE);
	vmx_caps.vpid = vmx_caps.ept_walk_wb = vmx_caps.ept_accessed_dirty = false;
	vmx_reset(&vcpu, &desk_start);
	assert_int_equal(vmcs_read(VMCS_EPT_POINTER), 0x7000 | 3 << 3);
	assert_false(fake_vmcs_is_written(VMCS_VPID));
}

/* What both boot protocols ask for, whatever the last guest left. */
static void test_reset(void **state)
{
	struct vcpu_state seen;

	(void)state;
	memset(vcpu.gpr, 0xa5, sizeof(vcpu.gpr));
	vmx->cr2 = 0x1234;
	vmx->nmi_waits = vmx->launched = true;
	vmx->inject = vmx->repeat = (struct vmx_event){.info = (u32)VMX_EVENT_VALID};
	vmx_reset(&vcpu, &desk_start);
	assert_int_equal(loads, 2);
	assert_int_equal(cpu_resets, 2);
	vmx_state(&vcpu, &seen);
	assert_int_equal(seen.cr0, CR0_PE | CR0_ET); /* NE, which VMX wants, is not shown */
	assert_int_equal(vmcs_read(VMCS_GUEST_CR0), CR0_PE | CR0_ET | CR0_NE);
	assert_int_equal(seen.cr2 | seen.cr3 | seen.cr4 | seen.efer | seen.cpl, 0);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR4), CR4_VMXE | CR4_MCE);
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
	assert_int_equal(vmx->inject.info | vmx->repeat.info, 0);
	assert_false(vmx->nmi_waits);
	assert_int_equal(vmcs_read(VMCS_GUEST_DR7), 0x400);
	assert_int_equal(vmcs_read(VMCS_GUEST_PAT), PAT_RESET);
	assert_true(vmx->stale);
	assert_int_equal(fake_invvpid.count, 1);
}

/* Intel SDM volume 3A, table 9-1 and 8.4.4: as a startup IPI leaves it. */
static void test_real_start(void **state)
{
	static const struct vcpu_start real = {.kind = START_REAL, .rdx = 0x306c3, .page = 0x9a};
	struct vcpu_state seen;

	(void)state;
	memset(vcpu.gpr, 0xa5, sizeof(vcpu.gpr));
	vmx->nmi_waits = true;
	vmx_reset(&vcpu, &real);
	vmx_state(&vcpu, &seen);
	assert_int_equal(seen.cr0, CR0_ET);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR0), CR0_ET | CR0_NE);
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
	assert_false(vmx->nmi_waits);
	desk_enter();
	assert_null(vmx_check_entry(&vmx_caps));
}

/* 24.11.3: what a field holds that was never written can't be relied on; the CPU looks at all of these. */
static void test_all_written(void **state)
{
	static const u16 fields[] = {
		0x0000, 0x2000, 0x2002, 0x2004, 0x201a, 0x2800, 0x2802, 0x2804, 0x2806,
		0x2c00, 0x2c02, 0x4000, 0x4002, 0x4004, 0x4006, 0x4008, 0x400a, 0x400c,
		0x400e, 0x4010, 0x4012, 0x4014, 0x4016, 0x401e, 0x4824, 0x4826, 0x482a,
		0x4c00, 0x6000, 0x6002, 0x6004, 0x6006, 0x6800, 0x6802, 0x6804, 0x681a,
		0x681c, 0x681e, 0x6820, 0x6822, 0x6824, 0x6826,
	};

	(void)state;
	desk_enter();
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (!fake_vmcs_is_written(fields[i]))
			fail_msg("field %#x is left as it was", fields[i]);
	for (unsigned n = 0; n < 8; n++) /* segments, and tables with limit and base only */
		assert_true(fake_vmcs_is_written(0x800 + 2 * n) &&
			    fake_vmcs_is_written(0x4814 + 2 * n));
	for (unsigned n = 0; n < 10; n++)
		assert_true(fake_vmcs_is_written(0x4800 + 2 * n) &&
			    fake_vmcs_is_written(0x6806 + 2 * n));
}

/* 26.2, 26.3: the CPU takes it, and nothing that it would look at is missing. */
static void test_entry(void **state)
{
	(void)state;
	desk_enter();
	assert_null(vmx_check_entry(&vmx_caps));
	vmx_caps.vpid = vmx_caps.ept_walk_wb = vmx_caps.ept_accessed_dirty = false;
	vmx_caps.proc2 &= ~(u32)VMX_PROC2_VPID;
	vmx_reset(&vcpu, &desk_start);
	desk_enter();
	assert_null(vmx_check_entry(&vmx_caps));
}

/* 24.6.9. */
static bool passes(u32 index, bool write)
{
	const u8 *map = vmx->msr_bitmap;
	u32 base = (index < 0x2000 ? 0 : 0x2000) + (write ? 0x4000 : 0);
	u32 bit = base + (index & 0x1fff);

	return !(map[bit / 8] >> bit % 8 & 1);
}

static u32 open_bits(void)
{
	u32 count = 0;

	for (u32 i = 0; i < PAGE_SIZE; i++)
		count += 8 - (u32)__builtin_popcount(vmx->msr_bitmap[i]);
	return count;
}

static void test_msr_map(void **state)
{
	static const u32 indices[] = {0,     1,	     7,		 8,	     0x10,	0x174,
				      0x808, 0x1fff, 0xc0000000, 0xc0000080, 0xc0001fff};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(indices); i++) {
		vmx_msr_pass(&vcpu, indices[i], true, false);
		assert_true(passes(indices[i], false) && !passes(indices[i], true));
		assert_int_equal(open_bits(), 1);
		vmx_msr_pass(&vcpu, indices[i], false, true);
		assert_true(!passes(indices[i], false) && passes(indices[i], true));
		assert_int_equal(open_bits(), 1);
		vmx_msr_pass(&vcpu, indices[i], true, true);
		assert_int_equal(open_bits(), 2);
		vmx_msr_pass(&vcpu, indices[i], false, false);
		assert_int_equal(open_bits(), 0);
	}
}

static void test_moving_on(void **state)
{
	(void)state;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, VMX_BLOCKING_BY_STI | VMX_BLOCKING_BY_NMI);
	vmx_move_on(0x100000001ull); /* 32-bit code */
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 1);
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY), VMX_BLOCKING_BY_NMI);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, VMX_BLOCKING_BY_MOV_SS);
	vmcs_write(VMCS_GUEST_EFER, EFER_LMA | EFER_LME);
	vmx_move_on(0x100000001ull); /* compatibility mode */
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 1);
	assert_int_equal(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY), 0);
	set_cs_rights(0xa09b);
	vmx_move_on(0x100000001ull);
	assert_int_equal(vmcs_read(VMCS_GUEST_RIP), 0x100000001ull);
}

/* The guest reads what it wrote, and the hypervisor sees the same. */
static void test_shadows(void **state)
{
	struct vcpu_state seen;

	(void)state;
	vmcs_write(VMCS_GUEST_CR0, CR0_PG | CR0_WP | CR0_ET | CR0_NE | CR0_PE);
	vmcs_write(VMCS_CR0_SHADOW, CR0_CD | CR0_NW);
	vmcs_write(VMCS_GUEST_CR4, CR4_VMXE | CR4_MCE | CR4_PAE);
	vmcs_write(VMCS_CR4_SHADOW, 0);
	vmx_state(&vcpu, &seen);
	assert_int_equal(seen.cr0, CR0_PG | CR0_WP | CR0_ET | CR0_PE | CR0_CD | CR0_NW);
	assert_int_equal(seen.cr4, CR4_PAE);
	vmcs_write(VMCS_CR0_SHADOW, CR0_NE);
	vmcs_write(VMCS_CR4_SHADOW, CR4_MCE);
	vmx_state(&vcpu, &seen);
	assert_int_equal(seen.cr0, CR0_PG | CR0_WP | CR0_ET | CR0_PE | CR0_NE);
	assert_int_equal(seen.cr4, CR4_PAE | CR4_MCE);
}

static void test_segments(void **state)
{
	struct vcpu_state seen;

	(void)state;
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		vmcs_write(vmcs_of_segment(VMCS_GUEST_SELECTOR, i), 0x10 + i);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_RIGHTS, i), 0xa0f3);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_LIMIT, i), 0x1000 + i);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_BASE, i), 0x200000000 + i);
	}
	vmcs_write(0x4818,
		   0x1c0f3); /* SS, a null selector in 64-bit mode; the rest of it is left */
	vmcs_write(VMCS_GUEST_CR3, 0x5000);
	vmcs_write(VMCS_GUEST_EFER, EFER_LMA | EFER_LME);
	vmx->cr2 = 0x6000;
	vmx_state(&vcpu, &seen);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++) {
		assert_int_equal(seen.segment[i].selector, 0x10 + i);
		assert_int_equal(seen.segment[i].attributes, i == SEGMENT_SS ? 0 : 0xaf3);
		assert_int_equal(seen.segment[i].limit, 0x1000 + i);
		assert_int_equal(seen.segment[i].base, 0x200000000 + i);
	}
	assert_int_equal(seen.cpl, 3);
	assert_int_equal(seen.cr2, 0x6000);
	assert_int_equal(seen.cr3, 0x5000);
	assert_int_equal(seen.efer, EFER_LMA | EFER_LME);
	/* In the order of instructions' encoding. */
	assert_int_equal(vmcs_read(0x0802), 0x10 + SEGMENT_CS);
	assert_int_equal(vmcs_read(0x0804), 0x10 + SEGMENT_SS);
	assert_int_equal(vmcs_read(0x6810), 0x200000000 + SEGMENT_GS);
}

static enum status efer(u64 value)
{
	return vmx_msr_write(&vcpu, MSR_EFER, value);
}

static void test_efer(void **state)
{
	u64 value;

	(void)state;
	assert_int_equal(efer(EFER_SVME), ERR_INVALID);
	assert_int_equal(efer(EFER_FFXSR), ERR_INVALID);
	assert_int_equal(efer(BIT(63)), ERR_INVALID);
	assert_int_equal(vmcs_read(VMCS_GUEST_EFER), 0);
	assert_int_equal(efer(EFER_SCE | EFER_LME | EFER_NXE), OK);
	assert_int_equal(vmx_msr_read(&vcpu, MSR_EFER, &value), OK);
	assert_int_equal(value, EFER_SCE | EFER_LME | EFER_NXE);

	/* With paging on LME stays, and LMA is the CPU's. */
	vmcs_write(VMCS_GUEST_CR0, CR0_PG | CR0_NE | CR0_PE);
	vmcs_write(VMCS_GUEST_EFER, EFER_LME | EFER_LMA);
	assert_int_equal(efer(EFER_LMA | EFER_SCE), ERR_INVALID);
	assert_int_equal(efer(EFER_LME), OK);
	assert_int_equal(vmcs_read(VMCS_GUEST_EFER), EFER_LME | EFER_LMA);
	for (unsigned bit = 0; bit < 64; bit++) {
		(void)efer(EFER_LME | BIT(bit));
		assert_int_equal(vmcs_read(VMCS_GUEST_EFER) &
					 ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE),
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

			vmcs_write(VMCS_GUEST_PAT, PAT_RESET);
			assert_int_equal(vmx_msr_write(&vcpu, MSR_PAT, value),
					 valid ? OK : ERR_INVALID);
			assert_int_equal(vmcs_read(VMCS_GUEST_PAT), valid ? value : PAT_RESET);
		}
}

/* STAR to SFMASK and the kernel's GS base are in the CPU only. */
static void test_other_msrs(void **state)
{
	static const u32 there[] = {0x174, 0x175, 0x176, 0xc0000100, 0xc0000101};
	static const u32 not_there[] = {0x10,	    0xc0000081, 0xc0000082, 0xc0000083,
					0xc0000084, 0xc0000102, 0x480};
	u64 value = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(there); i++) {
		assert_int_equal(vmx_msr_write(&vcpu, there[i], 0x1000 + i), OK);
		assert_int_equal(vmx_msr_read(&vcpu, there[i], &value), OK);
		assert_int_equal(value, 0x1000 + i);
	}
	assert_int_equal(vmcs_read(VMCS_GUEST_SYSENTER_CS), 0x1000);
	assert_int_equal(vmcs_read(VMCS_GUEST_SYSENTER_ESP), 0x1001);
	assert_int_equal(vmcs_read(VMCS_GUEST_SYSENTER_EIP), 0x1002);
	assert_int_equal(vmcs_read(0x680e), 0x1003); /* FS base */
	assert_int_equal(vmcs_read(0x6810), 0x1004);
	assert_int_equal(vmx_msr_write(&vcpu, 0xc0000100, 0x0100000000000000ull), ERR_INVALID);
	for (unsigned i = 0; i < ARRAY_SIZE(not_there); i++) {
		assert_int_equal(vmx_msr_read(&vcpu, not_there[i], &value), ERR_NOT_FOUND);
		assert_int_equal(vmx_msr_write(&vcpu, not_there[i], 0), ERR_NOT_FOUND);
	}
}

static void test_cr4(void **state)
{
	(void)state;
	assert_int_equal(vmx_cr4_write(&vcpu, CR4_OSXSAVE), ERR_INVALID);
	assert_int_equal(vmcs_read(VMCS_GUEST_CR4), CR4_VMXE | CR4_MCE);
}

/* At the next entry, once. */
static void test_flush(void **state)
{
	(void)state;
	vmx->stale = false;
	vmx_flush_now(vmx);
	assert_int_equal(fake_invept.count, 0);
	vmx_flush(&vcpu);
	assert_int_equal(fake_invept.count, 0);
	vmx_flush_now(vmx);
	vmx_flush_now(vmx);
	assert_int_equal(fake_invept.count, 1);
	assert_int_equal(fake_invept.type, 1);
	assert_int_equal(fake_invept.context, vmcs_read(VMCS_EPT_POINTER));
	vmx_caps.invept_single = false;
	vmx_flush(&vcpu);
	vmx_flush_now(vmx);
	assert_int_equal(fake_invept.type, 2);

	vmx_flush_linear();
	assert_int_equal(fake_invvpid.type, 1);
	assert_int_equal(fake_invvpid.context, vmcs_read(VMCS_VPID));
	vmx_caps.invvpid_single = false;
	vmx_flush_linear();
	assert_int_equal(fake_invvpid.type, 2);
	assert_int_equal(fake_invvpid.count, 3);
	vmx_caps.vpid = false;
	vmx_flush_linear();
	assert_int_equal(fake_invvpid.count, 3);
}

static void test_nested_shape(void **state)
{
	u8 levels, sizes;

	(void)state;
	vmx_nested_shape(&levels, &sizes);
	assert_int_equal(levels, 4);
	assert_int_equal(sizes, PT_4K | PT_2M | PT_1G);
	vmx_caps.ept_1g = false;
	vmx_nested_shape(&levels, &sizes);
	assert_int_equal(sizes, PT_4K | PT_2M);
	vmx_caps.ept_2m = false;
	vmx_nested_shape(&levels, &sizes);
	assert_int_equal(sizes, PT_4K);
}

/* What it took it gives back; a pool that ran out loses nothing. */
static void test_pages(void **state)
{
	struct vcpu other = {0};
	u32 before = pool.free_pages;

	(void)state;
	assert_int_equal(vmx_create(&other, &pool, hpa(0x8000)), OK);
	assert_int_equal(pool.free_pages, before - 3);
	vmx_destroy(&other, &pool);
	assert_int_equal(pool.free_pages, before);
	assert_null(other.backend);
	while (pool.free_pages > 2)
		assert_non_null(pool_take(&pool));
	assert_int_equal(vmx_create(&other, &pool, hpa(0x8000)), ERR_NO_MEMORY);
	assert_int_equal(pool.free_pages, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_create),	      DESK_TEST(test_controls),	   DESK_TEST(test_reset),
		DESK_TEST(test_real_start),   DESK_TEST(test_all_written), DESK_TEST(test_entry),
		DESK_TEST(test_msr_map),      DESK_TEST(test_moving_on),   DESK_TEST(test_shadows),
		DESK_TEST(test_segments),     DESK_TEST(test_efer),	   DESK_TEST(test_pat),
		DESK_TEST(test_other_msrs),   DESK_TEST(test_cr4),	   DESK_TEST(test_flush),
		DESK_TEST(test_nested_shape), DESK_TEST(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
