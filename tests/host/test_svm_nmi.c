// sources: arch/x86/guest_cr4.c arch/x86/guest_msr.c
// sources: arch/x86/svm/check.c arch/x86/svm/event.c arch/x86/svm/exit.c arch/x86/svm/nested.c arch/x86/svm/setup.c
// sources: arch/x86/svm/state.c hv/base/pool.c
/* A guest's NMIs on SVM: one at a time, after what comes first, and no more until its handler's IRET is done. */
#include "tests/host/svm_desk.h"

#define RIP	   0x1234
#define INJECTED   0x80000002ull /* an external interrupt with vector 2 */
#define CODE_IRET  0x74
#define CODE_DB	   0x41
#define CODE_CPUID 0x72

static const struct vcpu_event nmi = {.kind = EVENT_NMI, .vector = 2};
static struct vm_exit vm_exit;

/* What the next VMRUN is to deliver. */
static u64 enter(void)
{
	u64 event;

	if (svm_of(&vcpu)->nmi_waits)
		svm_deliver_nmi(&vcpu);
	event = vmcb->event_injection;
	vmcb->event_injection = 0;
	return event;
}

static enum vm_exit_kind leave(u32 code, u64 rip)
{
	vmcb->exit_code = code;
	vmcb->exit_int_info = 0;
	vcpu.rip = rip;
	svm_exit_decode(&vcpu, &vm_exit);
	return vm_exit.kind;
}

static bool follows_iret(void)
{
	return vmcb->intercept_3 & BIT(20);
}

static void test_delivery(void **state)
{
	(void)state;
	assert_int_equal(enter(), 0);
	vmcb->interrupt_shadow = 1;
	svm_inject(&vcpu, &nmi);
	assert_int_equal(enter(), INJECTED);
	assert_int_equal(vmcb->interrupt_shadow, 0);
	assert_true(follows_iret());
	assert_int_equal(nmis_sent, 0);
	assert_int_equal(enter(), 0); /* once */
}

/* Until the IRET is done: an exit before it, then a step over it. */
static void test_one_at_a_time(void **state)
{
	(void)state;
	svm_inject(&vcpu, &nmi);
	assert_int_equal(enter(), INJECTED);
	svm_inject(&vcpu, &nmi);
	svm_inject(&vcpu, &nmi);
	assert_int_equal(leave(CODE_CPUID, RIP), EXIT_CPUID);
	assert_int_equal(enter(), 0);
	assert_int_equal(leave(CODE_IRET, RIP), EXIT_RETRY);
	assert_int_equal(enter(), 0);
	assert_false(follows_iret());
	assert_true(vcpu.rflags & RFLAGS_TF);
	vcpu.rflags = 0x202; /* what IRET loads */
	vmcb->dr6 = 0xffff4ff0;
	assert_int_equal(leave(CODE_DB, 0x99), EXIT_RETRY);
	assert_int_equal(vcpu.rflags, 0x202);
	assert_int_equal(vmcb->dr6, 0xffff0ff0);
	assert_int_equal(enter(), INJECTED); /* the two are one */
	assert_int_equal(leave(CODE_IRET, RIP), EXIT_RETRY);
	vcpu.rflags = 0x202;
	assert_int_equal(leave(CODE_DB, 0x99), EXIT_RETRY);
	assert_int_equal(enter(), 0);
	assert_false(follows_iret());
	assert_int_equal(nmis_sent, 0);
}

/* The guest's own #DB is no step's. */
static void test_guests_debugging(void **state)
{
	(void)state;
	assert_int_equal(leave(CODE_DB, RIP), EXIT_RETRY);
	assert_int_equal(vmcb->event_injection, 0x80000301);
	vmcb->event_injection = 0;
	svm_inject(&vcpu, &nmi);
	assert_int_equal(enter(), INJECTED);
	assert_int_equal(leave(CODE_DB, RIP), EXIT_RETRY);
	assert_int_equal(vmcb->event_injection, 0x80000301);
}

static void test_step_interrupted(void **state)
{
	(void)state;
	svm_inject(&vcpu, &nmi);
	(void)enter();
	(void)leave(CODE_IRET, RIP);
	(void)enter();
	/* Before the IRET ran: all again. */
	assert_int_equal(leave(SVM_EXIT_NMI, RIP), EXIT_HOST_EVENT);
	assert_false(vcpu.rflags & RFLAGS_TF);
	assert_true(follows_iret());
	svm_inject(&vcpu, &nmi);
	assert_int_equal(enter(), 0);
	(void)leave(CODE_IRET, RIP);
	(void)enter();
	/* It faulted, and the fault's handler made an exit: NMIs are open. */
	vcpu.rflags = 2;
	assert_int_equal(leave(CODE_CPUID, 0x5000), EXIT_CPUID);
	assert_int_equal(enter(), INJECTED);
}

/* An exception, or what was being delivered, comes first; the CPU's own NMI makes an exit after it. */
static void test_others_first(void **state)
{
	(void)state;
	svm_inject(&vcpu, &nmi);
	svm_inject(&vcpu, &(struct vcpu_event){.kind = EVENT_EXCEPTION, .vector = VECTOR_UD});
	assert_int_equal(enter(), 0x80000306);
	assert_int_equal(nmis_sent, 1);
	vmcb->event_injection = 0x80000051; /* to be repeated */
	assert_int_equal(enter(), 0x80000051);
	assert_int_equal(nmis_sent, 2);
	assert_int_equal(enter(), INJECTED);
	assert_int_equal(nmis_sent, 2);
}

/* Its delivery met a nested fault: as what it was, though TCG may call it an exception. */
static void test_repeated(void **state)
{
	static const u64 infos[] = {0x80000002, 0x80000302};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(infos); i++) {
		vmcb->exit_code = SVM_EXIT_NESTED_FAULT;
		vmcb->exit_int_info = infos[i];
		svm_exit_decode(&vcpu, &vm_exit);
		assert_int_equal(enter(), INJECTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(test_delivery),	  DESK_TEST(test_one_at_a_time),
		DESK_TEST(test_guests_debugging), DESK_TEST(test_step_interrupted),
		DESK_TEST(test_others_first),	  DESK_TEST(test_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
