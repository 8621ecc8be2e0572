/* The memory type range registers' MSRs and fields (Intel SDM volume 3A, 11.11). */
#ifndef ARCH_X86_MTRR_REGS_H
#define ARCH_X86_MTRR_REGS_H

#include "hv/base/bits.h"

/* 11.11.1 */
#define MSR_MTRR_CAP  0x000000fe
#define MTRR_CAP_VCNT 7, 0 /* variable ranges */
#define MTRR_CAP_FIX  BIT(8)

/* 11.11.2.3 Variable ranges: pairs from here on. */
#define MSR_MTRR_PHYS_BASE_0 0x00000200
#define MTRR_BASE_TYPE	     7, 0
#define MSR_MTRR_PHYS_MASK_0 0x00000201
#define MTRR_MASK_V	     BIT(11)

/* 11.11.2.2 Fixed ranges. */
#define MSR_MTRR_FIX_64K_00000 0x00000250
#define MSR_MTRR_FIX_16K_80000 0x00000258
#define MSR_MTRR_FIX_16K_A0000 0x00000259
#define MSR_MTRR_FIX_4K_C0000  0x00000268 /* and seven more */

/* 11.11.2.1 */
#define MSR_MTRR_DEF_TYPE  0x000002ff
#define MTRR_DEF_TYPE_TYPE 7, 0
#define MTRR_DEF_TYPE_FE   BIT(10) /* the fixed ranges count */
#define MTRR_DEF_TYPE_E	   BIT(11) /* any count */

/* Table 11-8. */
#define MTRR_UNCACHEABLE 0
#define MTRR_WRITE_BACK	 6

#endif
