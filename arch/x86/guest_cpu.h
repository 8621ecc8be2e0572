/* The part of a guest's state that no CPU backend's entry switches. */
#ifndef ARCH_X86_GUEST_CPU_H
#define ARCH_X86_GUEST_CPU_H

#include "hv/base/types.h"

/*
 * Gives the calling CPU, on which a guest is about to start, the registers that neither VMRUN (AMD APM
 * volume 2, 15.5.1) nor VM entry (Intel SDM volume 3, 26.3.2) loads: x87, SSE and all other state of XSAVE as
 * after INIT; DR0-3, DR6, XCR0 and TSC_AUX as after reset. The last guest's are gone.
 */
void guest_cpu_reset(void);

/* The guest's XCR0, which stays in the CPU: the hypervisor uses none of what it governs. CR4.OSXSAVE is set. */
void guest_xcr0_write(u64 value);

#endif
