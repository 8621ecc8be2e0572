/*
 * Why VMRUN failed: the checks of AMD APM volume 2, 15.5.1, made again in software, each with its reason. The
 * CPU says no more than that one of them failed. What Sluice never sets is left out: CET.
 */
#include "arch/x86/check.h"
#include "arch/x86/guest_msr.h"
#include "arch/x86/msr.h"
#include "arch/x86/svm/internal.h"

#define CS_LONG	   BIT(9)
#define CS_DEFAULT BIT(10)

/* 3.1.3: those that there are on one CPU or the other. */
#define CR4_KNOWN (BITS(12, 0) | BITS(18, 16) | BITS(23, 20))

/* A permission map of so many pages lies below the end of the CPU's addresses; bits 11:0 are ignored. */
static bool map_fits(const struct svm_caps *caps, u64 address, u64 pages)
{
	return align_down(address, PAGE_SIZE) <= (1ull << caps->address_bits) - pages * PAGE_SIZE;
}

static const char *check_control(const struct svm_caps *caps, const struct vmcb *vmcb)
{
	CHECK(vmcb->intercept_4 & SVM_INTERCEPT_VMRUN, "VMRUN is not intercepted");
	CHECK(vmcb->asid, "ASID 0");
	CHECK(map_fits(caps, vmcb->iopm_base, SVM_IOPM_PAGES), "I/O permission map: address");
	CHECK(map_fits(caps, vmcb->msrpm_base, SVM_MSRPM_PAGES), "MSR permission map: address");
	return NULL;
}

/* 15.20. */
static const char *check_event(u64 event)
{
	u64 type = event & SVM_EVENT_TYPE;
	u64 vector = event & SVM_EVENT_VECTOR;

	CHECK(type == SVM_EVENT_TYPE_INTERRUPT || type == SVM_EVENT_TYPE_NMI ||
		      type == SVM_EVENT_TYPE_EXCEPTION || type == SVM_EVENT_TYPE_SOFTWARE,
	      "event: type");
	CHECK(type != SVM_EVENT_TYPE_EXCEPTION || (vector <= 31 && vector != 2),
	      "event: an exception with a vector of none");
	return NULL;
}

static const char *check_control_registers(const struct svm_caps *caps, const struct vmcb *vmcb)
{
	bool long_mode = vmcb->efer & EFER_LME && vmcb->cr0 & CR0_PG;

	CHECK(vmcb->cr0 & CR0_CD || !(vmcb->cr0 & CR0_NW), "guest CR0: NW without CD");
	CHECK(!(vmcb->cr0 >> 32), "guest CR0: upper half");
	/* Outside of long mode CR3 has 32 bits, and what is above is ignored. */
	CHECK(!long_mode || !(vmcb->cr3 >> caps->address_bits),
	      "guest CR3: beyond the CPU's addresses");
	CHECK(!(vmcb->cr4 & ~CR4_KNOWN), "guest CR4: reserved bits");
	CHECK(!(vmcb->dr6 >> 32), "guest DR6: upper half");
	CHECK(!(vmcb->dr7 >> 32), "guest DR7: upper half");
	return NULL;
}

static const char *check_msrs(const struct svm_caps *caps, const struct vmcb *vmcb)
{
	u64 known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME |
		    (caps->fast_fxsr ? EFER_FFXSR : 0);
	u64 cs = vmcb->segment[SEGMENT_CS].attributes;

	CHECK(vmcb->efer & EFER_SVME, "guest EFER: SVME");
	CHECK(!(vmcb->efer & ~known), "guest EFER: reserved bits");
	/* 15.25.4. */
	CHECK(guest_msr_is_valid(MSR_PAT, vmcb->g_pat), "guest PAT: a type that there is not");
	if (!(vmcb->efer & EFER_LME) || !(vmcb->cr0 & CR0_PG))
		return NULL;
	CHECK(vmcb->cr4 & CR4_PAE, "guest: long mode without PAE");
	CHECK(vmcb->cr0 & CR0_PE, "guest: long mode without protection");
	CHECK(!(cs & CS_LONG && cs & CS_DEFAULT), "guest CS: both L and D");
	return NULL;
}

const char *svm_check_entry(const struct svm_caps *caps, const struct vmcb *vmcb)
{
	const char *reason = check_control(caps, vmcb);

	if (!reason && vmcb->event_injection & SVM_EVENT_VALID)
		reason = check_event(vmcb->event_injection);
	if (!reason)
		reason = check_control_registers(caps, vmcb);
	if (!reason)
		reason = check_msrs(caps, vmcb);
	return reason;
}
