/* The VMX backend (Intel SDM volume 3C, chapters 23 to 28) as the rest of the hypervisor sees it. */
#ifndef ARCH_X86_VMX_VMX_H
#define ARCH_X86_VMX_VMX_H

#include "arch/x86/vcpu.h"

extern const struct vcpu_ops vmx_ops;

#endif
