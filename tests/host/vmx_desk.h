/* A vCPU with a VMCS, without a CPU: what the tests of the VMX backend's pure parts share. */
#ifndef TESTS_HOST_VMX_DESK_H
#define TESTS_HOST_VMX_DESK_H

#include "tests/host/harness.h"

#include "arch/x86/msr.h"
#include "tests/fake/vmcs.h"
#include "tests/host/vmx_words.h"

#define DESK_HPA 0x12345600000ull

static _Alignas(4096) u8 desk_memory[32 * PAGE_SIZE];
static struct pool pool;
static struct vcpu vcpu;
static struct vmx_vcpu *vmx;
static unsigned loads, cpu_resets, nmis_taken;
static u64 dr6;

void vmx_load(struct vcpu *loaded)
{
	assert_ptr_equal(loaded, &vcpu);
	fake_vmcs_clear();
	vmx->launched = false;
	loads++;
}

void vmx_take_nmis(void)
{
	nmis_taken++;
}

void vmx_reset_cpu(void)
{
	cpu_resets++;
}

void vmx_fill_host(void)
{
	for (enum vmcs_field n = VMCS_HOST_ES_SELECTOR; n <= VMCS_HOST_TR_SELECTOR; n += 2)
		vmcs_write(n, n == VMCS_HOST_TR_SELECTOR ? 0x18 : 0x10);
	for (enum vmcs_field n = VMCS_HOST_FS_BASE; n <= VMCS_HOST_SYSENTER_EIP; n += 2)
		vmcs_write(n, 0x105000);
	vmcs_write(VMCS_HOST_CR0, 0x80010033);
	vmcs_write(VMCS_HOST_CR3, 0x101000);
	vmcs_write(VMCS_HOST_CR4, CR4_VMXE | CR4_PAE | CR4_OSFXSR);
	vmcs_write(VMCS_HOST_PAT, PAT_RESET);
	vmcs_write(VMCS_HOST_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_RIP, 0x100000);
}

u64 vmx_dr6_read(void)
{
	return dr6;
}

void vmx_dr6_write(u64 value)
{
	dr6 = value;
}

/* What a run does before the entry. */
static inline void desk_enter(void)
{
	vmx_set_event(vmx);
	vmcs_write(VMCS_GUEST_RSP, vcpu.gpr[GPR_RSP]);
	vmcs_write(VMCS_GUEST_RIP, vcpu.rip);
	vmcs_write(VMCS_GUEST_RFLAGS, vcpu.rflags);
}

static inline void set_cs_rights(u64 rights)
{
	vmcs_write(vmcs_of_segment(VMCS_GUEST_RIGHTS, SEGMENT_CS), rights);
}

static const struct vcpu_start desk_start = {.rip = 0x100020, .rax = 0x2badb002, .rbx = 0x9500};

static int desk_set_up(void **state)
{
	static bool pool_made;
	const char *missing;

	(void)state;
	/* The I/O bitmaps are made once for all: their pages stay. */
	if (!pool_made)
		pool_init(&pool, desk_memory, hpa(DESK_HPA), sizeof(desk_memory));
	pool_made = true;
	assert_int_equal(vmx_caps_decode(&vmx_skylake, &vmx_caps, &missing), OK);
	loads = cpu_resets = nmis_taken = 0;
	dr6 = 0xffff0ff0;
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.cr4_allowed = CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_PCIDE;
	assert_int_equal(vmx_create(&vcpu, &pool, hpa(0x7000)), OK);
	vmx = vmx_of(&vcpu);
	vmx_reset(&vcpu, &desk_start);
	return 0;
}

static int desk_tear_down(void **state)
{
	(void)state;
	vmx_destroy(&vcpu, &pool);
	return 0;
}

#define DESK_TEST(function) cmocka_unit_test_setup_teardown(function, desk_set_up, desk_tear_down)

#endif
