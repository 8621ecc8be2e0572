// sources: hv/vm/cpuid.c
#include "tests/host/harness.h"

#include "hv/base/bits.h"
#include "hv/vm/cpuid.h"
#include "tests/host/random.h"

static const struct cpuid_context xapic = {.apic_id = 3, .tsc_khz = 2400000, .apic_khz = 1000000};
static const struct cpuid_context x2apic = {.apic_id = 0x10305, .x2apic = true};

/* What the guest sees of a CPU that has everything. */
static struct cpuid_values full(u32 leaf, u32 subleaf)
{
	struct cpuid_values values = {~0u, ~0u, ~0u, ~0u};

	cpuid_filter(leaf, subleaf, &xapic, &values);
	return values;
}

static bool is_zero(struct cpuid_values v)
{
	return !(v.eax | v.ebx | v.ecx | v.edx);
}

static void test_highest_leaves(void **state)
{
	struct cpuid_values values = {0x0d, 0x68747541, 0x444d4163, 0x69746e65};

	(void)state;
	assert_int_equal(full(0, 0).eax, 0x16);
	assert_int_equal(full(0x80000000, 0).eax, 0x80000008);
	cpuid_filter(0, 0, &xapic, &values);
	assert_int_equal(values.eax, 0x0d);
	assert_int_equal(values.ebx, 0x68747541); /* the vendor's name passes */
}

/* Each is there to be used wrongly: the guest must not be told of any. */
static void test_hidden_features(void **state)
{
	/* MONITOR, VMX, SMX, EST, TM2, PDCM, DCA */
	const u32 ecx_1 = (u32)(BIT(3) | BITS(8, 5) | BIT(15) | BIT(18));
	/* MCE, MTRR, MCA, PSN, DS, ACPI, HTT, TM, PBE */
	const u32 edx_1 = (u32)(BIT(7) | BIT(12) | BIT(14) | BIT(18) | BIT(21) | BIT(22) | BIT(28) |
				BIT(29) | BIT(31));
	/* TSC_ADJUST, SGX, HLE, RTM, PQM, MPX, PQE, PT and the AVX-512 of Xeon Phi */
	const u32 ebx_7 = (u32)(BITS(2, 1) | BIT(4) | BITS(12, 11) | BITS(15, 14) | BITS(27, 25));
	/* PKU, OSPKE, WAITPKG, CET, TME, LA57, MPX, KL, ENQCMD, SGX_LC, PKS */
	const u32 ecx_7 =
		(u32)(BITS(5, 3) | BIT(7) | BIT(13) | BITS(21, 15) | BIT(23) | BITS(31, 29));

	(void)state;
	assert_int_equal(full(1, 0).ecx & ecx_1, 0);
	assert_int_equal(full(1, 0).edx & edx_1, 0);
	assert_int_equal(full(7, 0).ebx & ebx_7, 0);
	assert_int_equal(full(7, 0).ecx & ecx_7, 0);
	assert_int_equal(full(7, 0).eax | full(7, 0).edx, 0);
	assert_int_equal(full(0x80000001, 0).ecx & (BIT(2) | BIT(12) | BIT(15) | BITS(24, 22)), 0);
	assert_int_equal(full(0x80000007, 0).edx, BIT(8));
	assert_int_equal(full(0x80000008, 0).eax, 0xffff);
	assert_int_equal(full(0x80000008, 0).ecx, 0);
	assert_int_equal(full(4, 0).eax >> 14, 0);
}

static void test_needed_features(void **state)
{
	(void)state;
	/* APIC, PAT, CLFLUSH, FXSR, SSE, SSE2; SSE3, CX16, SSE4, POPCNT; NX, long mode, SYSCALL. */
	const u32 edx = (u32)(BIT(9) | BIT(16) | BIT(19) | BITS(26, 24));
	const u32 ecx = (u32)(BIT(0) | BIT(13) | BITS(20, 19) | BIT(23));
	const u32 ext = (u32)(BIT(11) | BIT(20) | BIT(29));

	assert_int_equal(full(1, 0).edx & edx, edx);
	assert_int_equal(full(1, 0).ecx & ecx, ecx);
	assert_int_equal(full(0x80000001, 0).edx & ext, ext);
}

/* A CPU that has nothing is given nothing but what the hypervisor itself makes. */
static void test_nothing_invented(void **state)
{
	(void)state;
	for (u32 leaf = 0; leaf < 0x40; leaf++) {
		struct cpuid_values low = {0}, high = {0};

		cpuid_filter(leaf, 0, &xapic, &low);
		cpuid_filter(0x80000000 + leaf, 0, &xapic, &high);
		assert_true(is_zero(high));
		if (leaf == 1)
			assert_true(low.ebx == 0x03010000 && low.ecx == BIT(31) && !low.eax &&
				    !low.edx);
		else
			assert_true(is_zero(low));
	}
}

static void test_apic(void **state)
{
	struct cpuid_values values = {.ebx = 0xff080001};

	(void)state;
	cpuid_filter(1, 0, &xapic, &values);
	assert_int_equal(values.ebx, 0x03010001 & ~0xff00u); /* its own ID, one processor */
	assert_false(values.ecx & BIT(21));
	values = (struct cpuid_values){0};
	cpuid_filter(1, 0, &x2apic, &values);
	assert_true(values.ecx & BIT(21));
	assert_int_equal(values.ebx >> 24, 5);	/* the ID's low byte */
	assert_false(full(1, 0).ecx & BIT(21)); /* though the CPU can */
}

/* Four cores whose IDs differ in three bits: as Intel's and AMD's leaves tell it. */
static void test_topology(void **state)
{
	const struct cpuid_context four = {.apic_id = 6, .cpus = 4, .core_bits = 3};
	const struct cpuid_context one = {.apic_id = 6, .cpus = 1};
	struct cpuid_values values = {0};

	(void)state;
	cpuid_filter(1, 0, &four, &values);
	assert_int_equal(values.ebx >> 16, 0x0608);
	assert_int_equal(values.edx, BIT(28));
	values = (struct cpuid_values){.eax = 0xfc1fc121};
	cpuid_filter(4, 0, &four, &values);
	assert_int_equal(values.eax, 7u << 26 | 0x121); /* a cache of this core alone */
	values = (struct cpuid_values){.eax = 0xfc000000};
	cpuid_filter(4, 3, &four, &values);
	assert_int_equal(values.eax, 0); /* none more */
	values = (struct cpuid_values){.eax = 0x3028, .ecx = 0x7fff};
	cpuid_filter(0x80000008, 0, &four, &values);
	assert_int_equal(values.ecx, 0x3003);
	values = (struct cpuid_values){.ecx = 3};
	cpuid_filter(0x80000001, 0, &four, &values);
	assert_int_equal(values.ecx, 3);
	values = (struct cpuid_values){.ecx = 3};
	cpuid_filter(0x80000001, 0, &one, &values);
	assert_int_equal(values.ecx, 1);
	values = (struct cpuid_values){.eax = 0xfc1fc121, .edx = BIT(28)};
	cpuid_filter(4, 0, &one, &values);
	assert_int_equal(values.eax, 0x121);
}

/* 64 IDs is what leaf 4 can say. */
static void test_many_ids(void **state)
{
	const struct cpuid_context context = {.cpus = 2, .core_bits = 7};
	struct cpuid_values values = {.eax = 1};

	(void)state;
	cpuid_filter(4, 0, &context, &values);
	assert_int_equal(values.eax >> 26, 63);
}

static void test_subleaves(void **state)
{
	(void)state;
	for (u32 subleaf = 1; subleaf < 64; subleaf++)
		assert_true(is_zero(full(7, subleaf)));
	assert_false(is_zero(full(7, 0)));
}

/* x87, SSE, AVX and AVX-512 of the components, not MPX, PKRU, AMX; no XSAVES. */
static void test_xsave(void **state)
{
	struct cpuid_values values = full(0xd, 0);

	(void)state;
	assert_int_equal(values.eax, 0xe7);
	assert_int_equal(values.edx, 0);
	assert_true(values.ebx && values.ecx); /* sizes */
	values = full(0xd, 1);
	assert_int_equal(values.eax, 7);
	assert_int_equal(values.ecx | values.edx, 0);
	for (u32 subleaf = 2; subleaf < 80; subleaf++)
		assert_int_equal(!is_zero(full(0xd, subleaf)),
				 subleaf == 2 || (subleaf >= 5 && subleaf <= 7));
}

/* OSXSAVE is the guest's own doing, whatever the CPU that the hypervisor runs on says. */
static void test_osxsave(void **state)
{
	struct cpuid_context context = xapic;
	struct cpuid_values values = {.ecx = ~0u}, without = {0};

	(void)state;
	cpuid_filter(1, 0, &context, &values);
	assert_int_equal(values.ecx & BITS(27, 26), BIT(26));
	context.osxsave = true;
	values.ecx = ~0u;
	cpuid_filter(1, 0, &context, &values);
	assert_int_equal(values.ecx & BITS(27, 26), BITS(27, 26));
	cpuid_filter(1, 0, &context, &without);
	assert_false(without.ecx & BITS(27, 26));
}

static void test_hypervisor_leaves(void **state)
{
	struct cpuid_values values = full(0x40000000, 0);

	(void)state;
	assert_memory_equal(&values.ebx, "SluiceSluice", 12);
	assert_int_equal(values.eax, 0x40000010);
	values = full(0x40000010, 0);
	assert_int_equal(values.eax, 2400000);
	assert_int_equal(values.ebx, 1000000);
	assert_int_equal(values.ecx | values.edx, 0);
	for (u32 leaf = 0x40000001; leaf < 0x40000200; leaf++)
		if (leaf != 0x40000010)
			assert_true(is_zero(full(leaf, 0)));
}

/* Each bit of CR4 goes with a bit of leaf 1's or leaf 7's words, but for MCE and PCE. */
static void test_cr4(void **state)
{
	static const struct {
		struct cpuid_values leaf1, leaf7;
		u64 cr4;
	} rows[] = {
		{{.edx = BIT(1)}, {0}, BIT(0) | BIT(1)}, /* VME, PVI */
		{{.edx = BIT(4)}, {0}, BIT(2)},		 /* TSD */
		{{.edx = BIT(2)}, {0}, BIT(3)},		 /* DE */
		{{.edx = BIT(3)}, {0}, BIT(4)},		 /* PSE */
		{{.edx = BIT(6)}, {0}, BIT(5)},		 /* PAE */
		{{.edx = BIT(13)}, {0}, BIT(7)},	 /* PGE */
		{{.edx = BIT(24)}, {0}, BIT(9)},	 /* OSFXSR */
		{{.edx = BIT(25)}, {0}, BIT(10)},	 /* OSXMMEXCPT */
		{{0}, {.ecx = BIT(2)}, BIT(11)},	 /* UMIP */
		{{0}, {.ebx = BIT(0)}, BIT(16)},	 /* FSGSBASE */
		{{.ecx = BIT(17)}, {0}, BIT(17)},	 /* PCIDE */
		{{.ecx = BIT(26)}, {0}, BIT(18)},	 /* OSXSAVE */
		{{0}, {.ebx = BIT(7)}, BIT(20)},	 /* SMEP */
		{{0}, {.ebx = BIT(20)}, BIT(21)},	 /* SMAP */
	};
	const u64 always = BIT(6) | BIT(8);
	const struct cpuid_values none = {0}, all = {~0u, ~0u, ~0u, ~0u};
	u64 sum = always;

	(void)state;
	assert_int_equal(cpuid_cr4(none, none), always);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(cpuid_cr4(rows[i].leaf1, rows[i].leaf7), always | rows[i].cr4);
		sum |= rows[i].cr4;
	}
	/* Whatever a CPU has: not LA57, VMXE, SMXE, PKE, CET, PKS, nor what has no name yet. */
	assert_int_equal(cpuid_cr4(all, all), sum);
	assert_int_equal(cpuid_cr4(full(1, 0), full(7, 0)), sum);
}

static bool is_listed(u32 leaf)
{
	static const u32 listed[] = {0, 1, 2, 4, 7, 0xd, 0x15, 0x16, 0x40000000, 0x40000010};

	for (unsigned i = 0; i < ARRAY_SIZE(listed); i++)
		if (listed[i] == leaf)
			return true;
	return leaf >= 0x80000000 && leaf <= 0x80000008;
}

/* Topology, XSAVE, performance counters, SVM, SGX, processor trace, and all that no one has named yet. */
static void test_every_other_leaf(void **state)
{
	(void)state;
	for (u32 i = 0; i < 0x20000; i++) {
		u32 leaf = i < 0x8000	 ? i
			   : i < 0x10000 ? 0x80000000 + (i - 0x8000)
			   : i < 0x11000 ? 0x40000000 + (i - 0x10000)
					 : (u32)random_u64();
		u32 subleaf = (u32)random_u64() % 4;

		if (!is_listed(leaf))
			assert_true(is_zero(full(leaf, subleaf)));
	}
	assert_true(is_zero(full(~0u, ~0u)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_highest_leaves),
		cmocka_unit_test(test_hidden_features),
		cmocka_unit_test(test_needed_features),
		cmocka_unit_test(test_nothing_invented),
		cmocka_unit_test(test_apic),
		cmocka_unit_test(test_topology),
		cmocka_unit_test(test_many_ids),
		cmocka_unit_test(test_subleaves),
		cmocka_unit_test(test_xsave),
		cmocka_unit_test(test_osxsave),
		cmocka_unit_test(test_hypervisor_leaves),
		cmocka_unit_test(test_cr4),
		cmocka_unit_test(test_every_other_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
