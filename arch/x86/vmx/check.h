/* What the files of the VM-entry checks share. */
#ifndef ARCH_X86_VMX_CHECK_H
#define ARCH_X86_VMX_CHECK_H

#include "arch/x86/check.h"
#include "arch/x86/vmx/internal.h"

#define EFER_KNOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/* By the CPU's width, on which CR4.LA57 has no bearing here (volume 1, 3.3.7.1; volume 3, 26.3.1). */
bool vmx_canonical(const struct vmx_caps *caps, u64 address);
/* True if value has what must be 1 and nothing else than what may be. */
bool vmx_fixed(u64 value, u64 fixed0, u64 fixed1);
/* A page's address that the CPU can put out. */
bool vmx_is_address(const struct vmx_caps *caps, u64 address);

#endif
