#include "hv/vm/cpuid.h"

#include "arch/x86/guest_xcr0.h"
#include "arch/x86/msr.h"
#include "hv/base/bits.h"

/*
 * Leaf 1, ECX and EDX (Intel SDM volume 2A, CPUID). Not shown: MONITOR (3), VMX (5), SMX (6), EST (7),
 * TM2 (8), PDCM (15), DCA (18); of EDX MCE (7), MTRR (12), MCA (14), PSN (18), ACPI (22), TM (29), whose MSRs
 * and leaves are not there. Shown by the guest's own state: OSXSAVE (27). Shown without the CPU having it: the
 * hypervisor bit (31), and of EDX HTT (28) where the VM has several CPUs.
 */
#define LEAF1_ECX                                                                                  \
	(BIT(0) | BIT(1) | BIT(9) | BITS(13, 12) | BIT(17) | BITS(20, 19) | BITS(23, 22) |         \
	 BITS(26, 24) | BITS(30, 28))
#define LEAF1_EDX                                                                                  \
	(BITS(6, 0) | BITS(9, 8) | BIT(11) | BIT(13) | BITS(17, 15) | BIT(19) | BITS(27, 23))

/*
 * Leaf 7: nothing of which XCR0 can't have the state (MPX, AMX, PKU, CET), whose MSRs are trapped (TSC_ADJUST, IBRS
 * and its kin), or of the enclaves of SGX. AVX-512 has many bits: F (16), DQ, IFMA (21), CD (28), BW, VL; VBMI
 * (1), VBMI2 (6), VNNI (11), BITALG (12), VPOPCNTDQ (14).
 */
#define LEAF7_EBX                                                                                  \
	(BIT(0) | BIT(3) | BIT(5) | BITS(10, 7) | BITS(21, 16) | BITS(24, 23) | BITS(31, 28))
#define LEAF7_ECX (BITS(2, 1) | BIT(6) | BITS(12, 8) | BIT(14) | BIT(22) | BITS(28, 27))

#define SEVERAL_CPUS BIT(28)

/* Leaf 0Dh, subleaf 1: XSAVEOPT, XSAVEC, XGETBV of 1; no XSAVES, whose MSR is trapped. */
#define XSAVE_EAX BITS(2, 0)

/* 8000_0001: no SVM, SKINIT, topology or performance counter extensions, no LWP. XOP is 11, FMA4 16. */
#define EXT1_ECX   (BITS(1, 0) | BIT(4) | BITS(8, 5) | BIT(11) | BIT(16))
#define CMP_LEGACY BIT(1) /* AMD: the several are cores */
#define EXT1_EDX                                                                                   \
	(BITS(6, 0) | BITS(9, 8) | BIT(11) | BIT(13) | BITS(17, 15) | BITS(20, 19) |               \
	 BITS(27, 22) | BITS(31, 29))

#define HYPERVISOR_PRESENT BIT(31)
#define X2APIC_PRESENT	   BIT(21)
#define XSAVE_PRESENT	   BIT(26)
#define OSXSAVE		   BIT(27)

#define ALL 0xffffffffu

static const struct cpuid_row {
	u32 first, last;
	u32 eax, ebx, ecx, edx; /* what passes */
} rows[] = {
	{0x00000000, 0x00000000, ALL, ALL, ALL, ALL},
	{0x00000001, 0x00000001, ALL, 0x0000ffff, (u32)LEAF1_ECX, (u32)LEAF1_EDX},
	{0x00000002, 0x00000002, ALL, ALL, ALL, ALL},	     /* caches */
	{0x00000004, 0x00000004, 0x00003fff, ALL, ALL, ALL}, /* caches; none shared */
	{0x00000007, 0x00000007, 0, (u32)LEAF7_EBX, (u32)LEAF7_ECX, 0},
	{0x0000000d, 0x0000000d, ALL, ALL, ALL, ALL}, /* XSAVE, see adjust_xsave() */
	{0x00000015, 0x00000016, ALL, ALL, ALL, 0},   /* clock frequencies */
	{0x80000000, 0x80000000, ALL, ALL, ALL, ALL},
	{0x80000001, 0x80000001, ALL, ALL, (u32)EXT1_ECX, (u32)EXT1_EDX},
	{0x80000002, 0x80000006, ALL, ALL, ALL, ALL},  /* brand, caches */
	{0x80000007, 0x80000007, 0, 0, 0, BIT(8)},     /* invariant TSC */
	{0x80000008, 0x80000008, 0x0000ffff, 0, 0, 0}, /* address sizes */
};

#define HYPERVISOR_LEAVES 0x40000000u
#define HYPERVISOR_TIMING 0x40000010u /* the leaf where VMware, KVM and others tell frequencies */
#define MAX_STANDARD	  0x16u
#define MAX_EXTENDED	  0x80000008u

static void hypervisor_leaf(u32 leaf, const struct cpuid_context *context, struct cpuid_values *v)
{
	*v = (struct cpuid_values){0};
	if (leaf == HYPERVISOR_LEAVES) /* "SluiceSluice" */
		*v = (struct cpuid_values){HYPERVISOR_TIMING, 0x69756c53, 0x6c536563, 0x65636975};
	else if (leaf == HYPERVISOR_TIMING)
		*v = (struct cpuid_values){.eax = context->tsc_khz, .ebx = context->apic_khz};
}

/* SDM volume 2A, CPUID, table 3-8: what guests may set in XCR0, and nothing of other components. */
static void adjust_xsave(u32 subleaf, struct cpuid_values *v)
{
	if (subleaf == 0)
		*v = (struct cpuid_values){v->eax & (u32)GUEST_XCR0_KNOWN, v->ebx, v->ecx, 0};
	else if (subleaf == 1)
		*v = (struct cpuid_values){v->eax & (u32)XSAVE_EAX, v->ebx, 0, 0};
	else if (subleaf >= 64 || !(GUEST_XCR0_KNOWN & BIT(subleaf)))
		*v = (struct cpuid_values){0};
}

/*
 * The VM's CPUs are cores of one package, each with a thread; their APIC IDs are the physical ones, of which
 * low bits number them.
 */
static void leaf_1(const struct cpuid_context *context, struct cpuid_values *v)
{
	v->ebx |= context->apic_id << 24 | 1u << context->core_bits << 16;
	v->ecx |= (u32)HYPERVISOR_PRESENT;
	if (context->cpus > 1)
		v->edx |= (u32)SEVERAL_CPUS;
	if (context->x2apic)
		v->ecx |= (u32)X2APIC_PRESENT;
	if (context->osxsave && v->ecx & (u32)XSAVE_PRESENT)
		v->ecx |= (u32)OSXSAVE;
}

static u32 min_u32(u32 a, u32 b)
{
	return a < b ? a : b;
}

/* What depends on more than the CPU. */
static void adjust(u32 leaf, u32 subleaf, const struct cpuid_context *context,
		   struct cpuid_values *v)
{
	switch (leaf) {
	case 0x00000000:
		v->eax = v->eax < MAX_STANDARD ? v->eax : MAX_STANDARD;
		break;
	case 0x00000001:
		leaf_1(context, v);
		break;
	case 0x00000004:
		/* IDs that cores can have, less one; in a subleaf that describes a cache. */
		if (v->eax & 0x1f)
			v->eax |= min_u32((1u << context->core_bits) - 1, 63) << 26;
		break;
	case 0x00000007:
		if (subleaf)
			*v = (struct cpuid_values){0};
		break;
	case 0x0000000d:
		adjust_xsave(subleaf, v);
		break;
	case 0x80000000:
		v->eax = v->eax < MAX_EXTENDED ? v->eax : MAX_EXTENDED;
		break;
	case 0x80000001:
		if (context->cpus < 2)
			v->ecx &= ~(u32)CMP_LEGACY;
		break;
	case 0x80000008:
		/* AMD: CPUs less one, and the bits of their IDs. */
		if (context->cpus > 1)
			v->ecx = (context->cpus - 1) | (u32)context->core_bits << 12;
		break;
	default:
		break;
	}
}

void cpuid_filter(u32 leaf, u32 subleaf, const struct cpuid_context *context,
		  struct cpuid_values *v)
{
	if (leaf >= HYPERVISOR_LEAVES && leaf <= HYPERVISOR_LEAVES + 0xff) {
		hypervisor_leaf(leaf, context, v);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (leaf < rows[i].first || leaf > rows[i].last)
			continue;
		v->eax &= rows[i].eax;
		v->ebx &= rows[i].ebx;
		v->ecx &= rows[i].ecx;
		v->edx &= rows[i].edx;
		adjust(leaf, subleaf, context, v);
		return;
	}
	*v = (struct cpuid_values){0};
}

/* In the rest of the table are no leaves with subleaves. */
bool cpuid_is_constant(u32 leaf)
{
	return leaf != 0x00000001 && leaf != 0x00000004 && leaf != 0x00000007 && leaf != 0x0000000d;
}

/*
 * Intel SDM volume 3, 2.5; AMD APM volume 2, 3.1.3. Not in it, as their features are never shown: LA57, VMXE,
 * SMXE, PKE, CET, PKS. MCE and PCE, which no leaf that is shown tells of, are on every CPU with long
 * mode and reach nothing: kernels set MCE, and there are no counters.
 */
u64 cpuid_cr4(struct cpuid_values leaf1, struct cpuid_values leaf7)
{
	const struct {
		u32 word;
		u64 feature;
		u64 cr4;
	} features[] = {
		{leaf1.edx, BIT(1), CR4_VME | CR4_PVI}, {leaf1.edx, BIT(2), CR4_DE},
		{leaf1.edx, BIT(3), CR4_PSE},		{leaf1.edx, BIT(4), CR4_TSD},
		{leaf1.edx, BIT(6), CR4_PAE},		{leaf1.edx, BIT(13), CR4_PGE},
		{leaf1.edx, BIT(24), CR4_OSFXSR},	{leaf1.edx, BIT(25), CR4_OSXMMEXCPT},
		{leaf1.ecx, BIT(17), CR4_PCIDE},	{leaf1.ecx, XSAVE_PRESENT, CR4_OSXSAVE},
		{leaf7.ebx, BIT(0), CR4_FSGSBASE},	{leaf7.ebx, BIT(7), CR4_SMEP},
		{leaf7.ebx, BIT(20), CR4_SMAP},		{leaf7.ecx, BIT(2), CR4_UMIP},
	};
	u64 cr4 = CR4_MCE | CR4_PCE;

	for (u32 i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].word & features[i].feature)
			cr4 |= features[i].cr4;
	return cr4;
}
