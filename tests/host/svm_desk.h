/* A vCPU with a VMCB, without a CPU: what the tests of the SVM backend's pure parts share. */
#ifndef TESTS_HOST_SVM_DESK_H
#define TESTS_HOST_SVM_DESK_H

#include "tests/host/harness.h"

#include "arch/x86/apic.h"
#include "arch/x86/msr.h"
#include "arch/x86/svm/internal.h"

#define DESK_HPA 0x12345600000ull

static _Alignas(4096) u8 desk_memory[32 * PAGE_SIZE];
static struct pool pool;
static struct vcpu vcpu;
static struct vmcb *vmcb;
static unsigned nmis_taken, cpu_resets, nmis_sent;

struct svm_caps svm_caps;

void svm_take_nmis(void)
{
	nmis_taken++;
}

/* Only ever to the CPU itself. */
void apic_send_nmi(u32 destination)
{
	assert_int_equal(destination, vcpu.apic_id);
	nmis_sent++;
}

void svm_reset_cpu(void)
{
	cpu_resets++;
}

static const struct vcpu_start desk_start = {.rip = 0x100020, .rax = 0x2badb002, .rbx = 0x9500};

static int desk_set_up(void **state)
{
	static bool pool_made;

	(void)state;
	/* The I/O permission map is made once for all: its pages stay. */
	if (!pool_made)
		pool_init(&pool, desk_memory, hpa(DESK_HPA), sizeof(desk_memory));
	pool_made = true;
	svm_caps = (struct svm_caps){.asids = 16, .address_bits = 46};
	nmis_taken = cpu_resets = nmis_sent = 0;
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.apic_id = 3;
	assert_int_equal(svm_create(&vcpu, &pool, hpa(0x7000)), OK);
	vmcb = svm_of(&vcpu)->vmcb;
	return 0;
}

static int desk_tear_down(void **state)
{
	(void)state;
	svm_destroy(&vcpu, &pool);
	return 0;
}

#define DESK_TEST(function) cmocka_unit_test_setup_teardown(function, desk_set_up, desk_tear_down)

#endif
