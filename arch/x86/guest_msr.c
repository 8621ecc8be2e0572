#include "arch/x86/guest_msr.h"

#include "arch/x86/msr.h"
#include "hv/base/bits.h"

/* Each of the eight types is one of 0, 1 and 4 to 7: UC, WC, WT, WP, WB, UC-. */
static bool pat_is_valid(u64 pat)
{
	u64 above_7 = pat & 0xf8f8f8f8f8f8f8f8ull;
	u64 two_or_three = pat & ~(pat >> 1) & 0x0202020202020202ull;

	return !(above_7 | two_or_three);
}

static bool holds_address(u32 index)
{
	switch (index) {
	case MSR_SYSENTER_ESP:
	case MSR_SYSENTER_EIP:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		return true;
	default:
		return false;
	}
}

static bool is_canonical(u64 address)
{
	return (u64)((s64)(address << 7) >> 7) == address;
}

bool guest_msr_is_valid(u32 index, u64 value)
{
	if (index == MSR_PAT)
		return pat_is_valid(value);
	return !holds_address(index) || is_canonical(value);
}

/* LME can't change while paging is on; LMA is the CPU's to set. */
enum status guest_efer_write(u64 *efer, u64 cr0, u64 value, bool fast_fxsr)
{
	u64 known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | (fast_fxsr ? EFER_FFXSR : 0);

	if (value & ~known)
		return ERR_INVALID;
	if (cr0 & CR0_PG && (value ^ *efer) & EFER_LME)
		return ERR_INVALID;
	*efer = (value & ~EFER_LMA) | (*efer & EFER_LMA);
	return OK;
}
