// sources: hv/vm/msr.c
#include "tests/host/harness.h"

#include "arch/x86/cpu.h"
#include "hv/vm/msr.h"
#include "hv/vm/services.h"
#include "hv/vm/vlapic.h"
#include "hv/vm/vm.h"
#include "tests/host/random.h"

struct services services;
static struct vm vm;

/* What the rows are, as the APM and SDM list MSRs. */
enum kind { NONE, PASSED, READ_ONLY, SWITCHED, APIC, CONSTANT };

static enum kind kind_of(u32 index)
{
	bool deadline = cpuid(1, 0).ecx & BIT(24);
	bool rdtscp = cpuid(0x80000001, 0).edx & BIT(27);

	if (index == 0x10)
		return READ_ONLY;
	if (index == 0x1b || (index >= 0x800 && index <= 0x8ff))
		return APIC;
	if (index == 0x8b || index == 0x1a0 || index == 0xc0010015)
		return CONSTANT;
	if (index == 0x277 || index == 0xc0000080)
		return SWITCHED;
	if (index == 0x6e0)
		return deadline ? PASSED : NONE;
	if (index == 0xc0000103)
		return rdtscp ? PASSED : NONE;
	if ((index >= 0x174 && index <= 0x176) || (index >= 0xc0000081 && index <= 0xc0000084) ||
	    (index >= 0xc0000100 && index <= 0xc0000102))
		return PASSED;
	return NONE;
}

static u32 apic_reads, apic_writes, cpu_reads, cpu_writes, last_index;
static bool refuse;

bool vlapic_msr_read(struct vm *of, struct vcpu *vcpu, u32 index, u64 *value)
{
	assert_ptr_equal(of, &vm);
	assert_ptr_equal(vcpu, &vm.vcpu[0]);
	apic_reads++;
	last_index = index;
	*value = 0xa91c;
	return !refuse;
}

bool vlapic_msr_write(struct vm *of, struct vcpu *vcpu, u32 index, u64 value)
{
	(void)of;
	(void)vcpu;
	(void)value;
	apic_writes++;
	last_index = index;
	return !refuse;
}

static enum status cpu_read(const struct vcpu *vcpu, u32 index, u64 *value)
{
	(void)vcpu;
	cpu_reads++;
	last_index = index;
	*value = 0xc9;
	return refuse ? ERR_NOT_FOUND : OK;
}

static enum status cpu_write(struct vcpu *vcpu, u32 index, u64 value)
{
	(void)vcpu;
	(void)value;
	cpu_writes++;
	last_index = index;
	return refuse ? ERR_INVALID : OK;
}

static struct {
	u32 index;
	bool write;
} passed[64];
static u32 passed_count;

static void pass(struct vcpu *vcpu, u32 index, bool read, bool write)
{
	(void)vcpu;
	assert_true(read);
	assert_true(passed_count < ARRAY_SIZE(passed));
	passed[passed_count].index = index;
	passed[passed_count++].write = write;
}

static const struct vcpu_ops ops = {.msr_read = cpu_read, .msr_write = cpu_write, .msr_pass = pass};

static int set_up(void **state)
{
	(void)state;
	services.cpu = &ops;
	apic_reads = apic_writes = cpu_reads = cpu_writes = passed_count = 0;
	refuse = false;
	return 0;
}

static void check_own(u32 index)
{
	const struct guest_msr *msr = guest_msr_find(&vm.vcpu[0].msrs, index);
	enum kind kind = kind_of(index);

	assert_int_equal(msr != NULL, kind == SWITCHED || kind == CONSTANT);
	if (!msr)
		return;
	assert_int_equal(msr->kind, kind == SWITCHED ? GUEST_MSR_SWITCHED : GUEST_MSR_CONSTANT);
	assert_int_equal(msr->value, index == 0x1a0 ? 1 : 0);
}

/* Only what the CPU switches with the guest goes without a look; the time-stamp counter is the host's. */
static void test_setup(void **state)
{
	u32 wanted = 0;

	(void)state;
	msr_setup(&vm.vcpu[0]);
	for (u32 i = 0; i < passed_count; i++)
		assert_int_equal(kind_of(passed[i].index), passed[i].write ? PASSED : READ_ONLY);
	for (u32 index = 0; index < 0x2000; index++)
		wanted += kind_of(index) == PASSED || kind_of(index) == READ_ONLY;
	for (u32 index = 0xc0000000; index < 0xc0002000; index++)
		wanted += kind_of(index) == PASSED;
	assert_int_equal(passed_count, wanted);
	/* And what a backend does by itself is what is the vCPU's own. */
	for (u32 index = 0; index < 0x2000; index++)
		check_own(index);
	for (u32 index = 0xc0000000; index < 0xc0012000; index++)
		check_own(index);
}

static void check(u32 index)
{
	u64 value = 0x5a5a;
	enum kind kind = kind_of(index);
	bool read = msr_emulate_read(&vm, &vm.vcpu[0], index, &value);
	bool write = msr_emulate_write(&vm, &vm.vcpu[0], index, random_u64());

	switch (kind) {
	case NONE:
	case PASSED:
	case READ_ONLY:
		assert_false(read || write);
		assert_int_equal(value, 0x5a5a);
		break;
	case CONSTANT:
		assert_true(read && write);
		assert_int_equal(value, index == 0x1a0 ? 1 : 0);
		break;
	case SWITCHED:
		assert_true(read && write && value == 0xc9 && last_index == index);
		break;
	case APIC:
		assert_true(read && write && value == 0xa91c && last_index == index);
		break;
	}
}

static void test_all_near_ranges(void **state)
{
	(void)state;
	for (u32 index = 0; index < 0x4000; index++)
		check(index);
	for (u32 index = 0x40000000; index < 0x40001000; index++)
		check(index);
	for (u32 index = 0xbffff000; index < 0xc0012000; index++)
		check(index);
	/* No other row leads anywhere. */
	assert_int_equal(apic_reads, 257);
	assert_int_equal(apic_writes, 257);
	assert_int_equal(cpu_reads, 2);
	assert_int_equal(cpu_writes, 2);
}

static void test_samples_of_all(void **state)
{
	(void)state;
	for (u32 i = 0; i < 200000; i++)
		check((u32)random_u64());
	check(~0u);
}

/* What a backend or the APIC refuses is refused. */
static void test_refusals(void **state)
{
	u64 value;

	(void)state;
	refuse = true;
	assert_false(msr_emulate_read(&vm, &vm.vcpu[0], 0x277, &value));
	assert_false(msr_emulate_write(&vm, &vm.vcpu[0], 0xc0000080, 0));
	assert_false(msr_emulate_read(&vm, &vm.vcpu[0], 0x802, &value));
	assert_false(msr_emulate_write(&vm, &vm.vcpu[0], 0x1b, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_setup, set_up),
		cmocka_unit_test_setup(test_all_near_ranges, set_up),
		cmocka_unit_test_setup(test_samples_of_all, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
