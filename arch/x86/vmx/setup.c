#include "arch/x86/guest_cpu.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx/ept.h"
#include "arch/x86/vmx/internal.h"
#include "hv/base/panic.h"
#include "hv/base/string.h"

#define IO_BITMAP_PAGES 2
#define VCPU_PAGES	3 /* the VMCS, struct vmx_vcpu, the MSR bitmap */

/* Rights of flat 32-bit segments and of what reset leaves in LDTR and TR (table 24-2). */
#define RIGHTS_CODE	 0xc09b
#define RIGHTS_DATA	 0xc093
#define RIGHTS_REAL_CODE 0x009b
#define RIGHTS_REAL_DATA 0x0093
#define RIGHTS_LDT	 0x0082
#define RIGHTS_TSS	 0x008b

/*
 * The I/O bitmaps (24.6.4), all ones: every port is trapped, for every VM. One for all, made with the first
 * vCPU and never written again.
 */
static hpa_t io_bitmap;

static enum status make_io_bitmap(struct pool *pool)
{
	u8 *map;

	if (io_bitmap.v)
		return OK;
	map = pool_take_run(pool, IO_BITMAP_PAGES);
	if (!map)
		return ERR_NO_MEMORY;
	memset(map, 0xff, IO_BITMAP_PAGES * PAGE_SIZE);
	io_bitmap = pool_hpa(pool, map);
	return OK;
}

static void fill_control(const struct vcpu *vcpu)
{
	const struct vmx_vcpu *vmx = vmx_of(vcpu);

	/* #DB and #AC: their delivery can loop for ever; they are passed on. */
	vmcs_write(VMCS_EXCEPTION_BITMAP, BIT(VECTOR_DB) | BIT(VECTOR_AC) | BIT(VECTOR_MC));
	/* 24.6.3: no #PF makes an exit. */
	vmcs_write(VMCS_PF_ERROR_MASK, 0);
	vmcs_write(VMCS_PF_ERROR_MATCH, 0);
	vmcs_write(VMCS_PIN_CONTROLS, vmx_caps.pin);
	vmcs_write(VMCS_PROC_CONTROLS, vmx_caps.proc);
	vmcs_write(VMCS_PROC2_CONTROLS, vmx_caps.proc2);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmx_caps.entry);
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_IO_BITMAP_A, io_bitmap.v);
	vmcs_write(VMCS_IO_BITMAP_B, io_bitmap.v + PAGE_SIZE);
	vmcs_write(VMCS_MSR_BITMAP, vmx->msr_bitmap_hpa.v);
	if (vmx_caps.vpid)
		vmcs_write(VMCS_VPID, VMX_VPID);
	vmcs_write(VMCS_EPT_POINTER, ept_pointer_make(vmx->nested_root, 4, vmx_caps.ept_walk_wb,
						      vmx_caps.ept_accessed_dirty));
	/* What a guest may not change in fact: see exit.c for how it can go on believing that it did. */
	vmcs_write(VMCS_CR0_MASK, CR0_NE | CR0_NW | CR0_CD);
	vmcs_write(VMCS_CR4_MASK, ~vcpu->cr4_allowed | CR4_MCE);
}

enum status vmx_create(struct vcpu *vcpu, struct pool *pool, hpa_t nested_root)
{
	u8 *pages;
	struct vmx_vcpu *vmx;

	if (make_io_bitmap(pool) != OK)
		return ERR_NO_MEMORY;
	pages = pool_take_run(pool, VCPU_PAGES);
	if (!pages)
		return ERR_NO_MEMORY;
	vmx = (struct vmx_vcpu *)(pages + PAGE_SIZE);
	*vmx = (struct vmx_vcpu){
		.vmcs = pages,
		.vmcs_hpa = pool_hpa(pool, pages),
		.msr_bitmap = pages + 2 * PAGE_SIZE,
		.msr_bitmap_hpa = pool_hpa(pool, pages + 2 * PAGE_SIZE),
		.nested_root = nested_root,
	};
	memcpy(vmx->vmcs, &vmx_caps.revision, sizeof(vmx_caps.revision));
	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	vcpu->backend = vmx;
	return OK;
}

void vmx_destroy(struct vcpu *vcpu, struct pool *pool)
{
	pool_give_run(pool, vmx_of(vcpu)->vmcs, VCPU_PAGES);
	vcpu->backend = NULL;
}

static void set_segment(unsigned n, u16 selector, u32 rights, u32 limit)
{
	vmcs_write(vmcs_of_segment(VMCS_GUEST_SELECTOR, n), selector);
	vmcs_write(vmcs_of_segment(VMCS_GUEST_RIGHTS, n), rights);
	vmcs_write(vmcs_of_segment(VMCS_GUEST_LIMIT, n), limit);
	vmcs_write(vmcs_of_segment(VMCS_GUEST_BASE, n), 0);
}

static void fill_mode(const struct vcpu_start *start)
{
	bool real = start->kind == START_REAL;
	u64 mode = real ? 0 : CR0_PE;

	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		set_segment(i, real ? 0 : 0x18, real ? RIGHTS_REAL_DATA : RIGHTS_DATA,
			    real ? 0xffff : 0xffffffff);
	if (real) {
		set_segment(SEGMENT_CS, (u16)(start->page << 8), RIGHTS_REAL_CODE, 0xffff);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_BASE, SEGMENT_CS), (u64)start->page << 12);
	} else {
		set_segment(SEGMENT_CS, 0x10, RIGHTS_CODE, 0xffffffff);
	}
	/* CD and NW are as firmware leaves them. */
	vmcs_write(VMCS_GUEST_CR0, mode | CR0_ET | CR0_NE);
	vmcs_write(VMCS_CR0_SHADOW, mode | CR0_ET);
}

static void fill_guest(void)
{
	set_segment(VMCS_LDTR, 0, RIGHTS_LDT, 0);
	set_segment(VMCS_TR, 0, RIGHTS_TSS, 0xffff);
	vmcs_write(VMCS_GUEST_GDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write(VMCS_GUEST_IDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, 0xffff);
	vmcs_write(VMCS_GUEST_EFER, 0);
	vmcs_write(VMCS_GUEST_CR3, 0);
	/* Without CR4.MCE a machine check would shut the CPU down. */
	vmcs_write(VMCS_GUEST_CR4, vmx_caps.cr4_fixed0 | CR4_MCE);
	vmcs_write(VMCS_CR4_SHADOW, 0);
	vmcs_write(VMCS_GUEST_DR7, 0x400);
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmcs_write(VMCS_GUEST_PAT, PAT_RESET);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, VMX_ACTIVE);
	vmcs_write(VMCS_LINK_POINTER, ~0ull); /* 24.4.2: none */
}

void vmx_reset(struct vcpu *vcpu, const struct vcpu_start *start)
{
	struct vmx_vcpu *vmx = vmx_of(vcpu);

	vmx_load(vcpu);
	vmx_reset_cpu();
	fill_control(vcpu);
	vmx_fill_host();
	fill_mode(start);
	fill_guest();
	vmx->cr2 = 0;
	vmx->nmi_waits = false;
	vmx->inject = vmx->repeat = (struct vmx_event){0};
	vmx_flush_linear();
	vmx_flush(vcpu);

	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	vcpu->gpr[GPR_RAX] = start->rax;
	vcpu->gpr[GPR_RBX] = start->rbx;
	vcpu->gpr[GPR_RDX] = start->rdx;
	vcpu->rip = start->rip;
	vcpu->rflags = RFLAGS_FIXED;
}

/* 24.6.9: a bit an MSR; reads in the lower half, writes in the upper; in each two ranges of 8192 MSRs. */
void vmx_msr_pass(struct vcpu *vcpu, u32 index, bool read, bool write)
{
	static const u32 range_base[] = {0x00000000, 0xc0000000};
	u8 *bitmap = vmx_of(vcpu)->msr_bitmap;

	for (unsigned range = 0; range < ARRAY_SIZE(range_base); range++) {
		u32 n = index - range_base[range];

		if (n >= 8192)
			continue;
		u8 *reads = &bitmap[range * 1024 + n / 8];
		u8 *writes = reads + 2048;
		u8 bit = (u8)BIT(n % 8);

		*reads = (u8)(read ? *reads & ~bit : *reads | bit);
		*writes = (u8)(write ? *writes & ~bit : *writes | bit);
		return;
	}
	panic("vmx: MSR %#x has no bit in the bitmap", index);
}
