/* Pure: which values a guest may give the MSRs that the CPU switches with it. The same for all backends. */
#ifndef ARCH_X86_GUEST_MSR_H
#define ARCH_X86_GUEST_MSR_H

#include "hv/base/status.h"
#include "hv/base/types.h"

/*
 * False if a WRMSR of the value would fault: reserved types in PAT (AMD APM volume 2, 7.8.1; Intel SDM
 * volume 3, 11.12.4), an address that isn't canonical, in the widest sense that there is, of 57 bits. Of
 * EFER see below; MSRs without such a rule take every value.
 */
bool guest_msr_is_valid(u32 index, u64 value);

/*
 * A guest's write of EFER, with this CR0: *efer is what it has and gets, without SVME. fast_fxsr: the CPU has
 * FFXSR. ERR_INVALID: it would fault, and *efer stays (APM volume 2, 3.1.7; SDM volume 3, 2.2.1).
 */
enum status guest_efer_write(u64 *efer, u64 cr0, u64 value, bool fast_fxsr);

#endif
