#include "arch/x86/cpu.h"
#include "arch/x86/mtrr.h"
#include "arch/x86/mtrr_regs.h"

#define CPUID_MTRR	    BIT(12) /* 1 EDX */
#define ADDRESS_BITS_UNTOLD 36

static u8 address_bits(void)
{
	return cpuid(0x80000000, 0).eax >= 0x80000008 ? (u8)cpuid(0x80000008, 0).eax
						      : ADDRESS_BITS_UNTOLD;
}

void mtrr_read(struct mtrr_words *words)
{
	static const u32 fixed[MTRR_FIXED_COUNT] = {
		MSR_MTRR_FIX_64K_00000,	   MSR_MTRR_FIX_16K_80000,    MSR_MTRR_FIX_16K_A0000,
		MSR_MTRR_FIX_4K_C0000,	   MSR_MTRR_FIX_4K_C0000 + 1, MSR_MTRR_FIX_4K_C0000 + 2,
		MSR_MTRR_FIX_4K_C0000 + 3, MSR_MTRR_FIX_4K_C0000 + 4, MSR_MTRR_FIX_4K_C0000 + 5,
		MSR_MTRR_FIX_4K_C0000 + 6, MSR_MTRR_FIX_4K_C0000 + 7,
	};

	*words = (struct mtrr_words){.address_bits = address_bits()};
	if (!(cpuid(1, 0).edx & CPUID_MTRR)) {
		words->default_type = MTRR_DEF_TYPE_E | MTRR_WRITE_BACK;
		return;
	}
	words->capabilities = msr_read(MSR_MTRR_CAP);
	words->default_type = msr_read(MSR_MTRR_DEF_TYPE);
	for (u32 i = 0; i < MTRR_FIXED_COUNT && words->capabilities & MTRR_CAP_FIX; i++)
		words->fixed[i] = msr_read(fixed[i]);
	for (u32 i = 0; i < MTRR_VARIABLE_MOST && i < (words->capabilities & 0xff); i++) {
		words->variable[i].base = msr_read(MSR_MTRR_PHYS_BASE_0 + 2 * i);
		words->variable[i].mask = msr_read(MSR_MTRR_PHYS_MASK_0 + 2 * i);
	}
}
