// sources: arch/x86/guest_msr.c arch/x86/mtrr.c arch/x86/mtrr_read.c hv/base/pool.c tests/fake/vmcs.c
// sources: arch/x86/vmx/caps.c arch/x86/vmx/check.c arch/x86/vmx/check_guest.c arch/x86/vmx/check_segments.c
// sources: arch/x86/vmx/ept.c arch/x86/vmx/event.c arch/x86/vmx/nested.c arch/x86/vmx/setup.c
// sources: arch/x86/vmx/state.c
#include "tests/host/vmx_check_desk.h"

static void test_modes(void **state)
{
	(void)state;
	for (enum mode mode = 0; mode < MODES; mode++) {
		set_mode(mode);
		assert_null(vmx_check_entry(&vmx_caps));
	}
}

/* 26.2.1. */
static const struct row control_rows[] = {
	{FLAT, "pin-based controls: reserved bits", {{VMCS_PIN_CONTROLS, 0xfe}}},
	{FLAT, "pin-based controls: reserved bits", {{VMCS_PIN_CONTROLS, 0x7c}}},
	{FLAT,
	 "primary processor-based controls: reserved bits",
	 {{VMCS_PROC_CONTROLS, 0xb6006173}}},
	{FLAT,
	 "secondary processor-based controls: reserved bits",
	 {{VMCS_PROC2_CONTROLS, 0x800010aa}}},
	{FLAT, "more than 4 CR3 targets", {{VMCS_CR3_TARGET_COUNT, 5}}},
	{FLAT, NULL, {{VMCS_CR3_TARGET_COUNT, 4}}},
	{FLAT, "I/O bitmaps: not the address of a page", {{VMCS_IO_BITMAP_A, 0x1800}}},
	{FLAT, "I/O bitmaps: not the address of a page", {{VMCS_IO_BITMAP_B, BIT(46)}}},
	{FLAT, "MSR bitmap: not the address of a page", {{VMCS_MSR_BITMAP, 1}}},
	{FLAT, "virtual NMIs without NMI exiting", {{VMCS_PIN_CONTROLS, 0x76}}},
	{FLAT,
	 "NMI-window exiting without virtual NMIs",
	 {{VMCS_PIN_CONTROLS, 0x5e}, {VMCS_PROC_CONTROLS, 0xb6406d72}}},
	{FLAT, NULL, {{VMCS_PIN_CONTROLS, 0x5e}}},
	{FLAT, NULL, {{VMCS_PIN_CONTROLS, 0x16}}},
	{FLAT, "VPID 0", {{VMCS_VPID, 0}}},
	{FLAT, "unrestricted guest without EPT", {{VMCS_PROC2_CONTROLS, 0xa0}}},
	{FLAT, "EPT pointer: memory type", {{VMCS_EPT_POINTER, 0x701a}}},
	{FLAT, "EPT pointer: not 4 levels", {{VMCS_EPT_POINTER, 0x7026}}},
	{FLAT, "EPT pointer: reserved bits", {{VMCS_EPT_POINTER, 0x711e}}},
	{FLAT, "EPT pointer: reserved bits", {{VMCS_EPT_POINTER, BIT(46) | 0x701e}}},
	{FLAT, NULL, {{VMCS_EPT_POINTER, 0x7018}}},
	{FLAT, "exit controls: reserved bits", {{VMCS_EXIT_CONTROLS, 0x3f6ff0}}},
	{FLAT, "exit controls: reserved bits", {{VMCS_EXIT_CONTROLS, 0x80036fff}}},
	{FLAT, "an MSR area, of which there are none", {{VMCS_EXIT_MSR_STORE_COUNT, 1}}},
	{FLAT, "an MSR area, of which there are none", {{VMCS_EXIT_MSR_LOAD_COUNT, 1}}},
	{FLAT, "an MSR area, of which there are none", {{VMCS_ENTRY_MSR_LOAD_COUNT, 1}}},
	{FLAT, "entry controls: reserved bits", {{VMCS_ENTRY_CONTROLS, 0x8000d1ff}}},
};

/* 26.2.1.3. */
static const struct row event_rows[] = {
	{FLAT, NULL, {{EVENT, 0x7fffffff}}}, /* not valid */
	{FLAT, "event: reserved bits", {{EVENT, 0x80001306}}},
	{FLAT, "event: reserved bits", {{EVENT, 0xc0000306}}},
	{FLAT, "event: type", {{EVENT, 0x80000120}}},
	{FLAT, "event: type", {{EVENT, 0x80000700}}},
	{FLAT, NULL, {{EVENT, 0x80000202}}},
	{FLAT, "event: an NMI with another vector than 2", {{EVENT, 0x80000203}}},
	{FLAT, NULL, {{EVENT, 0x8000031f}}},
	{FLAT, "event: an exception with a vector above 31", {{EVENT, 0x80000320}}},
	{FLAT, NULL, {{EVENT, 0x80000b0d}}},
	{FLAT, NULL, {{EVENT, 0x80000b08}}},
	{FLAT, NULL, {{EVENT, 0x80000b11}}},
	{FLAT, "event: error code", {{EVENT, 0x8000030d}}},
	{FLAT, "event: error code", {{EVENT, 0x80000b06}}},
	{FLAT, "event: error code", {{EVENT, 0x80000b09}}},
	{FLAT, "event: error code", {{EVENT, 0x80000b0f}}},
	{FLAT, "event: error code", {{EVENT, 0x80000c0d}, {LENGTH, 2}}},
	{REAL, NULL, {{EVENT, 0x8000030d}}},
	{REAL, "event: error code", {{EVENT, 0x80000b0d}}},
	{FLAT, NULL, {{EVENT, 0x80000b0e}, {ERROR, 0xffff}}},
	{FLAT, "event: upper half of the error code", {{EVENT, 0x80000b0e}, {ERROR, 0x10000}}},
	{FLAT, NULL, {{EVENT, 0x80000306}, {ERROR, 0x10000}}},
	{FLAT, NULL, {{EVENT, 0x80000480}, {LENGTH, 15}}},
	{FLAT, "event: instruction length", {{EVENT, 0x80000480}, {LENGTH, 16}}},
	{FLAT, "event: instruction length", {{EVENT, 0x80000501}, {LENGTH, 16}}},
	{FLAT, "event: instruction length", {{EVENT, 0x80000603}, {LENGTH, 16}}},
	{FLAT, NULL, {{EVENT, 0x80000306}, {LENGTH, 16}}},
};

/* 26.2.2, 26.2.3. */
static const struct row host_rows[] = {
	{FLAT, "host CR0", {{VMCS_HOST_CR0, 0x80010013}}}, /* NE */
	{FLAT, "host CR0", {{VMCS_HOST_CR0, BIT(32) | 0x80010033}}},
	{FLAT, "host CR4", {{VMCS_HOST_CR4, CR4_PAE}}},
	{FLAT, "host CR4", {{VMCS_HOST_CR4, CR4_VMXE}}},
	{FLAT, "host CR4", {{VMCS_HOST_CR4, CR4_VMXE | CR4_PAE | BIT(31)}}},
	{FLAT, "host CR3", {{VMCS_HOST_CR3, BIT(46)}}},
	{FLAT, NULL, {{VMCS_HOST_CR3, BIT(45) | 0x18}}},
	{FLAT, "host SYSENTER: not canonical", {{VMCS_HOST_SYSENTER_ESP, NOT_CANONICAL}}},
	{FLAT, "host SYSENTER: not canonical", {{VMCS_HOST_SYSENTER_EIP, NOT_CANONICAL}}},
	{FLAT, "host PAT", {{VMCS_HOST_PAT, 0x0207040600070406}}},
	{FLAT, "host: not 64-bit", {{VMCS_EXIT_CONTROLS, 0x3f6dff & ~BIT(15)}}},
	{FLAT, "host EFER", {{VMCS_HOST_EFER, EFER_LMA}}},
	{FLAT, "host EFER", {{VMCS_HOST_EFER, EFER_LME}}},
	{FLAT, "host EFER", {{VMCS_HOST_EFER, EFER_LMA | EFER_LME | EFER_SVME}}},
	{FLAT, "host RIP: not canonical", {{VMCS_HOST_RIP, NOT_CANONICAL}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_ES_SELECTOR, 0x11}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_CS_SELECTOR, 0x12}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_SS_SELECTOR, 0x14}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_DS_SELECTOR, 0x11}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_FS_SELECTOR, 0x11}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_GS_SELECTOR, 0x11}}},
	{FLAT, "a host selector with RPL or TI", {{VMCS_HOST_TR_SELECTOR, 0x1c}}},
	{FLAT, "host CS: null", {{VMCS_HOST_CS_SELECTOR, 0}}},
	{FLAT, "host TR: null", {{VMCS_HOST_TR_SELECTOR, 0}}},
	{FLAT, NULL, {{VMCS_HOST_SS_SELECTOR, 0}}}, /* as the host is 64-bit */
	{FLAT, "a host base: not canonical", {{VMCS_HOST_FS_BASE, NOT_CANONICAL}}},
	{FLAT, "a host base: not canonical", {{VMCS_HOST_GS_BASE, NOT_CANONICAL}}},
	{FLAT, "a host base: not canonical", {{VMCS_HOST_TR_BASE, NOT_CANONICAL}}},
	{FLAT, "a host base: not canonical", {{VMCS_HOST_GDTR_BASE, NOT_CANONICAL}}},
	{FLAT, "a host base: not canonical", {{VMCS_HOST_IDTR_BASE, NOT_CANONICAL}}},
	{FLAT, NULL, {{VMCS_HOST_GS_BASE, 0xffff800000000000}}},
};

static void test_control(void **state)
{
	(void)state;
	check_rows(control_rows);
}

static void test_event(void **state)
{
	(void)state;
	check_rows(event_rows);
}

static void test_host(void **state)
{
	(void)state;
	check_rows(host_rows);
}

/* What depends on the CPU's capabilities. */
static void test_ept_pointer(void **state)
{
	(void)state;
	set_mode(FLAT);
	vmx_caps.ept_accessed_dirty = false;
	assert_string_equal(vmx_check_entry(&vmx_caps), "EPT pointer: accessed and dirty bits");
	vmcs_write(VMCS_EPT_POINTER, 0x701e);
	assert_null(vmx_check_entry(&vmx_caps));
	vmx_caps.ept_walk_wb = false;
	assert_string_equal(vmx_check_entry(&vmx_caps), "EPT pointer: memory type");
	vmcs_write(VMCS_EPT_POINTER, 0x7018);
	assert_null(vmx_check_entry(&vmx_caps));
}

static void assert_event(u32 event, const char *reason)
{
	const struct row row = {FLAT, reason, {{EVENT, event}}};

	check_row(&row);
}

/* 26.2.1.3: newer CPUs take more: an instruction of no bytes, any exception with an error code or without. */
static void test_event_capabilities(void **state)
{
	(void)state;
	vmx_caps.event_length_0 = false;
	assert_event(0x80000480, "event: instruction length");
	vmx_caps.event_length_0 = true;
	assert_event(0x80000480, NULL);
	vmx_caps.event_error_any = true;
	assert_event(0x8000030d, NULL);
	assert_event(0x80000b06, NULL);
	assert_event(0x80000a02, "event: error code");
	set_mode(REAL);
	vmcs_write(EVENT, 0x80000b0d);
	assert_string_equal(vmx_check_entry(&vmx_caps), "event: error code");
}

/*
 * What is canonical goes by the CPU's width, whatever CR4.LA57 says: a guest can load GS with 57 bits on a CPU
 * that has them.
 */
static void test_linear_width(void **state)
{
	static const u16 fields[] = {
		VMCS_HOST_SYSENTER_ESP, VMCS_HOST_RIP, VMCS_HOST_GS_BASE, VMCS_GUEST_SYSENTER_EIP,
		VMCS_GUEST_RIP,		GS(BASE),      TR(BASE),	  LD(BASE),
		VMCS_GUEST_GDTR_BASE,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		vmx_caps.linear_bits = 48;
		set_mode(LONG);
		vmcs_write(fields[i], NOT_CANONICAL);
		assert_non_null(strstr(vmx_check_entry(&vmx_caps), "canonical"));
		vmx_caps.linear_bits = 57;
		assert_null(vmx_check_entry(&vmx_caps));
		vmcs_write(fields[i], 1ull << 56);
		assert_non_null(strstr(vmx_check_entry(&vmx_caps), "canonical"));
		vmcs_write(fields[i], ~0ull << 56);
		assert_null(vmx_check_entry(&vmx_caps));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_modes),	      DESK_TEST(test_control),
		DESK_TEST(test_event),	      DESK_TEST(test_host),
		DESK_TEST(test_ept_pointer),  DESK_TEST(test_event_capabilities),
		DESK_TEST(test_linear_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
