/* The part of a guest's state that no CPU backend's entry switches. */
#ifndef ARCH_X86_GUEST_CPU_H
#define ARCH_X86_GUEST_CPU_H

/*
 * Gives the calling CPU, on which a guest is about to start, the registers that neither VMRUN (AMD APM
 * volume 2, 15.5.1) nor VM entry (Intel SDM volume 3, 26.3.2) loads: x87 and SSE as after INIT; DR0-3, DR6,
 * XCR0 and TSC_AUX as after reset. The last guest's are gone.
 */
void guest_cpu_reset(void);

#endif
