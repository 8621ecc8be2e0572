/*
 * The remapping hardware's registers (Intel VT-d specification, revision 4.1, section 11.4). Offsets
 * are in bytes from the unit's base; each register's fields stand under it. A 32-bit register is
 * accessed as such only, a 64-bit one as a whole.
 *
 * The Global Command Register has no name here: see gcmd.c.
 */
#ifndef IOMMU_VTD_REGS_H
#define IOMMU_VTD_REGS_H

#include "hv/base/bits.h"

/* 11.4.1 Version Register, 32 bits. */
#define VTD_VER	      0x00
#define VTD_VER_MINOR 3, 0
#define VTD_VER_MAJOR 7, 4

/* 11.4.2 Capability Register, 64 bits. Bit ranges are for bits_get(). */
#define VTD_CAP		0x08
#define VTD_CAP_ND	2, 0 /* domain IDs have 4 + 2 * ND bits */
#define VTD_CAP_RWBF	BIT(4)
#define VTD_CAP_PLMR	BIT(5)
#define VTD_CAP_PHMR	BIT(6)
#define VTD_CAP_CM	BIT(7)
#define VTD_CAP_SAGAW	12, 8	/* bit n: n + 2 levels */
#define VTD_CAP_MGAW	21, 16	/* bits less one */
#define VTD_CAP_FRO	33, 24	/* in units of 16 bytes */
#define VTD_CAP_SSLPS	37, 34	/* bit 0: 2M, bit 1: 1G */
#define VTD_CAP_PSI	BIT(39) /* page-selective invalidation */
#define VTD_CAP_NFR	47, 40	/* fault records less one */
#define VTD_CAP_MAMV	53, 48	/* largest address mask of a page-selective invalidation */
#define VTD_CAP_DWD	BIT(54) /* write draining */
#define VTD_CAP_DRD	BIT(55) /* read draining */
#define VTD_CAP_ESIRTPS BIT(62) /* setting the interrupt table invalidates by itself */
#define VTD_CAP_ESRTPS	BIT(63) /* setting the root table invalidates by itself */

/* 11.4.3 Extended Capability Register, 64 bits. */
#define VTD_ECAP      0x10
#define VTD_ECAP_C    BIT(0) /* page walks snoop the caches */
#define VTD_ECAP_QI   BIT(1)
#define VTD_ECAP_DT   BIT(2) /* devices may have TLBs of their own (ATS) */
#define VTD_ECAP_IR   BIT(3)
#define VTD_ECAP_EIM  BIT(4)
#define VTD_ECAP_PT   BIT(6)
#define VTD_ECAP_SC   BIT(7) /* snoop control: bit 11 of second-stage leaves */
#define VTD_ECAP_IRO  17, 8  /* in units of 16 bytes */
#define VTD_ECAP_MHMV 23, 20 /* largest index mask of an interrupt entry invalidation */
#define VTD_ECAP_DIT                                                                               \
	BIT(41) /* invalidations of devices' TLBs are throttled for each physical function */
#define VTD_ECAP_SMTS BIT(43) /* scalable mode */

/* 11.4.4.2 Global Status Register, 32 bits. The command's bits have the same positions. */
#define VTD_GSTS       0x1c
#define VTD_GSTS_TES   BIT(31)
#define VTD_GSTS_RTPS  BIT(30)
#define VTD_GSTS_FLS   BIT(29)
#define VTD_GSTS_AFLS  BIT(28)
#define VTD_GSTS_WBFS  BIT(27)
#define VTD_GSTS_QIES  BIT(26)
#define VTD_GSTS_IRES  BIT(25)
#define VTD_GSTS_IRTPS BIT(24)
#define VTD_GSTS_CFIS  BIT(23)

/* 11.4.5 Root Table Address Register, 64 bits. */
#define VTD_RTADDR	 0x20
#define VTD_RTADDR_TTM	 11, 10
#define VTD_TTM_LEGACY	 0
#define VTD_TTM_SCALABLE 1
#define VTD_TTM_ABORT	 3 /* all DMA */
#define VTD_RTADDR_RTA	 BITS(63, 12)

/* 11.4.6.1 Context Command Register, 64 bits. */
#define VTD_CCMD	     0x28
#define VTD_CCMD_ICC	     BIT(63) /* clear again once done */
#define VTD_CCMD_CIRG_GLOBAL (1ull << 61)
#define VTD_CCMD_CIRG_DOMAIN (2ull << 61)
#define VTD_CCMD_CIRG_DEVICE (3ull << 61)
#define VTD_CCMD_CAIG	     60, 59 /* what was done; 0: the request was wrong */
#define VTD_CCMD_SID_SHIFT   16
#define VTD_CCMD_DID_SHIFT   0

/* 11.4.6.2 IOTLB registers, 64 bits each; offsets are from ECAP.IRO * 16. */
#define VTD_IVA			0x00
#define VTD_IVA_AM_SHIFT	0
#define VTD_IVA_IH		BIT(6)
#define VTD_IVA_ADDR		BITS(63, 12)
#define VTD_IOTLB		0x08
#define VTD_IOTLB_IVT		BIT(63) /* clear again once done */
#define VTD_IOTLB_IIRG_GLOBAL	(1ull << 60)
#define VTD_IOTLB_IIRG_DOMAIN	(2ull << 60)
#define VTD_IOTLB_IIRG_PAGE	(3ull << 60)
#define VTD_IOTLB_IAIG		58, 57 /* what was done; 0: the request was wrong */
#define VTD_IOTLB_DR		BIT(49)
#define VTD_IOTLB_DW		BIT(48)
#define VTD_IOTLB_DID_SHIFT	32
#define VTD_IOTLB_REGISTERS_END 0x10

/* 11.4.7.1 Fault Status Register, 32 bits; all fields but PPF and FRI are cleared by writing 1. */
#define VTD_FSTS     0x34
#define VTD_FSTS_PFO BIT(0)
#define VTD_FSTS_PPF BIT(1)
#define VTD_FSTS_AFO BIT(2) /* the advanced fault log's overflow, */
#define VTD_FSTS_APF BIT(3) /* and that something is in it; not in newer revisions */
#define VTD_FSTS_IQE BIT(4) /* queue error: a descriptor was refused */
#define VTD_FSTS_ICE BIT(5) /* a device's unexpected invalidation completion */
#define VTD_FSTS_ITE BIT(6) /* a device did not complete an invalidation in time */
#define VTD_FSTS_FRI 15, 8

/* 11.4.7.2 to 11.4.7.5 Fault Event registers, 32 bits each. */
/* The event is raised when a field of FSTS gets set while none was. */
#define VTD_FECTL	      0x38
#define VTD_FECTL_IM	      BIT(31)
#define VTD_FEDATA	      0x3c
#define VTD_FEDATA_DELIVERY   8 /* shift of the delivery mode; the vector is below */
#define VTD_FEADDR	      0x40
#define VTD_FEADDR_BASE	      0xfee00000u
#define VTD_FEADDR_APIC_SHIFT 12 /* APIC ID bits 7:0 */
#define VTD_FEUADDR	      0x44
#define VTD_FEUADDR_APIC      BITS(31, 8) /* APIC ID bits 31:8 in place */

/* 11.4.7.6 Fault Recording Registers, 128 bits each, at CAP.FRO * 16. */
#define VTD_FRCD_SIZE	   16
#define VTD_FRCD_LOW	   0x0
#define VTD_FRCD_LOW_FI	   BITS(63, 12) /* the page, for DMA faults */
#define VTD_FRCD_LOW_INDEX 63, 48	/* for interrupt faults */
#define VTD_FRCD_HIGH	   0x8
#define VTD_FRCD_HIGH_SID  15, 0
#define VTD_FRCD_HIGH_T2   BIT(28)
#define VTD_FRCD_HIGH_FR   39, 32 /* 8 bits: what is above belongs to PASID requests */
#define VTD_FRCD_HIGH_T1   BIT(62)
#define VTD_FRCD_HIGH_F	   BIT(63)
#define VTD_FRCD_TOP	   0xc /* the upper 32 bits alone, to clear F */
#define VTD_FRCD_TOP_F	   BIT(31)

/* 11.4.8.1 Protected Memory Enable Register, 32 bits. */
#define VTD_PMEN     0x64
#define VTD_PMEN_EPM BIT(31)
#define VTD_PMEN_PRS BIT(0)

/* 11.4.9.1 and 11.4.9.2 Invalidation Queue Head and Tail, 64 bits each: byte offsets. */
#define VTD_IQH	      0x80
#define VTD_IQT	      0x88
#define VTD_IQ_OFFSET BITS(18, 4)

/* 11.4.9.3 Invalidation Queue Address Register, 64 bits. */
#define VTD_IQA	      0x90
#define VTD_IQA_IQA   BITS(63, 12)
#define VTD_IQA_DW    BIT(11) /* 0: descriptors of 128 bits */
#define VTD_IQA_QS_4K 0	      /* 2^0 pages */

/* 11.4.9.5 Invalidation Event Control Register, 32 bits. */
#define VTD_IECTL    0xa0
#define VTD_IECTL_IM BIT(31)

/* 11.4.10 Interrupt Remapping Table Address Register, 64 bits. */
#define VTD_IRTA      0xb8
#define VTD_IRTA_IRTA BITS(63, 12)
#define VTD_IRTA_EIME BIT(11)
#define VTD_IRTA_S    3, 0 /* the table has 2^(S+1) entries */

#define VTD_REGISTERS_END 0xc0

#endif
