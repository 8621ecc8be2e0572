/* What CPUs say of themselves in the MSRs of Intel SDM volume 3D, appendix A. */
#ifndef TESTS_HOST_VMX_WORDS_H
#define TESTS_HOST_VMX_WORDS_H

#include "arch/x86/vmx/internal.h"

/* A Skylake server. */
static const struct vmx_words vmx_skylake = {
	.cpuid_1_ecx = BIT(5),
	.address_bits = 46,
	.linear_bits = 48,
	.feature_control = 5,
	.basic = 0x00da040000000004,
	.pin = 0x0000007f00000016,
	.proc = 0xfff9fffe04006172,
	.proc2 = 0x00553cfe00000000,
	.exit = 0x01ffffff00036dfb,
	.entry = 0x0003ffff000011fb,
	.misc = 0x7004c1e7,
	.cr0_fixed0 = 0x80000021,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = 0x2000,
	.cr4_fixed1 = 0x3767ff,
	.ept_vpid = 0x00000f0106734141,
};

#endif
