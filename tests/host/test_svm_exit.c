// sources: arch/x86/guest_cr4.c arch/x86/guest_msr.c hv/base/pool.c
// sources: arch/x86/svm/check.c arch/x86/svm/exit.c arch/x86/svm/nested.c arch/x86/svm/setup.c arch/x86/svm/state.c
// sources: arch/x86/svm/event.c
#include "tests/host/svm_desk.h"

#include "tests/host/random.h"

#define RIP 0xffffffff80001000ull

static struct vm_exit vm_exit;

static void decode(u64 code, u64 info1, u64 info2)
{
	vmcb->exit_code = code;
	vmcb->exit_info[0] = info1;
	vmcb->exit_info[1] = info2;
	memset(&vm_exit, 0xa5, sizeof(vm_exit));
	svm_exit_decode(&vcpu, &vm_exit);
}

static void test_instructions(void **state)
{
	static const struct {
		u32 code;
		enum vm_exit_kind kind;
	} rows[] = {
		{0x37, EXIT_DEBUG},	{0x52, EXIT_MACHINE_CHECK}, {0x8e, EXIT_UNDEFINED},
		{0x63, EXIT_INIT},	{0x6f, EXIT_PRIVILEGED},    {0x72, EXIT_CPUID},
		{0x73, EXIT_UNDEFINED}, {0x76, EXIT_CACHE},	    {0x7a, EXIT_UNDEFINED},
		{0x7f, EXIT_SHUTDOWN},	{0x80, EXIT_UNDEFINED},	    {0x81, EXIT_HYPERCALL},
		{0x82, EXIT_UNDEFINED}, {0x83, EXIT_UNDEFINED},	    {0x84, EXIT_UNDEFINED},
		{0x85, EXIT_UNDEFINED}, {0x86, EXIT_UNDEFINED},	    {0x89, EXIT_CACHE},
		{0x8a, EXIT_UNDEFINED}, {0x8b, EXIT_UNDEFINED},	    {0x8c, EXIT_UNDEFINED},
		{0x8d, EXIT_XSETBV},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		decode(rows[i].code, 0, 0);
		assert_int_equal(vm_exit.kind, rows[i].kind);
		assert_int_equal(vm_exit.length, 0);
	}
}

/* Every code gives a kind that there is, and what is not known is told as it came. */
static void test_all_codes(void **state)
{
	(void)state;
	for (u32 code = 0; code < 0x1000; code++) {
		decode(code, 0x11, 0x22);
		assert_true(vm_exit.kind < EXIT_KINDS);
		if (vm_exit.kind == EXIT_UNKNOWN) {
			assert_int_equal(vm_exit.unknown.code, code);
			assert_int_equal(vm_exit.unknown.info[0], 0x11);
			assert_int_equal(vm_exit.unknown.info[1], 0x22);
		}
	}
	decode(0x60, 1, 2); /* INTR: not intercepted */
	assert_int_equal(vm_exit.kind, EXIT_UNKNOWN);
	decode(0x7e, 1, 2); /* FERR_FREEZE */
	assert_int_equal(vm_exit.kind, EXIT_UNKNOWN);
}

static void test_nmi(void **state)
{
	(void)state;
	decode(SVM_EXIT_NMI, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_HOST_EVENT);
	assert_int_equal(nmis_taken, 1);
	assert_false(vm_exit.host_event.in_shadow);
	vmcb->interrupt_shadow = SVM_INTERRUPT_SHADOW;
	decode(SVM_EXIT_NMI, 0, 0);
	assert_true(vm_exit.host_event.in_shadow);
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(nmis_taken, 2);
}

static void test_msr(void **state)
{
	(void)state;
	vcpu.gpr[GPR_RCX] = 0xdeadbeefc0000080ull;
	decode(SVM_EXIT_MSR, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_MSR);
	assert_false(vm_exit.msr.write);
	assert_int_equal(vm_exit.msr.index, 0xc0000080);
	decode(SVM_EXIT_MSR, 1, 0);
	assert_true(vm_exit.msr.write);
}

/* Without NRIP save: of those without operands, where the page of the code is known and as it was. */
static void test_lengths_from_code(void **state)
{
	static u8 page[PAGE_SIZE];
	struct guest_code *code = &vcpu.code;

	(void)state;
	vmcb->efer = EFER_SVME | EFER_LME | EFER_LMA;
	vmcb->segment[SEGMENT_CS].attributes = 0x29b;
	vmcb->rip = RIP + 2;
	*code = (struct guest_code){.last = RIP | PAGE_MASK, .mode = EFER_LMA, .page = page};
	for (unsigned n = 0; n < GUEST_CODE_LEVELS; n++)
		code->entry[n] = &code->value[n];
	page[2] = page[PAGE_MASK] = 0x0f;
	page[3] = 0x30;
	decode(SVM_EXIT_MSR, SVM_MSR_WRITE, 0);
	assert_int_equal(vm_exit.length, 2);
	decode(SVM_EXIT_MSR, 0, 0); /* the bytes are no RDMSR */
	assert_int_equal(vm_exit.length, 0);
	page[3] = 0xa2;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 2);
	vmcb->cr3 = PAGE_SIZE;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 0);
	vmcb->cr3 = 0;
	vmcb->rip = RIP | PAGE_MASK; /* it goes on on another page */
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 0);
	vmcb->rip = 0x100000002ull; /* 32-bit code: cut off, and by the segment's base */
	vmcb->segment[SEGMENT_CS].attributes = 0xc9b;
	vmcb->segment[SEGMENT_CS].base = RIP;
	code->last = (u32)RIP | PAGE_MASK;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 2);
	svm_caps.nrip_save = true;
	vmcb->next_rip = vmcb->rip + 4; /* the CPU knows best */
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 4);
}

static void test_ports(void **state)
{
	(void)state;
	vmcb->rip = RIP;
	decode(SVM_EXIT_IOIO, 0x03f80011, RIP + 2);
	assert_int_equal(vm_exit.kind, EXIT_IO);
	assert_int_equal(vm_exit.io.port, 0x3f8);
	assert_int_equal(vm_exit.io.width, 1);
	assert_true(vm_exit.io.in && !vm_exit.io.string);
	assert_int_equal(vm_exit.length, 2);
	decode(SVM_EXIT_IOIO, 0xffff002c, RIP + 15);
	assert_int_equal(vm_exit.io.port, 0xffff);
	assert_int_equal(vm_exit.io.width, 2);
	assert_true(!vm_exit.io.in && vm_exit.io.string);
	assert_int_equal(vm_exit.length, 15);
	decode(SVM_EXIT_IOIO, 0x00000040, RIP + 1);
	assert_int_equal(vm_exit.io.width, 4);
	assert_int_equal(vm_exit.io.port, 0);
}

static void test_cr4_accesses(void **state)
{
	(void)state;
	decode(SVM_EXIT_CR4_WRITE, BIT(63) | 9, 0);
	assert_int_equal(vm_exit.kind, EXIT_CR4_WRITE);
	assert_false(vm_exit.cr4.gpr_known); /* junk, on a CPU without decode assists */
	svm_caps.decode_assists = true;
	decode(SVM_EXIT_CR4_WRITE, BIT(63) | 0x1f9, 0);
	assert_true(vm_exit.cr4.gpr_known);
	assert_int_equal(vm_exit.cr4.gpr, GPR_R9);
	decode(SVM_EXIT_CR4_WRITE, 9, 0);
	assert_false(vm_exit.cr4.gpr_known);
	decode(SVM_EXIT_CR4_READ, BIT(63) | 9, 0);
	assert_int_equal(vm_exit.kind, EXIT_CR4_READ);
	assert_true(vm_exit.cr4.gpr_known);
	assert_int_equal(vm_exit.cr4.gpr, GPR_R9);
}

/* A length is one of an instruction, or 0, which has it decoded. */
static void test_lengths(void **state)
{
	static const u64 not_next[] = {RIP + 16, RIP - 1, RIP + 256 + 2,
				       0x1000,	 ~0ull,	  RIP + (1ull << 32)};

	(void)state;
	vmcb->rip = RIP;
	for (unsigned i = 0; i < ARRAY_SIZE(not_next); i++) {
		decode(SVM_EXIT_IOIO, 0x10, not_next[i]);
		assert_int_equal(vm_exit.length, 0);
	}
	vmcb->next_rip = RIP + 3;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 0); /* this CPU does not save it */
	svm_caps.nrip_save = true;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 3);
	vmcb->next_rip = RIP + 16;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 0);
	vmcb->next_rip = 0;
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.length, 0);
}

static void test_nested_faults(void **state)
{
	(void)state;
	decode(SVM_EXIT_NESTED_FAULT, BIT(32) | BIT(1) | BIT(2), 0xfee00300);
	assert_int_equal(vm_exit.kind, EXIT_NESTED_FAULT);
	assert_int_equal(vm_exit.nested.address.v, 0xfee00300);
	assert_true(vm_exit.nested.write && !vm_exit.nested.execute && !vm_exit.nested.table_walk);
	decode(SVM_EXIT_NESTED_FAULT, BIT(32) | BIT(4) | BIT(2), 0x5000);
	assert_true(!vm_exit.nested.write && vm_exit.nested.execute);
	decode(SVM_EXIT_NESTED_FAULT, BIT(33) | BIT(1) | BIT(2), 0x5000);
	assert_true(vm_exit.nested.table_walk);
}

static void test_decode_assists(void **state)
{
	static const u8 code[VCPU_CODE_MAX] = {0x89, 0x05, 1, 2,  3,  4,  5, 6,
					       7,    8,	   9, 10, 11, 12, 13};

	(void)state;
	vmcb->instruction_length = 15;
	memcpy(vmcb->instruction_bytes, code, sizeof(code));
	decode(SVM_EXIT_NESTED_FAULT, 2, 0x5000);
	assert_int_equal(vm_exit.code_length, 0); /* junk, on a CPU without them */
	svm_caps.decode_assists = true;
	decode(SVM_EXIT_NESTED_FAULT, 2, 0x5000);
	assert_int_equal(vm_exit.code_length, 15);
	assert_memory_equal(vm_exit.code, code, sizeof(code));
	vmcb->instruction_length = 0xf3; /* bits 7:4 are reserved */
	decode(SVM_EXIT_NESTED_FAULT, 0, 0x5000);
	assert_int_equal(vm_exit.code_length, 3);
	assert_memory_equal(vm_exit.code, code, 3);
	decode(SVM_EXIT_NESTED_FAULT, BIT(4), 0x5000);
	assert_int_equal(vm_exit.code_length, 0); /* of a fetch there is nothing */
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vm_exit.code_length, 0);
}

static u64 repeated(u64 info)
{
	vmcb->exit_int_info = info;
	decode(SVM_EXIT_NESTED_FAULT, 0, 0);
	assert_int_equal(vm_exit.nested.in_delivery, info >> 31 & 1);
	return vmcb->event_injection;
}

static void test_interrupted_deliveries(void **state)
{
	(void)state;
	assert_int_equal(repeated(0), 0);
	assert_int_equal(repeated(0x7fffffff), 0); /* not valid: junk */
	assert_int_equal(repeated(0x80000041), 0x80000041);
	assert_int_equal(repeated(0x80000202), 0x80000202); /* NMI */
	assert_int_equal(repeated(0x1234500080000b0eull), 0x1234500080000b0eull);
	/* Software interrupts, INT3 and INTO come again by their instructions. */
	assert_int_equal(repeated(0x80000480), 0);
	assert_int_equal(repeated(0x80000303), 0);
	assert_int_equal(repeated(0x80000304), 0);
	/* QEMU says "exception" of an external interrupt; an error code there is junk. */
	assert_int_equal(repeated(0x1234500080000b40ull), 0x80000040);
	assert_int_equal(repeated(0x8000031f), 0x8000031f);
	assert_int_equal(repeated(0x80000320), 0x80000020);
	/* Reserved bits are not handed back. */
	assert_int_equal(repeated(0xfffff00eull | 0x80000b00),
			 0x80000000 | (0xfffff00e & 0x7ff) | 0xb00);
}

static void test_exceptions_pass(void **state)
{
	(void)state;
	decode(SVM_EXIT_EXCEPTION + 1, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_RETRY);
	assert_int_equal(vmcb->event_injection, 0x80000301);
	decode(SVM_EXIT_EXCEPTION + 17, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_RETRY);
	assert_int_equal(vmcb->event_injection, 0x80000b11);
}

/* Hardware has all ones there, QEMU before 11 only the lower half. */
static void test_failed_entry(void **state)
{
	(void)state;
	svm_reset(&vcpu, &desk_start);
	vmcb->event_injection = 0x80000302;
	decode(0xffffffff, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_INVALID);
	assert_non_null(strstr(vm_exit.invalid.reason, "event"));
	/* What was delivered is not delivered again. */
	decode(SVM_EXIT_CPUID, 0, 0);
	assert_int_equal(vmcb->event_injection, 0);
	vmcb->cr0 = CR0_NW;
	decode(~0ull, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_INVALID);
	assert_non_null(strstr(vm_exit.invalid.reason, "CR0"));
	vmcb->cr0 = CR0_PE;
	decode(~0ull, 0, 0);
	assert_int_equal(vm_exit.kind, EXIT_INVALID);
	assert_null(vm_exit.invalid.reason);
}

/* Whatever a CPU may have left in the VMCB: the neutral exit is well-formed. */
static void test_random(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		svm_caps.nrip_save = round & 1;
		svm_caps.decode_assists = round & 2;
		vmcb->next_rip = random_u64();
		vmcb->instruction_length = (u8)random_u64();
		vmcb->exit_int_info = random_u64();
		decode(random_u64() % 0x440, random_u64(), random_u64());
		assert_true(vm_exit.kind < EXIT_KINDS);
		assert_true(vm_exit.length <= VCPU_CODE_MAX &&
			    vm_exit.code_length <= VCPU_CODE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_instructions),
		DESK_TEST(test_all_codes),
		DESK_TEST(test_nmi),
		DESK_TEST(test_msr),
		DESK_TEST(test_lengths_from_code),
		DESK_TEST(test_ports),
		DESK_TEST(test_cr4_accesses),
		DESK_TEST(test_lengths),
		DESK_TEST(test_nested_faults),
		DESK_TEST(test_decode_assists),
		DESK_TEST(test_interrupted_deliveries),
		DESK_TEST(test_exceptions_pass),
		DESK_TEST(test_failed_entry),
		DESK_TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
