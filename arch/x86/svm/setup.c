#include "arch/x86/msr.h"
#include "arch/x86/svm/internal.h"
#include "hv/base/panic.h"
#include "hv/base/string.h"

#define VCPU_PAGES (2 + SVM_MSRPM_PAGES) /* the VMCB, struct svm_vcpu, the MSR permission map */

/* Attributes of flat 32-bit segments and of what reset leaves in LDTR and TR (14.1.3). */
#define ATTRIBUTES_CODE	     0xc9b
#define ATTRIBUTES_DATA	     0xc93
#define ATTRIBUTES_REAL_CODE 0x09b
#define ATTRIBUTES_REAL_DATA 0x093
#define ATTRIBUTES_LDT	     0x082
#define ATTRIBUTES_TSS	     0x08b

/*
 * The I/O permission map (15.10.1), all ones: every port is trapped, for every VM. One for all, made with the
 * first vCPU and never written again.
 */
static hpa_t iopm;

static enum status make_iopm(struct pool *pool)
{
	u8 *map;

	if (iopm.v)
		return OK;
	map = pool_take_run(pool, SVM_IOPM_PAGES);
	if (!map)
		return ERR_NO_MEMORY;
	memset(map, 0xff, SVM_IOPM_PAGES * PAGE_SIZE);
	iopm = pool_hpa(pool, map);
	return OK;
}

static void fill_control(struct vmcb *vmcb, hpa_t nested_root, hpa_t msrpm)
{
	/* #DB and #AC: their delivery can loop for ever with NMIs blocked; they are passed on. */
	vmcb->intercept_exceptions = BIT(VECTOR_DB) | BIT(VECTOR_AC) | BIT(VECTOR_MC);
	/* Some bits would give the guest what it is not shown: XCR0, protection keys. Others it is not to see. */
	vmcb->intercept_cr = (u32)(SVM_INTERCEPT_CR4_READ | SVM_INTERCEPT_CR4_WRITE);
	/* A breakpoint on the hypervisor's own addresses would hit it: such machines' guests have none. */
	if (svm_caps.sticky_breakpoints)
		vmcb->intercept_dr = (u32)SVM_INTERCEPT_DR7_WRITE;
	vmcb->intercept_3 = (u32)(SVM_INTERCEPT_NMI | SVM_INTERCEPT_INIT | SVM_INTERCEPT_RDPMC |
				  SVM_INTERCEPT_CPUID | SVM_INTERCEPT_RSM | SVM_INTERCEPT_INVD |
				  SVM_INTERCEPT_INVLPGA | SVM_INTERCEPT_IOIO | SVM_INTERCEPT_MSR |
				  SVM_INTERCEPT_FERR | SVM_INTERCEPT_SHUTDOWN);
	vmcb->intercept_4 = SVM_INTERCEPT_VMRUN | SVM_INTERCEPT_VMMCALL | SVM_INTERCEPT_VMLOAD |
			    SVM_INTERCEPT_VMSAVE | SVM_INTERCEPT_STGI | SVM_INTERCEPT_CLGI |
			    SVM_INTERCEPT_SKINIT | SVM_INTERCEPT_WBINVD | SVM_INTERCEPT_MONITOR |
			    SVM_INTERCEPT_MWAIT | SVM_INTERCEPT_XSETBV | SVM_INTERCEPT_RDPRU;
	vmcb->iopm_base = iopm.v;
	vmcb->msrpm_base = msrpm.v;
	/* One vCPU a physical CPU, for good: all guests can have the same ASID. */
	vmcb->asid = 1;
	vmcb->nested_control = SVM_NESTED_PAGING;
	vmcb->nested_cr3 = nested_root.v;
}

enum status svm_create(struct vcpu *vcpu, struct pool *pool, hpa_t nested_root)
{
	u8 *pages;
	struct svm_vcpu *svm;

	if (make_iopm(pool) != OK)
		return ERR_NO_MEMORY;
	pages = pool_take_run(pool, VCPU_PAGES);
	if (!pages)
		return ERR_NO_MEMORY;
	svm = (struct svm_vcpu *)(pages + PAGE_SIZE);
	*svm = (struct svm_vcpu){
		.vmcb = (struct vmcb *)pages,
		.msrpm = pages + 2 * PAGE_SIZE,
	};
	memset(svm->msrpm, 0xff, SVM_MSRPM_PAGES * PAGE_SIZE);
	fill_control(svm->vmcb, nested_root, pool_hpa(pool, svm->msrpm));
	vcpu->backend = svm;
	return OK;
}

void svm_destroy(struct vcpu *vcpu, struct pool *pool)
{
	pool_give_run(pool, svm_of(vcpu)->vmcb, VCPU_PAGES);
	vcpu->backend = NULL;
}

static void reset_segments(struct vmcb *vmcb, const struct vcpu_start *start)
{
	bool real = start->kind == START_REAL;
	struct vcpu_segment code = {0x10, ATTRIBUTES_CODE, 0xffffffff, 0};
	struct vcpu_segment data = {0x18, ATTRIBUTES_DATA, 0xffffffff, 0};

	if (real) {
		code = (struct vcpu_segment){(u16)(start->page << 8), ATTRIBUTES_REAL_CODE, 0xffff,
					     (u64)start->page << 12};
		data = (struct vcpu_segment){0, ATTRIBUTES_REAL_DATA, 0xffff, 0};
	}
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		vmcb->segment[i] = i == SEGMENT_CS ? code : data;
	vmcb->ldtr.attributes = ATTRIBUTES_LDT;
	vmcb->tr = (struct vcpu_segment){0, ATTRIBUTES_TSS, 0xffff, 0};
	vmcb->gdtr.limit = 0xffff;
	vmcb->idtr.limit = 0xffff;
	/* CD and NW are as firmware leaves them. */
	vmcb->cr0 = real ? CR0_ET : CR0_PE | CR0_ET;
}

void svm_reset(struct vcpu *vcpu, const struct vcpu_start *start)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	svm_reset_cpu();
	memset(vmcb->segment, 0, sizeof(*vmcb) - offsetof(struct vmcb, segment));
	reset_segments(vmcb, start);
	vmcb->efer = EFER_SVME;
	svm_set_cr4(svm, 0);
	vmcb->dr6 = 0xffff0ff0;
	vmcb->dr7 = 0x400;
	vmcb->g_pat = PAT_RESET;
	vmcb->interrupt_shadow = 0;
	vmcb->event_injection = 0;
	svm_reset_nmis(svm);
	svm_flush(vcpu);

	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	vcpu->gpr[GPR_RAX] = start->rax;
	vcpu->gpr[GPR_RBX] = start->rbx;
	vcpu->gpr[GPR_RDX] = start->rdx;
	vcpu->rip = start->rip;
	vcpu->rflags = RFLAGS_FIXED;
}

/* 15.11: two bits an MSR, read below write, in three ranges of 8192 MSRs. */
void svm_msr_pass(struct vcpu *vcpu, u32 index, bool read, bool write)
{
	static const u32 range_base[] = {0x00000000, 0xc0000000, 0xc0010000};
	u8 *msrpm = svm_of(vcpu)->msrpm;

	for (unsigned range = 0; range < ARRAY_SIZE(range_base); range++) {
		u32 n = index - range_base[range];

		if (n >= 8192)
			continue;
		u8 *byte = &msrpm[range * 2048 + n / 4];
		u8 trapped = (u8)((read ? 0 : 1) | (write ? 0 : 2));

		*byte = (u8)((*byte & ~(3 << n % 4 * 2)) | trapped << n % 4 * 2);
		return;
	}
	panic("svm: MSR %#x has no bit in the permission map", index);
}
